// Committed positions of a group, as a hint for tools that show lag: not one for every batch, since brokers
// limit them (Event Hubs takes four a second of a partition), and never a reason to wait long.
#pragma once

#include <map>
#include <string>

#include "base/clock.h"
#include "hub/kafka/kafka_client.h"
#include "model/ids.h"

namespace changevault::kafka {

// One thread. References outlive it.
class PositionCommits {
 public:
  PositionCommits(const Client& client, Clock& clock, std::string mark)
      : client_(client), clock_(clock), mark_(std::move(mark)) {}

  // Sent now, or with a later flush_due where one of this partition was sent less than 300 ms ago, or went
  // unanswered less than 30 s ago. kFenced where the group has moved on without this member; an answer that
  // does not come is none.
  Result<void> put(PartitionId partition, Sequence next);
  void flush_due();
  // All of them, now.
  void flush();
  void forget(PartitionId partition);

 private:
  struct Entry {
    std::optional<Sequence> waiting;
    std::optional<Duration> not_before;
  };
  bool is_due(const Entry& entry) const;
  Result<void> send(const std::vector<PartitionId>& partitions);

  const Client& client_;
  Clock& clock_;
  const std::string mark_;
  std::map<PartitionId, Entry> entries_;
};

}  // namespace changevault::kafka
