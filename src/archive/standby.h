// Partitions that the group gives us and another owner writes to.
//
// The group's assignment and the ledger may disagree for a while: an owner that was paused believes that it
// still is one. The ledger decides who writes. Where a slot stands that is not ours we stop writing, and look
// again after two flush intervals: nothing new means that the other one is gone, and the partition is claimed
// again; new slots mean two owners, and we stay out.
#pragma once

#include <map>
#include <vector>

#include "base/time.h"
#include "model/ids.h"

namespace changevault {

class Standby {
 public:
  explicit Standby(Duration patience) : patience_(patience) {}

  // The chain ended at `end` when we lost the partition.
  void add(PartitionId partition, Slot end, Duration now) {
    waiting_.insert_or_assign(partition, Entry{end, now, false});
  }
  void remove(PartitionId partition) { waiting_.erase(partition); }
  bool has(PartitionId partition) const { return waiting_.contains(partition); }

  // Those to look at again now.
  std::vector<PartitionId> due(Duration now) const {
    std::vector<PartitionId> out;
    for (const auto& [partition, entry] : waiting_) {
      if (now.ms - entry.since.ms >= patience_.ms) out.push_back(partition);
    }
    return out;
  }

  enum class Verdict { kGone, kTwoOwners, kStillTwoOwners };
  // What the chain's end says by now. kGone: remove it and claim. Else waiting begins anew.
  Verdict judge(PartitionId partition, Slot end, Duration now) {
    Entry& entry = waiting_.at(partition);
    if (end == entry.end) return Verdict::kGone;
    const bool reported = entry.reported;
    entry = {end, now, true};
    return reported ? Verdict::kStillTwoOwners : Verdict::kTwoOwners;
  }

 private:
  struct Entry {
    Slot end{};
    Duration since{};
    bool reported = false;
  };
  Duration patience_;
  std::map<PartitionId, Entry> waiting_;
};

}  // namespace changevault
