#include "archive/archiver.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "archive/archive_parts.h"
#include "archive/idle_watermark.h"
#include "archive/partition_archive.h"
#include "archive/sealer.h"

namespace changevault {
namespace {

// A commit that would list more than this is written earlier: no ledger slot grows without bound. Room for
// some 13,000 segments, so that with thousands of collections a flush does not come at every few events.
constexpr std::int64_t kMostLedgerBytes = std::int64_t{16} << 20;
// Memory is looked at once in so many bytes of events.
constexpr std::int64_t kMemoryCheckBytes = std::int64_t{256} << 10;
// How long a poll may wait: what bounds the reaction to a stop, to a flush that is due, and the age of idle
// clocks.
constexpr Duration kLongestPoll = milliseconds(500);
// An outside thing that fails is tried again for this long; a run that should end soon gives up sooner.
constexpr Duration kGiveUpFollowing = minutes(5);
constexpr Duration kGiveUpOnce = seconds(15);

}  // namespace

// The loop: polls the hub, hands events to their partitions, and decides when what is flushed.
class Archiver::Impl {
 public:
  Impl(Parts parts, ArchiverOptions options)
      : parts_(parts), options_(std::move(options)), compressor_(options_.segment.gzip_level) {}

  Result<ArchiveTotals> run(ArchiveMode mode, std::stop_token stop);

  std::function<void(const ArchiveTotals&)> progress;

 private:
  struct Owned {
    PartitionArchive archive;
    Sequence target{};  // --once: archived up to here is enough
    std::optional<ClockReading>
        at_end;  // the clocks before the newest answer, where that said: nothing behind
  };

  Result<void> start(ArchiveMode mode, std::stop_token stop);
  Result<void> check_hub(const HubDescription& hub) const;
  Result<void> loop(std::stop_token stop);
  Result<void> handle(const Poll& poll, Timestamp polled_at);
  Result<void> take_over(PartitionId partition);
  Result<void> take(const EventBatch& batch, Timestamp polled_at);
  Result<void> add_all(Owned& owned, const EventBatch& batch);
  Result<void> idle(Owned& owned);
  Result<void> flush_due();
  Result<void> keep_within_memory();
  Result<void> flush(Owned& owned);
  Result<void> flush_all();
  Result<bool> done();
  Result<void> close(const HubClock& clock);
  Result<void> seal_if_due();
  bool reached_targets() const;

  Parts parts_;
  ArchiverOptions options_;
  BlockCompressor compressor_;
  ArchiveTotals totals_;
  ArchiveMode mode_ = ArchiveMode::kFollow;
  std::optional<RecordBuilder> builder_;
  std::optional<ArchiveContext> context_;
  std::optional<Sealer> sealer_;
  std::unique_ptr<Consumer> consumer_;
  std::map<PartitionId, Owned> owned_;
  bool watermark_moved_ = true;
  std::int64_t unchecked_bytes_ = 0;  // taken since the memory was last looked at
};

Archiver::Archiver(Parts parts, ArchiverOptions options)
    : impl_(std::make_unique<Impl>(parts, std::move(options))) {}
Archiver::~Archiver() = default;
void Archiver::on_progress(std::function<void(const ArchiveTotals&)> progress) {
  impl_->progress = std::move(progress);
}
Result<ArchiveTotals> Archiver::run(ArchiveMode mode, std::stop_token stop) {
  return impl_->run(mode, std::move(stop));
}

Result<ArchiveTotals> Archiver::Impl::run(ArchiveMode mode, std::stop_token stop) {
  CV_TRY(start(mode, stop));
  CV_TRY(loop(stop));
  return totals_;
}

Result<void> Archiver::Impl::start(ArchiveMode mode, std::stop_token stop) {
  mode_ = mode;
  CV_ASSIGN(const HubDescription hub, parts_.hub.describe());
  RecordIdentity identity{options_.source_id, hub.identity, Epoch(0)};
  builder_.emplace(identity);
  const RetryPolicy policy{.give_up_after = mode == ArchiveMode::kFollow ? kGiveUpFollowing : kGiveUpOnce};
  context_.emplace(
      ArchiveContext{parts_, options_, identity, *builder_, compressor_, totals_, policy, std::move(stop)});
  sealer_.emplace(*context_);
  CV_TRY(sealer_->open());
  CV_TRY(check_hub(hub));
  CV_ASSIGN(consumer_, parts_.hub.join(options_.group));
  return {};
}

Result<void> Archiver::Impl::check_hub(const HubDescription& hub) const {
  const HubEntry& known = sealer_->hub();
  const std::string object = parts_.store.url() + "/" + parts_.layout.root();
  if (known.identity != hub.identity) {
    return Error(ErrorCode::kValidation,
                 fmt::format("the archive belongs to another hub than {}", parts_.hub.url()), object,
                 "the hub was replaced, or hub.url or store.root is wrong; nothing was written");
  }
  if (known.group != options_.group) {
    return Error(
        ErrorCode::kUsage,
        fmt::format("the archive is written by the group '{}', not by '{}'", known.group, options_.group),
        object,
        fmt::format("set hub.group to '{}', or begin another archive in another store.root", known.group));
  }
  if (known.source_id != options_.source_id) {
    return Error(
        ErrorCode::kUsage,
        fmt::format("the archive holds the source '{}', not '{}'", known.source_id, options_.source_id),
        object, fmt::format("set source.id to '{}': event ids are made from it", known.source_id));
  }
  if (known.partitions != hub.partitions) {
    return Error(
        ErrorCode::kValidation,
        fmt::format("the hub has {} partitions, the archive knows {}", hub.partitions, known.partitions),
        object, "a changed number of partitions is not supported yet; nothing was written");
  }
  return {};
}

Result<void> Archiver::Impl::loop(std::stop_token stop) {
  while (!stop.stop_requested()) {
    const Timestamp polled_at = parts_.clock.now();
    const Duration wait =
        std::min(kLongestPoll, milliseconds(std::max<std::int64_t>(options_.flush_interval.ms / 4, 10)));
    auto poll = consumer_->poll(wait, stop);
    if (!poll && poll.error().code == ErrorCode::kCancelled) break;
    if (!poll) return poll.error();
    CV_TRY(handle(*poll, polled_at));
    CV_TRY(flush_due());
    CV_TRY(seal_if_due());
    CV_ASSIGN(const bool finished, done());
    if (finished) return {};
  }
  CV_TRY(flush_all());
  return seal_if_due();
}

Result<void> Archiver::Impl::handle(const Poll& poll, Timestamp polled_at) {
  for (const PartitionId partition : poll.lost) owned_.erase(partition);
  for (const PartitionId partition : poll.revoked) {
    const auto it = owned_.find(partition);
    if (it == owned_.end()) continue;
    CV_TRY(flush(it->second));
    owned_.erase(it);
  }
  for (const PartitionId partition : poll.assigned) CV_TRY(take_over(partition));
  if (poll.batch) CV_TRY(take(*poll.batch, polled_at));
  return {};
}

Result<void> Archiver::Impl::take_over(PartitionId partition) {
  CV_ASSIGN(const std::vector<PartitionBounds> bounds, parts_.hub.bounds());
  Owned owned{
      PartitionArchive(partition, *context_), bounds.at(static_cast<std::size_t>(partition.value)).next, {}};
  const auto sealed_to = sealer_->sealed_to();
  CV_TRY(owned.archive.claim(sealed_to ? std::optional(sealed_to->start()) : std::nullopt,
                             sealer_->promised_end(partition)));
  CV_TRY(consumer_->seek(partition, owned.archive.next()));
  owned_.erase(partition);
  owned_.emplace(partition, std::move(owned));
  return {};
}

Result<void> Archiver::Impl::take(const EventBatch& batch, Timestamp polled_at) {
  const auto it = owned_.find(batch.partition);
  if (it == owned_.end()) return {};
  Owned& owned = it->second;
  CV_TRY(add_all(owned, batch));
  owned.at_end.reset();
  if (!batch.at_end) return {};
  CV_ASSIGN(const std::optional<Timestamp> store_clock, parts_.store.clock());
  owned.at_end = ClockReading{polled_at, store_clock, batch.clock};
  return idle(owned);
}

Result<void> Archiver::Impl::add_all(Owned& owned, const EventBatch& batch) {
  const Timestamp now = parts_.clock.now();
  for (const HubEvent& event : batch.events) {
    CV_TRY(owned.archive.add(event, now));
    const OpenBatch& open = owned.archive.open();
    if (open.largest_segment() >= options_.segment_bytes || open.ledger_bytes() >= kMostLedgerBytes)
      CV_TRY(flush(owned));
    unchecked_bytes_ += static_cast<std::int64_t>(event.payload.size());
    if (unchecked_bytes_ >= kMemoryCheckBytes) CV_TRY(keep_within_memory());
  }
  owned.archive.skip_to(batch.next);
  return {};
}

// An idle commit says that an hour has passed without events. With events open there is nothing to say yet:
// their own commit comes first.
Result<void> Archiver::Impl::idle(Owned& owned) {
  const auto watermark = owned.at_end ? idle_watermark(*owned.at_end) : std::nullopt;
  if (!watermark) return {};
  const auto committed = owned.archive.watermark();
  // A partition that never committed has no hour to pass; its first events commit when their time has come.
  const bool hour_passed =
      committed ? hour_of(*watermark) > hour_of(*committed) : owned.archive.open().empty();
  if (!hour_passed) return {};
  CV_TRY(flush(owned));
  watermark_moved_ = true;
  return owned.archive.commit_idle(*watermark);
}

Result<void> Archiver::Impl::flush_due() {
  const Duration now = parts_.clock.steady();
  for (auto& [partition, owned] : owned_) {
    const auto since = owned.archive.open_since();
    if (since && now.ms - since->ms >= options_.flush_interval.ms) CV_TRY(flush(owned));
  }
  return {};
}

Result<void> Archiver::Impl::keep_within_memory() {
  unchecked_bytes_ = 0;
  std::int64_t held = 0;
  Owned* largest = nullptr;
  for (auto& [partition, owned] : owned_) {
    held += owned.archive.open().memory();
    if (largest == nullptr || owned.archive.open().memory() > largest->archive.open().memory())
      largest = &owned;
  }
  return held > options_.memory ? flush(*largest) : Result<void>();
}

Result<void> Archiver::Impl::flush(Owned& owned) {
  if (owned.archive.open().empty()) return {};
  CV_TRY(owned.archive.commit());
  watermark_moved_ = true;
  // A hint for lag tools; the ledger has it already.
  ignore_error(consumer_->commit(owned.archive.partition(), owned.archive.committed_next()),
               "only lag tools read the group's position");
  if (progress) progress(totals_);
  return {};
}

Result<void> Archiver::Impl::flush_all() {
  for (auto& [partition, owned] : owned_) CV_TRY(flush(owned));
  return {};
}

// Also a partition without new events is asked once: only its answer tells that it is quiet.
bool Archiver::Impl::reached_targets() const {
  return !owned_.empty() && std::all_of(owned_.begin(), owned_.end(), [](const auto& entry) {
    const Owned& owned = entry.second;
    return owned.archive.next() > owned.target ||
           (owned.archive.next() == owned.target && owned.at_end.has_value());
  });
}

Result<bool> Archiver::Impl::done() {
  if (mode_ == ArchiveMode::kFollow || !reached_targets()) return false;
  // An import is closed where the hub ends: what came meanwhile belongs to it.
  HubClock clock;
  if (mode_ == ArchiveMode::kOnceAndClose) {
    // Before the bounds: an event that it knows of is then archived before its hour is closed.
    CV_ASSIGN(clock, parts_.hub.clock());
    CV_ASSIGN(const std::vector<PartitionBounds> bounds, parts_.hub.bounds());
    for (auto& [partition, owned] : owned_)
      owned.target = bounds.at(static_cast<std::size_t>(partition.value)).next;
    if (!reached_targets()) return false;
  }
  CV_TRY(flush_all());
  for (auto& [partition, owned] : owned_) CV_TRY(idle(owned));
  if (mode_ == ArchiveMode::kOnceAndClose) CV_TRY(close(clock));
  CV_TRY(seal_if_due());
  return true;
}

Result<void> Archiver::Impl::close(const HubClock& clock) {
  if (!clock.newest) return {};
  // The hour that the newest event was placed in: no stamp is believed further ahead than partitions do.
  const Timestamp end = hour_of(std::min(*clock.newest, parts_.clock.now() + kMostAhead)).end();
  for (auto& [partition, owned] : owned_) CV_TRY(owned.archive.commit_idle(end));
  watermark_moved_ = true;
  return {};
}

Result<void> Archiver::Impl::seal_if_due() {
  if (!watermark_moved_ || owned_.empty()) return {};
  watermark_moved_ = false;
  CV_TRY(sealer_->seal());
  if (progress) progress(totals_);
  return {};
}

}  // namespace changevault
