// A member of a consumer group of Kafka.
//
// Invariants (those of positions and handing over: assignment.h):
// - A batch is dense up to what the broker left out (control records, compacted keys): every event that it
//   gave between the position sought and `next` was handed out, in order, once.
// - `at_end` is said only by the answer to a question that was asked after everything before `next` had been
//   handed out, with the clock of before the question: a fetch that comes back empty proves nothing (it may
//   be throttled, and nobody knows when it was asked).
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "hub/hub.h"
#include "hub/kafka/assignment.h"
#include "hub/kafka/kafka_admin.h"
#include "hub/kafka/kafka_client.h"
#include "hub/kafka/position_commits.h"

namespace changevault::kafka {

class MemberConsumer final : public Consumer {
 public:
  // Everything outlives it. `admin` works on another connection.
  struct Parts {
    const ClientParts& client;
    Admin& admin;
    Clock& clock;
  };
  static Result<std::unique_ptr<MemberConsumer>> join(const Parts& parts, const std::string& group,
                                                      const GroupOwner& owner);
  ~MemberConsumer() override;

  Result<Poll> poll(Duration timeout, std::stop_token stop) override;
  Result<void> seek(PartitionId partition, Sequence next) override;
  Result<void> commit(PartitionId partition, Sequence next) override;

 private:
  using News = Result<std::optional<Poll>>;  // nullopt: nothing to tell
  // What the queue gave. A fetch brings one message; an error may be about one partition.
  struct Taken {
    Event event;
    const rd_kafka_message_t* message = nullptr;
    PartitionPlace place;

    bool is_about(PartitionId partition) const {
      return (message != nullptr && message->partition == partition.value) ||
             (place && place->partition == partition.value);
    }
  };
  struct End {
    PartitionId partition;
    Sequence next;
    HubClock clock;
  };

  MemberConsumer(const Parts& parts, std::string group, GroupOwner owner)
      : parts_(parts), group_(std::move(group)), owner_(std::move(owner)) {}

  Result<void> start();
  void close();
  void answer_while_leaving(rd_kafka_event_t* event);
  Result<Poll> poll_once(Duration timeout, const std::stop_token& stop);
  Result<void> settle();
  Result<void> check_partition(PartitionId partition, PartitionBounds& bounds);
  News wait(Duration timeout, const std::stop_token& stop);
  Taken take(Duration timeout);
  News handle(Taken taken);
  News dealt_out(rd_kafka_event_t* event);
  News fetched(Taken taken);
  News failed(const Taken& taken);
  News partition_failed(PartitionId partition, Assignment::Reading& reading, const Taken& taken);
  News refused(rd_kafka_resp_err_t code, const std::string& words);
  Error truncated(PartitionId partition, Sequence next) const;
  EventBatch collect(PartitionId partition, Assignment::Reading& reading, Taken first);
  Result<void> check_refused();
  Result<void> check_brokers();
  // When the brokers have to be asked for ends; nullopt: no partition seems to stand at one.
  std::optional<Duration> question_due();
  void ask_for_ends();
  std::optional<Poll> next_end();
  bool stands_at_end(PartitionId partition, Sequence next) const;

  const Parts parts_;
  const std::string group_;
  const GroupOwner owner_;
  std::unique_ptr<Client> client_;
  Queue queue_;
  std::optional<Assignment> assignment_;
  std::optional<PositionCommits> commits_;
  std::deque<End> ends_;       // to be told, one with each poll
  Taken held_;                 // taken from the queue, belongs to a later poll
  bool owner_unsure_ = false;  // the group dealt out partitions: look whose it is
  bool brokers_gone_ = false;
  Duration heard_at_{};  // of the brokers
  Duration asked_at_{};  // the brokers, for ends
  std::optional<Timestamp> newest_;
};

}  // namespace changevault::kafka
