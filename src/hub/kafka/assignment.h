// Which partitions a member of a group reads, and from where: between what the group deals out, what seek()
// asks for, and what librdkafka is told.
//
// Invariants:
// - librdkafka is given a partition only together with the position that seek() named; the group's committed
//   offsets are never read.
// - What the group takes back stays ours until settle(), so that its owner may flush; what is lost is dropped
//   at once.
// - Every word of the group is answered once, also one about no partition: it waits for it.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "base/result.h"
#include "hub/hub.h"
#include "hub/kafka/kafka_client.h"

namespace changevault::kafka {

// One thread. `client` outlives it.
class Assignment {
 public:
  struct Reading {
    std::optional<Sequence> next;  // nullopt: not sought yet
    bool given = false;            // librdkafka reads it
    bool refused = false;          // the broker does not have `next`
    bool end_seen = false;         // a fetch found nothing behind `next`
    Duration ask_at{};             // then the brokers are asked whether that is the end
    int unreadable = 0;            // how often what stands at `next` could not be read
  };

  explicit Assignment(const Client& client) : client_(client) {}

  // A word of the group (an event of kind REBALANCE), as the news that it is.
  Result<Poll> hear(rd_kafka_event_t* event);
  // Answers what the group said, with the positions sought meanwhile.
  Result<void> settle();
  // True until settle(): what was revoked must be flushed.
  bool gives_back() const { return !to_give_back_.empty(); }
  const std::vector<PartitionId>& to_give_back() const { return to_give_back_; }
  Result<void> read_from(PartitionId partition, Sequence next);

  Reading* find(PartitionId partition);
  std::map<PartitionId, Reading>& readings() { return readings_; }

 private:
  Result<void> give_back();
  bool seek(PartitionId partition, Sequence next);
  Result<void> tell(bool adds, const std::vector<std::pair<std::int32_t, std::int64_t>>& places);

  const Client& client_;
  std::map<PartitionId, Reading> readings_;
  std::vector<PartitionId> to_give_back_;
  bool awaits_assign_ = false;  // librdkafka waits for our answer
  bool awaits_unassign_ = false;
};

}  // namespace changevault::kafka
