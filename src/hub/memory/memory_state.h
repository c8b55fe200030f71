// What a memory hub and its consumers and producers share.
#pragma once

#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "hub/hub.h"

namespace changevault {

// What a consumer is told beside batches.
struct AssignmentNotice {
  enum class Kind { kAssigned, kRevoked, kLost };
  Kind kind;
  PartitionId partition;
};

struct StoredEvent {
  Sequence sequence;
  Timestamp time;
  std::string payload;
};

struct MemoryPartition {
  Sequence first{};
  Sequence next{};
  std::deque<StoredEvent> events;  // in order of sequence; holes are positions without an event
  std::optional<Timestamp> gone;   // greatest time of those that are no longer here
};

// Everything under `mutex`, members of a group included.
struct MemoryHubState {
  struct Member {
    std::string name;
    std::deque<AssignmentNotice> notices;  // not told yet
    std::set<PartitionId> partitions;      // told as assigned; a revoked one leaves with the poll after
  };
  struct Group {
    std::map<PartitionId, Sequence> positions;
    std::vector<std::weak_ptr<Member>> members;
    GroupOwner owner;
  };

  Mutex mutex;
  std::string identity CV_GUARDED_BY(mutex);
  std::vector<MemoryPartition> partitions CV_GUARDED_BY(mutex);
  std::map<std::string, Group> groups CV_GUARDED_BY(mutex){{"$Default", {}}};
  std::optional<Timestamp> newest CV_GUARDED_BY(mutex);
  bool live CV_GUARDED_BY(mutex) = false;
  std::size_t largest_payload CV_GUARDED_BY(mutex) = std::numeric_limits<std::size_t>::max();
  std::int64_t changes CV_GUARDED_BY(mutex) = 0;
  std::int64_t joined CV_GUARDED_BY(mutex) = 0;  // members so far

  MemoryPartition& partition(PartitionId id) CV_REQUIRES(mutex) {
    return partitions.at(static_cast<std::size_t>(id.value));
  }
  bool has(PartitionId id) const CV_REQUIRES(mutex) {
    return id.value >= 0 && static_cast<std::size_t>(id.value) < partitions.size();
  }
  PartitionBounds bounds(PartitionId id) CV_REQUIRES(mutex) {
    return {id, partition(id).first, partition(id).next, partition(id).gone};
  }
  HubClock clock(Timestamp now) const CV_REQUIRES(mutex) {
    return {live ? now : newest.value_or(Timestamp{0}), newest, live};
  }
  std::vector<MemberDescription> members(const std::string& group) CV_REQUIRES(mutex);
  Sequence append(PartitionId id, std::string payload, Timestamp time, bool is_live) CV_REQUIRES(mutex);
};

Result<std::unique_ptr<Consumer>> join_memory_hub(const std::shared_ptr<MemoryHubState>& state,
                                                  const std::string& group, const GroupOwner& owner,
                                                  Clock& clock);

// Events of one partition from `at` on, as FetchSource has it.
Result<EventBatch> fetch_from_memory(MemoryHubState& state, PartitionId partition, Sequence at, Timestamp now,
                                     std::size_t max_events) CV_REQUIRES(state.mutex);

}  // namespace changevault
