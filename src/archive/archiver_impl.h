// The archiver inside: which partitions are ours (archiver_partitions.cc), when `--once` is done
// (archiver_once.cc), and everything else (archiver.cc).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "archive/archive_parts.h"
#include "archive/archiver.h"
#include "archive/damaged_partitions.h"
#include "archive/idle_watermark.h"
#include "archive/once_target.h"
#include "archive/partition_archive.h"
#include "archive/sealer.h"
#include "archive/standby.h"
#include "base/retry.h"

namespace changevault {

// Polls the hub, hands events to their partitions, and decides when what is flushed.
//
// Invariants: a partition stands in at most one of `owned_` (we write its chain), `standby_` (the group gives
// it to us, another owner writes its chain) and `damaged_` (its chain cannot be read, so nobody writes it).
// It enters `owned_` by a claim alone, and leaves it at once when a slot of ours is refused, the group takes
// it away or the run ends.
class Archiver::Impl {
 public:
  Impl(Parts parts, ArchiverOptions options)
      : parts_(parts),
        options_(std::move(options)),
        worker_(options_.segment.gzip_level, BlockWorker::Mode::kBehind),
        standby_(milliseconds(2 * options_.flush_interval.ms)) {}

  Result<ArchiveTotals> run(ArchiveMode mode, std::stop_token stop);

  std::function<void(const ArchiveTotals&)> progress;
  std::function<void(const std::string&)> notice = [](const std::string&) {};

 private:
  struct Owned {
    PartitionArchive archive;
    std::optional<ClockReading>
        at_end;  // the clocks before the newest answer, where that said: nothing behind
  };

  Result<void> start(ArchiveMode mode, std::stop_token stop);
  Result<void> loop(const std::stop_token& stop);
  Result<Poll> poll(const std::stop_token& stop);
  void tell_of_hub(const Result<Poll>& polled);
  Result<void> handle(const Poll& poll, Timestamp polled_at);
  Result<void> give_up(PartitionId partition, Duration deadline);
  Result<void> take_over(PartitionId partition);
  Result<void> claim(PartitionId partition);
  Result<bool> seek(Owned& owned);
  Result<void> go_on_behind_losses();
  Result<void> stand_by(PartitionId partition, const Error* why);
  Result<void> look_at_standby();
  Result<void> look_at_standby(PartitionId partition);
  Result<void> look_at_damaged();
  // What reading a partition's chain came to: damage there ends our ownership, not the run.
  Result<void> leave_alone_if_damaged(PartitionId partition, const Result<void>& outcome);
  void tell_damage(PartitionId partition, const char* what, const Error& why) const;
  // kCorrupt where something was left undone because of damage.
  Result<void> nothing_left_alone() const;
  Result<void> take(const EventBatch& batch, Timestamp polled_at);
  Result<void> add_all(const EventBatch& batch);
  Result<void> idle(PartitionId partition);
  Result<void> flush_due();
  Result<void> keep_within_memory();
  Result<HubDescription> describe_hub();
  Result<void> check_same_hub();
  Result<std::optional<Timestamp>> store_clock();
  Result<void> flush(PartitionId partition);
  Result<void> flush_all();
  Result<void> commit_numbers();
  // What a write to a partition's chain came to: being fenced ends our ownership, not the run.
  Result<void> written(PartitionId partition, const Result<void>& outcome);
  Result<bool> done();
  bool owned_reached();
  void tell_of_silence();
  Result<bool> reached_targets();
  Result<bool> owns_all();
  Result<void> close(const HubClock& clock);
  Result<void> seal_if_due();
  std::vector<PartitionId> owned() const;
  Owned* find(PartitionId partition);
  Duration now() const { return parts_.clock.steady(); }

  Parts parts_;
  ArchiverOptions options_;
  BlockWorker worker_;
  ArchiveTotals totals_;
  ArchiveMode mode_ = ArchiveMode::kFollow;
  std::optional<RecordBuilder> builder_;
  std::optional<ArchiveContext> context_;
  std::optional<Sealer> sealer_;
  std::optional<OnceTarget> target_;
  std::unique_ptr<Consumer> consumer_;
  std::map<PartitionId, Owned> owned_;
  Standby standby_;
  DamagedPartitions damaged_;
  Duration started_{};
  bool watermark_moved_ = true;
  std::optional<Timestamp> store_clock_;
  Duration store_clock_at_{};
  std::optional<Duration> hub_away_since_;
  bool hub_away_told_ = false;
  Duration events_at_{};  // when the newest came
  bool told_of_silence_ = false;
  bool hub_is_known_ = false;         // its identity was seen since the last events came
  std::int64_t unchecked_bytes_ = 0;  // taken since the memory was last looked at
};

}  // namespace changevault
