// Takes old events out of the embedded hub.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "hub/sqlite/sqlite_log.h"
#include "hub/sqlite/sqlite_options.h"

namespace changevault {

// Problem. Nobody but producers is there for certain, and they must not be held up: so each append is
// followed by a bounded piece of the work. Invariants.
//  1. A partition loses events from its front only, in the transaction that moves its first position.
//  2. Each transaction takes out a bounded number of events and bytes; an append is followed by enough of
//  them
//     to take out twice what it put in, so that the hub shrinks however fast it is filled.
//  3. By age: an event goes when it and all before it in its partition are older. By size: whatever partition
//     begins with the oldest event gives a run of its front, until all partitions together are within the
//     limit.
// Whether anybody has read an event does not matter; whoever was overtaken is told by his next read.
class Retention {
 public:
  // References outlive it.
  Retention(SqliteLog& log, SqliteRetention limits, Clock& clock)
      : log_(log), limits_(limits), clock_(clock) {}

  // Looks at most once a second, unless it did not get to the end the last time.
  Result<void> after_append(std::int64_t events, std::int64_t bytes);

 private:
  struct Budget {
    std::int64_t events = 0;
    std::int64_t bytes = 0;
    bool spent() const { return events <= 0 || bytes <= 0; }
  };
  // An event goes while this says so of its time and size.
  using Wanted = std::function<bool(Timestamp time, std::int64_t bytes)>;

  // One transaction. True: there is nothing left to take out.
  Result<bool> step(Budget& left);
  Result<void> by_age(std::vector<PartitionRow>& rows, Budget& left);
  Result<void> by_size(std::vector<PartitionRow>& rows, Budget& left);
  Result<PartitionRow*> oldest(std::vector<PartitionRow>& rows);
  Result<void> take_front(PartitionRow& row, const Wanted& wanted, Budget& left);

  SqliteLog& log_;
  SqliteRetention limits_;
  Clock& clock_;
  std::optional<Duration> done_at_;
};

}  // namespace changevault
