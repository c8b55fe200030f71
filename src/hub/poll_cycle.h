// Which partition a poll reads next, and how it waits. Shared by the drivers whose hub is asked, not listened
// to.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "hub/hub.h"

namespace changevault {

// What a cycle reads from.
class FetchSource {
 public:
  virtual ~FetchSource() = default;
  // Events from `at` on; none: `at` is the end, and at_end says so. Never waits for events.
  virtual Result<EventBatch> fetch(PartitionId partition, Sequence at) = 0;
  // A number that differs from the one before whenever something may have been appended in between. Cheap.
  virtual Result<std::int64_t> change_mark() = 0;
  // Something else than a batch is to be reported: nothing is fetched any more, waiting ends.
  virtual bool has_notice() { return false; }
};

// Problem: a reader of many partitions must starve none, must hear of the end of each (the archiver's idle
// watermark rests on it) and must neither spin nor sleep through an append. Invariants: a partition is read
// only after `seek`. The partition behind the one served last is asked first. The end of a partition is
// reported with the batch that reaches it, or by an empty batch; then again, for each partition in turn,
// after each wait that found nothing new, with a fresh clock. The change mark is taken before the partitions
// are asked, so an append while they are asked is seen by the wait.
class PollCycle {
 public:
  // Both outlive the cycle.
  PollCycle(FetchSource& source, Clock& clock) : source_(source), clock_(clock) {}

  void add(PartitionId partition);
  void remove(PartitionId partition);
  bool has(PartitionId partition) const;
  // REQUIRES: has(partition).
  void seek(PartitionId partition, Sequence next);

  // nullopt: nothing to report within `timeout` (no partition was sought), `stop`, or a notice.
  Result<std::optional<EventBatch>> next(Duration timeout, std::stop_token stop);

 private:
  struct Position {
    PartitionId partition;
    std::optional<Sequence> next;
    bool end_reported = false;
  };

  Result<std::optional<EventBatch>> ask_each();
  // True when something may have been appended, false at the deadline, on `stop` or a notice.
  Result<bool> wait_for_change(std::int64_t mark, Duration deadline, const std::stop_token& stop);

  FetchSource& source_;
  Clock& clock_;
  std::vector<Position> positions_;
  std::size_t turn_ = 0;
};

}  // namespace changevault
