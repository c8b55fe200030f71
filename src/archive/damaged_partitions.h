// Partitions whose chain is damaged: they are left alone, all others are archived.
//
// A partition's chain can be put right while an archiver runs, so it is looked at again now and then; a
// person is told at once, and then seldom.
#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/ids.h"

namespace changevault {

// Not thread-safe.
class DamagedPartitions {
 public:
  static constexpr Duration kLookAgain = seconds(30);
  static constexpr Duration kTellAgain = minutes(10);

  // Left alone because of `why`. True where a person should hear of it (again).
  bool add(PartitionId partition, Error why, Duration now) {
    alone_.insert_or_assign(partition, Entry{std::move(why), now});
    return is_news(partition, now);
  }
  // Whether a person should hear (again) that something of this partition is damaged.
  bool is_news(PartitionId partition, Duration now) {
    const auto told = told_.find(partition);
    if (told != told_.end() && now.ms - told->second.ms < kTellAgain.ms) return false;
    told_.insert_or_assign(partition, now);
    return true;
  }
  // It is no longer ours to judge.
  void remove(PartitionId partition) { alone_.erase(partition); }
  // It is sound again. True where a person heard that it was not.
  bool recovered(PartitionId partition) {
    alone_.erase(partition);
    return told_.erase(partition) > 0;
  }
  bool has(PartitionId partition) const { return alone_.contains(partition); }
  bool empty() const { return alone_.empty(); }

  // Those to look at again now.
  std::vector<PartitionId> due(Duration now) const {
    std::vector<PartitionId> out;
    for (const auto& [partition, entry] : alone_) {
      if (now.ms - entry.since.ms >= kLookAgain.ms) out.push_back(partition);
    }
    return out;
  }
  // Of the first one.
  std::optional<std::pair<PartitionId, Error>> first() const {
    if (alone_.empty()) return std::nullopt;
    return std::pair(alone_.begin()->first, alone_.begin()->second.why);
  }

 private:
  struct Entry {
    Error why;
    Duration since{};
  };
  std::map<PartitionId, Entry> alone_;
  std::map<PartitionId, Duration> told_;
};

}  // namespace changevault
