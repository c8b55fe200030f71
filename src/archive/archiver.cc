#include "archive/archiver.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "archive/archive_parts.h"
#include "archive/hub_life.h"
#include "archive/idle_watermark.h"
#include "archive/ledger_walk.h"
#include "archive/once_target.h"
#include "archive/partition_archive.h"
#include "archive/sealer.h"
#include "archive/standby.h"
#include "base/retry.h"

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
// How long a partition that the group takes away may go on being flushed.
constexpr Duration kRevokeDeadline = seconds(20);
// --once: after that long without a partition the group gives us none. Until then it may still be dealing
// them out.
constexpr Duration kGroupSettles = seconds(5);
// --close: how long to wait for partitions that others hold.
constexpr Duration kCloseDeadline = seconds(30);

}  // namespace

// Polls the hub, hands events to their partitions, and decides when what is flushed.
//
// Invariants: a partition stands in at most one of `owned_` (we write its chain) and `standby_` (the group
// gives it to us, another owner writes its chain). It enters `owned_` by a claim alone, and leaves it at once
// when a slot of ours is refused, the group takes it away or the run ends.
class Archiver::Impl {
 public:
  Impl(Parts parts, ArchiverOptions options)
      : parts_(parts),
        options_(std::move(options)),
        compressor_(options_.segment.gzip_level),
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
  Result<void> handle(const Poll& poll, Timestamp polled_at);
  Result<void> give_up(PartitionId partition);
  Result<void> take_over(PartitionId partition);
  Result<bool> seek(Owned& owned);
  Result<void> go_on_behind_losses();
  Result<void> stand_by(PartitionId partition, const Error* why);
  Result<void> look_at_standby();
  Result<void> take(const EventBatch& batch, Timestamp polled_at);
  Result<void> add_all(const EventBatch& batch);
  Result<void> idle(PartitionId partition);
  Result<void> flush_due();
  Result<void> keep_within_memory();
  Result<void> flush(PartitionId partition);
  Result<void> flush_all();
  // What a write to a partition's chain came to: being fenced ends our ownership, not the run.
  Result<void> written(PartitionId partition, const Result<void>& outcome);
  Result<bool> done();
  bool owned_reached();
  Result<bool> reached_targets();
  Result<bool> owns_all();
  Result<void> close(const HubClock& clock);
  Result<void> seal_if_due();
  std::vector<PartitionId> owned() const;
  Owned* find(PartitionId partition);
  Duration now() const { return parts_.clock.steady(); }

  Parts parts_;
  ArchiverOptions options_;
  BlockCompressor compressor_;
  ArchiveTotals totals_;
  ArchiveMode mode_ = ArchiveMode::kFollow;
  std::optional<RecordBuilder> builder_;
  std::optional<ArchiveContext> context_;
  std::optional<Sealer> sealer_;
  std::optional<OnceTarget> target_;
  std::unique_ptr<Consumer> consumer_;
  std::map<PartitionId, Owned> owned_;
  Standby standby_;
  Duration started_{};
  bool watermark_moved_ = true;
  std::int64_t unchecked_bytes_ = 0;  // taken since the memory was last looked at
};

Archiver::Archiver(Parts parts, ArchiverOptions options)
    : impl_(std::make_unique<Impl>(parts, std::move(options))) {}
Archiver::~Archiver() = default;
void Archiver::on_progress(std::function<void(const ArchiveTotals&)> progress) {
  impl_->progress = std::move(progress);
}
void Archiver::on_notice(std::function<void(const std::string&)> notice) {
  impl_->notice = std::move(notice);
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
  started_ = now();
  const RetryPolicy policy{.give_up_after = mode == ArchiveMode::kFollow ? kGiveUpFollowing : kGiveUpOnce};
  builder_.emplace(RecordIdentity{});
  context_.emplace(
      ArchiveContext{parts_, options_, {}, *builder_, compressor_, totals_, policy, std::move(stop), notice});
  sealer_.emplace(*context_);
  CV_TRY(sealer_->open());
  CV_TRY(settle_hub(parts_, options_, *sealer_));
  context_->identity = {options_.source_id, sealer_->hub().identity, sealer_->hub().epoch};
  builder_.emplace(context_->identity);
  if (options_.new_epoch)
    context_->tell(
        "a new epoch: what the hub before held and was not archived yet is listed as lost, nobody can say "
        "how "
        "much; see the hours with: changevault gaps");
  target_.emplace(*context_, *sealer_);
  CV_TRY(target_->look());
  CV_ASSIGN(consumer_, parts_.hub.join(options_.group, sealer_->owner()));
  return {};
}

Result<void> Archiver::Impl::loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const Timestamp polled_at = parts_.clock.now();
    const Result<Poll> polled = poll(stop);
    if (!polled && polled.error().code == ErrorCode::kCancelled) break;
    if (!polled) return polled.error();
    CV_TRY(handle(*polled, polled_at));
    CV_TRY(flush_due());
    CV_TRY(look_at_standby());
    CV_TRY(seal_if_due());
    CV_ASSIGN(const bool finished, done());
    if (finished) return {};
  }
  CV_TRY(flush_all());
  return seal_if_due();
}

Result<Poll> Archiver::Impl::poll(const std::stop_token& stop) {
  const Duration wait =
      std::min(kLongestPoll, milliseconds(std::max<std::int64_t>(options_.flush_interval.ms / 4, 10)));
  Result<Poll> polled =
      retry(context_->retry, parts_.clock, parts_.random, stop, [&] { return consumer_->poll(wait, stop); });
  if (polled || polled.error().code != ErrorCode::kNotFound) return polled;
  // The hub has deleted what comes next: what was read before is worth keeping.
  CV_TRY(flush_all());
  if (options_.accept_loss) {
    CV_TRY(go_on_behind_losses());
    return Poll();
  }
  Error error = polled.error();
  error.code = ErrorCode::kValidation;
  error.hint =
      "its retention has overtaken the archive. If they cannot be brought back, "
      "'changevault archive --accept-loss' records them as lost and goes on behind them";
  return error;
}

Result<void> Archiver::Impl::go_on_behind_losses() {
  for (const PartitionId partition : owned()) {
    Owned* const owned = find(partition);
    if (owned == nullptr) continue;
    CV_ASSIGN(const bool ours, seek(*owned));
    if (!ours) CV_TRY(stand_by(partition, nullptr));
  }
  return {};
}

Result<void> Archiver::Impl::handle(const Poll& poll, Timestamp polled_at) {
  for (const PartitionId partition : poll.lost) {
    owned_.erase(partition);
    standby_.remove(partition);
  }
  for (const PartitionId partition : poll.revoked) CV_TRY(give_up(partition));
  for (const PartitionId partition : poll.assigned) CV_TRY(take_over(partition));
  if (poll.batch) CV_TRY(take(*poll.batch, polled_at));
  return {};
}

// What is open is archived if it takes little time; else the next owner reads it again.
Result<void> Archiver::Impl::give_up(PartitionId partition) {
  const RetryPolicy usual = std::exchange(context_->retry, RetryPolicy{.give_up_after = kRevokeDeadline});
  const Result<void> flushed = flush(partition);
  context_->retry = usual;
  owned_.erase(partition);
  standby_.remove(partition);
  if (!flushed && flushed.error().retryable) {
    context_->tell(
        fmt::format("partition {}: given up without its last events, their next owner reads them again ({})",
                    partition.value, flushed.error().to_string()));
    return {};
  }
  return flushed;
}

Result<void> Archiver::Impl::take_over(PartitionId partition) {
  owned_.erase(partition);
  standby_.remove(partition);
  CV_TRY(sealer_->refresh());
  if (partition.value >= sealer_->hub().partitions) CV_TRY(add_partitions(parts_, *sealer_));
  Owned& taken = owned_.emplace(partition, Owned{PartitionArchive(partition, *context_), {}}).first->second;
  const auto sealed_to = sealer_->sealed_to();
  const auto floor = sealed_to ? std::optional(sealed_to->start()) : std::nullopt;
  const Result<bool> claimed = taken.archive.claim(
      {floor, sealer_->promised_end(partition), sealer_->joined_later(partition), sealer_->epoch_began()});
  if (claimed && *claimed) {
    CV_ASSIGN(const bool sought, seek(taken));
    if (sought) return {};
  }
  if (!claimed) {
    owned_.erase(partition);
    return claimed.error();
  }
  return stand_by(partition, nullptr);
}

// The hub's retention may go on deleting between the claim and here. False: fenced while saying so.
Result<bool> Archiver::Impl::seek(Owned& owned) {
  PartitionArchive& archive = owned.archive;
  while (true) {
    const Result<void> sought = consumer_->seek(archive.partition(), archive.next());
    if (sought) return true;
    if (sought.error().code != ErrorCode::kNotFound || !options_.accept_loss) return sought.error();
    const Result<void> recorded = archive.record_loss();
    if (!recorded && recorded.error().code == ErrorCode::kFenced) return false;
    CV_TRY(recorded);
  }
}

Result<void> Archiver::Impl::stand_by(PartitionId partition, const Error* why) {
  const auto it = owned_.find(partition);
  CV_ASSIGN(const Slot end, it->second.archive.chain().find_end(sealer_->promised_end(partition)));
  owned_.erase(it);
  standby_.add(partition, end, now());
  context_->tell(fmt::format("partition {}: {}; looking again in {}", partition.value,
                             why != nullptr ? why->message : "other archivers claim it at the same time",
                             to_string(milliseconds(2 * options_.flush_interval.ms))));
  return {};
}

Result<void> Archiver::Impl::look_at_standby() {
  for (const PartitionId partition : standby_.due(now())) {
    Chain chain(parts_.store, parts_.layout.partition_chain(partition));
    CV_ASSIGN(const Slot end, chain.find_end(sealer_->promised_end(partition)));
    const Standby::Verdict verdict = standby_.judge(partition, end, now());
    if (verdict == Standby::Verdict::kGone) {
      context_->tell(
          fmt::format("partition {}: nobody else writes to it any more, going on with it", partition.value));
      CV_TRY(take_over(partition));
    } else if (verdict == Standby::Verdict::kTwoOwners) {
      CV_ASSIGN(const WalkedEntry newest, read_entry(chain, end.previous()));
      context_->tell(fmt::format(
          "partition {} has two owners: the hub gives it to us, and {} archives it; leaving it to that "
          "one. Run archivers of one group on one hub only, or stop one of them",
          partition.value, newest.entry.header.owner));
    }
  }
  return {};
}

Result<void> Archiver::Impl::take(const EventBatch& batch, Timestamp polled_at) {
  if (find(batch.partition) == nullptr) return {};
  CV_TRY(add_all(batch));
  Owned* const owned = find(batch.partition);
  if (owned == nullptr) return {};
  owned->at_end.reset();
  if (!batch.at_end) return {};
  CV_ASSIGN(const std::optional<Timestamp> store_clock, parts_.store.clock());
  owned->at_end = ClockReading{polled_at, store_clock, batch.clock};
  return idle(batch.partition);
}

Result<void> Archiver::Impl::add_all(const EventBatch& batch) {
  const Timestamp now = parts_.clock.now();
  for (const HubEvent& event : batch.events) {
    Owned* const owned = find(batch.partition);
    if (owned == nullptr) return {};
    CV_TRY(owned->archive.add(event, now));
    const OpenBatch& open = owned->archive.open();
    if (open.largest_segment() >= options_.segment_bytes || open.ledger_bytes() >= kMostLedgerBytes)
      CV_TRY(flush(batch.partition));
    unchecked_bytes_ += static_cast<std::int64_t>(event.payload.size());
    if (unchecked_bytes_ >= kMemoryCheckBytes) CV_TRY(keep_within_memory());
  }
  if (Owned* const owned = find(batch.partition)) owned->archive.skip_to(batch.next);
  return {};
}

// An idle commit says that an hour has passed without events. With events open there is nothing to say yet:
// their own commit comes first.
Result<void> Archiver::Impl::idle(PartitionId partition) {
  Owned* owned = find(partition);
  const auto watermark = owned->at_end ? idle_watermark(*owned->at_end) : std::nullopt;
  if (!watermark) return {};
  const auto committed = owned->archive.watermark();
  // A partition that never committed has no hour to pass; its first events commit when their time has come.
  const bool hour_passed =
      committed ? hour_of(*watermark) > hour_of(*committed) : owned->archive.open().empty();
  if (!hour_passed) return {};
  CV_TRY(flush(partition));
  owned = find(partition);
  if (owned == nullptr) return {};
  watermark_moved_ = true;
  return written(partition, owned->archive.commit_idle(*watermark));
}

Result<void> Archiver::Impl::flush_due() {
  for (const PartitionId partition : owned()) {
    const auto since = find(partition)->archive.open_since();
    if (since && now().ms - since->ms >= options_.flush_interval.ms) CV_TRY(flush(partition));
  }
  return {};
}

Result<void> Archiver::Impl::keep_within_memory() {
  unchecked_bytes_ = 0;
  std::int64_t held = 0;
  const PartitionArchive* largest = nullptr;
  for (const auto& [partition, owned] : owned_) {
    const std::int64_t memory = owned.archive.open().memory();
    held += memory;
    if (largest == nullptr || memory > largest->open().memory()) largest = &owned.archive;
  }
  return held > options_.memory ? flush(largest->partition()) : Result<void>();
}

Result<void> Archiver::Impl::flush(PartitionId partition) {
  Owned* const owned = find(partition);
  if (owned == nullptr || owned->archive.open().empty()) return {};
  CV_TRY(written(partition, owned->archive.commit()));
  if (find(partition) == nullptr) return {};
  watermark_moved_ = true;
  // A hint for lag tools; the ledger has it already.
  ignore_error(consumer_->commit(partition, owned->archive.committed_next()),
               "only lag tools read the group's position");
  if (progress) progress(totals_);
  return {};
}

Result<void> Archiver::Impl::flush_all() {
  for (const PartitionId partition : owned()) CV_TRY(flush(partition));
  return {};
}

Result<void> Archiver::Impl::written(PartitionId partition, const Result<void>& outcome) {
  if (outcome || outcome.error().code != ErrorCode::kFenced) return outcome;
  return stand_by(partition, &outcome.error());
}

// Also a partition without new events is asked once: only its answer tells that it is quiet.
bool Archiver::Impl::owned_reached() {
  return std::all_of(owned_.begin(), owned_.end(), [&](const auto& entry) {
    const auto target = target_->ends().find(entry.first);
    if (target == target_->ends().end()) return true;
    const Sequence next = entry.second.archive.next();
    const Sequence end = target->second.next;
    return next > end || (next == end && entry.second.at_end.has_value());
  });
}

Result<bool> Archiver::Impl::reached_targets() {
  if (!owned_reached()) return false;
  for (const auto& [partition, target] : target_->ends()) {
    if (owned_.contains(partition)) continue;
    // The group may still be dealing out its partitions.
    const bool settled =
        !owned_.empty() || standby_.has(partition) || now().ms - started_.ms >= kGroupSettles.ms;
    if (!settled) return false;
    CV_ASSIGN(const bool reached, target_->reached_by_others(partition));
    if (!reached) return false;
  }
  return true;
}

Result<bool> Archiver::Impl::done() {
  if (mode_ == ArchiveMode::kFollow) return false;
  // Others may wait for what we hold, as we wait for them.
  if (!owned_reached()) return false;
  CV_TRY(flush_all());
  CV_ASSIGN(bool reached, reached_targets());
  if (!reached) return false;
  HubClock clock;
  if (mode_ == ArchiveMode::kOnceAndClose) {
    CV_ASSIGN(const bool all_ours, owns_all());
    if (!all_ours) return false;
    // An import is closed where the hub ends: what came meanwhile belongs to it. The clock before the bounds:
    // an event that it knows of is then archived before its hour is closed.
    CV_ASSIGN(clock, parts_.hub.clock());
    CV_TRY(target_->look());
  }
  // Looked at again: a flush may have shown that a partition is no longer ours.
  CV_ASSIGN(reached, reached_targets());
  if (!reached) return false;
  for (const PartitionId partition : owned()) {
    if (find(partition) != nullptr) CV_TRY(idle(partition));
  }
  if (mode_ == ArchiveMode::kOnceAndClose) CV_TRY(close(clock));
  CV_TRY(seal_if_due());
  return true;
}

// Only the owner of a partition can say that no more comes for its hour.
Result<bool> Archiver::Impl::owns_all() {
  for (const auto& [partition, target] : target_->ends()) {
    if (owned_.contains(partition)) continue;
    if (now().ms - started_.ms < kCloseDeadline.ms) return false;
    return Error(ErrorCode::kBusy,
                 fmt::format("partition {} is held by another archiver of the group '{}'", partition.value,
                             options_.group),
                 parts_.hub.url(), "stop it, then end the import with: changevault archive --once --close");
  }
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

std::vector<PartitionId> Archiver::Impl::owned() const {
  std::vector<PartitionId> out;
  for (const auto& [partition, owned] : owned_) out.push_back(partition);
  return out;
}

Archiver::Impl::Owned* Archiver::Impl::find(PartitionId partition) {
  const auto it = owned_.find(partition);
  return it == owned_.end() ? nullptr : &it->second;
}

}  // namespace changevault
