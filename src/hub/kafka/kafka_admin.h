// Questions about topics and groups, and changes to them: one request each, with a deadline.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/time.h"
#include "hub/hub.h"
#include "hub/kafka/kafka_client.h"

namespace changevault::kafka {

struct TopicDescription {
  std::string id;  // as the broker writes it; empty where it gives none
  std::int32_t partitions = 0;
};

struct GroupMember {
  std::string client_id;
  std::string host;
  std::vector<PartitionId> partitions;  // of our topic
};

struct GroupState {
  bool exists = false;  // it has members, or the coordinator knows it otherwise
  bool has_members = false;
  std::vector<GroupMember> members;
};

struct CommittedPosition {
  Sequence next{};
  std::string metadata;
};
using CommittedPositions = std::map<PartitionId, CommittedPosition>;

// Errors, besides those named: kUnreachable, where no answer came within ten seconds or a broker refuses.
// What passes by itself (a partition without a leader, a coordinator that is moving) is asked again until
// then. Thread-safe. `client` and `clock` outlive it.
class Admin {
 public:
  Admin(const Client& client, Clock& clock) : client_(client), clock_(clock) {}

  Result<std::string> cluster_id();
  Result<TopicDescription> describe_topic();  // kNotFound
  // A topic with the cluster's default replication. kAlreadyExists.
  // Returns once every partition has a leader.
  Result<void> create_topic(std::int32_t partitions);
  // Returns once the brokers know of all of them, and each has a leader.
  Result<void> create_partitions(std::int32_t total);
  // A setting of the topic ("message.timestamp.type"); nullopt where it may not be asked.
  std::optional<std::string> topic_setting(const std::string& name);

  // One offset of each partition: the first, the next to be written (also behind transactions that are still
  // open), or the first whose time is `time` or later.
  Result<std::map<PartitionId, Sequence>> earliest(const std::vector<PartitionId>& partitions);
  Result<std::map<PartitionId, Sequence>> latest(const std::vector<PartitionId>& partitions);
  // The same, asked once and for three seconds: those without an answer are left out.
  Result<std::map<PartitionId, Sequence>> latest_at_hand(const std::vector<PartitionId>& partitions);
  // Partitions without an event of that time or later are left out.
  Result<std::map<PartitionId, Sequence>> at_time(const std::vector<PartitionId>& partitions, Timestamp time);
  Result<std::vector<PartitionBounds>> bounds(const std::vector<PartitionId>& partitions);
  // The greatest time of any event; nullopt for an empty topic. An error that is not retryable: this broker
  // cannot say.
  Result<std::optional<Timestamp>> newest(const std::vector<PartitionId>& partitions);

  Result<std::vector<std::string>> groups();
  Result<GroupState> describe_group(const std::string& group);
  // What the group has committed of our topic.
  Result<CommittedPositions> committed(const std::string& group);
  // kBusy while the group has members.
  Result<void> commit_as_nobody(const std::string& group, const CommittedPositions& positions);
  Result<void> delete_group(const std::string& group);  // kBusy, kNotFound

 private:
  using Submit = std::function<void(const rd_kafka_AdminOptions_t*, rd_kafka_queue_t*)>;
  using Adjust = std::function<void(rd_kafka_AdminOptions_t*)>;
  Result<Event> ask(const std::string& wanted, rd_kafka_admin_op_t operation, const Submit& submit,
                    const Adjust& adjust = nullptr);
  Result<Event> ask_offsets(const std::vector<PartitionId>& partitions, std::int64_t spec, int patience_ms);
  struct OffsetAnswer {
    std::int64_t offset;
    std::int64_t time;
  };
  Result<std::map<PartitionId, OffsetAnswer>> offsets(const std::vector<PartitionId>& partitions,
                                                      std::int64_t spec);
  Result<std::map<PartitionId, Sequence>> sequences(const std::vector<PartitionId>& partitions,
                                                    std::int64_t spec);
  Result<void> check_topic_results(const std::string& wanted, const rd_kafka_topic_result_t** results,
                                   std::size_t count);
  const std::string& topic() const { return client_.parts().settings.topic; }

  // `call` again while its error may pass, for ten seconds.
  template <typename Call>
  auto patiently(Call call) -> decltype(call());
  Result<std::map<PartitionId, OffsetAnswer>> offsets_once(const std::vector<PartitionId>& partitions,
                                                           std::int64_t spec);
  Result<TopicDescription> describe_as_known();
  Result<TopicDescription> describe_topic_once();
  Result<TopicDescription> count_partitions();
  Result<void> await_topic(std::int32_t partitions);
  Result<GroupState> describe_group_once(const std::string& group);
  Result<CommittedPositions> committed_once(const std::string& group);
  Result<void> commit_once(const std::string& group, const CommittedPositions& positions);

  const Client& client_;
  Clock& clock_;
};

}  // namespace changevault::kafka
