#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "archive/archiver_impl.h"
#include "archive/hub_life.h"
#include "archive/idle_watermark.h"

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
// How long partitions that the group takes away may go on being flushed, all together.
constexpr Duration kRevokeDeadline = seconds(20);
// How long a hub may be away before a person hears of it.
constexpr Duration kHubAwayToldAfter = seconds(2);
// How old the store's clock may be, as it is read from an answer of it.
constexpr Duration kStoreClockAge = seconds(5);
constexpr Duration kGiveUpOnce = seconds(15);

}  // namespace

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
  if (mode != ArchiveMode::kFollow) CV_TRY(nothing_left_alone());
  return totals_;
}

Result<void> Archiver::Impl::start(ArchiveMode mode, std::stop_token stop) {
  mode_ = mode;
  started_ = events_at_ = now();
  const RetryPolicy policy{.give_up_after = mode == ArchiveMode::kFollow ? kGiveUpFollowing : kGiveUpOnce};
  builder_.emplace(RecordIdentity{});
  context_.emplace(
      ArchiveContext{parts_, options_, {}, *builder_, worker_, totals_, policy, std::move(stop), notice});
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
    // A hub that is away is no reason to fail for who is asked to end: what is open decides.
    const bool ends = !polled && (polled.error().code == ErrorCode::kCancelled ||
                                  (polled.error().retryable && stop.stop_requested()));
    if (ends) break;
    if (!polled) return polled.error();
    CV_TRY(handle(*polled, polled_at));
    CV_TRY(flush_due());
    CV_TRY(look_at_standby());
    CV_TRY(look_at_damaged());
    CV_TRY(seal_if_due());
    CV_ASSIGN(const bool finished, done());
    if (finished) return {};
  }
  CV_TRY(flush_all());
  CV_TRY(commit_numbers());
  return seal_if_due();
}

Result<Poll> Archiver::Impl::poll(const std::stop_token& stop) {
  const Duration wait =
      std::min(kLongestPoll, milliseconds(std::max<std::int64_t>(options_.flush_interval.ms / 4, 10)));
  Result<Poll> polled = retry(context_->retry, parts_.clock, parts_.random, stop, [&] {
    Result<Poll> once = consumer_->poll(wait, stop);
    tell_of_hub(once);
    return once;
  });
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

// Once for each time that the hub is away.
void Archiver::Impl::tell_of_hub(const Result<Poll>& polled) {
  if (polled) {
    if (std::exchange(hub_away_told_, false)) context_->tell("the hub answers again");
    hub_away_since_.reset();
    return;
  }
  if (!polled.error().retryable) return;
  if (!hub_away_since_) hub_away_since_ = now();
  if (now().ms - hub_away_since_->ms < kHubAwayToldAfter.ms || std::exchange(hub_away_told_, true)) return;
  context_->tell(fmt::format("the hub does not answer, it is tried again for {}: {}",
                             to_string(context_->retry.give_up_after), polled.error().message));
}

Result<void> Archiver::Impl::handle(const Poll& poll, Timestamp polled_at) {
  for (const PartitionId partition : poll.lost) {
    owned_.erase(partition);
    standby_.remove(partition);
    damaged_.remove(partition);
  }
  const Duration deadline = now() + kRevokeDeadline;
  for (const PartitionId partition : poll.revoked) CV_TRY(give_up(partition, deadline));
  for (const PartitionId partition : poll.assigned) CV_TRY(take_over(partition));
  context_->uploaded.reset();  // true for the partitions of one poll, not for later ones
  if (poll.batch) CV_TRY(take(*poll.batch, polled_at));
  return {};
}

Result<void> Archiver::Impl::take(const EventBatch& batch, Timestamp polled_at) {
  if (find(batch.partition) == nullptr) return {};
  hub_is_known_ = false;
  if (!batch.events.empty()) events_at_ = now();
  CV_TRY(add_all(batch));
  Owned* const owned = find(batch.partition);
  if (owned == nullptr) return {};
  owned->at_end.reset();
  if (!batch.at_end) return {};
  CV_ASSIGN(const std::optional<Timestamp> store_clock, this->store_clock());
  owned->at_end = ClockReading{polled_at, store_clock, batch.clock};
  return idle(batch.partition);
}

// Of a few seconds ago at most: it bounds the watermark from above, and may ask a service far away.
Result<std::optional<Timestamp>> Archiver::Impl::store_clock() {
  if (!store_clock_ || now().ms - store_clock_at_.ms >= kStoreClockAge.ms) {
    CV_ASSIGN(store_clock_, parts_.store.clock());
    store_clock_at_ = now();
  }
  return store_clock_;
}

Result<void> Archiver::Impl::add_all(const EventBatch& batch) {
  const Timestamp now = parts_.clock.now();
  for (const HubEvent& event : batch.events) {
    Owned* const owned = find(batch.partition);
    if (owned == nullptr) return {};
    CV_ASSIGN(const std::int64_t taken, owned->archive.add(event, now));
    const OpenBatch& open = owned->archive.open();
    if (open.largest_segment() >= options_.segment_bytes || open.ledger_bytes() >= kMostLedgerBytes)
      CV_TRY(flush(batch.partition));
    unchecked_bytes_ += taken;
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
  CV_TRY(check_same_hub());
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

// That it is not there may be the word of a broker that is behind, or of the moment between two hubs.
Result<HubDescription> Archiver::Impl::describe_hub() {
  Result<HubDescription> hub = parts_.hub.describe();
  if (hub || hub.error().code != ErrorCode::kNotFound) return hub;
  Error error = hub.error();
  error.code = ErrorCode::kUnreachable;
  error.retryable = true;
  return error;
}

// What was read is of the hub that the archive belongs to, if that is still there afterwards: an identity
// never comes back. Asked before a slot is written, once for all that was read until then.
Result<void> Archiver::Impl::check_same_hub() {
  if (std::exchange(hub_is_known_, true)) return {};
  const Result<HubDescription> hub =
      retry(context_->retry, parts_.clock, parts_.random, context_->stop, [&] { return describe_hub(); });
  hub_is_known_ = hub.has_value();
  CV_TRY(hub);
  if (hub->identity == context_->identity.hub_identity) return {};
  return Error(
      ErrorCode::kValidation, "the hub was dropped and made again while it was read: " + hub->topic,
      parts_.hub.url(),
      "what was read last is not archived. If the new one is to take the old one's place: changevault "
      "archive --new-epoch");
}

Result<void> Archiver::Impl::flush(PartitionId partition) {
  Owned* owned = find(partition);
  if (owned == nullptr || owned->archive.open().empty()) return {};
  CV_TRY(check_same_hub());
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

// Where the hub cannot be asked, as little is lost as by a kill: the numbers are looked at again.
Result<void> Archiver::Impl::commit_numbers() {
  for (const PartitionId partition : owned()) {
    Owned* const owned = find(partition);
    if (owned == nullptr || !owned->archive.has_numbers()) continue;
    const Result<void> same = check_same_hub();
    if (!same && same.error().retryable) return {};
    CV_TRY(same);
    CV_TRY(written(partition, owned->archive.commit_numbers()));
  }
  return {};
}

Result<void> Archiver::Impl::seal_if_due() {
  if (!watermark_moved_ || owned_.empty()) return {};
  watermark_moved_ = false;
  CV_TRY(sealer_->seal());
  for (const auto& [partition, why] : sealer_->damage()) {
    if (damaged_.is_news(partition, now()))
      tell_damage(partition, "no hour is sealed until its ledger is put right", why);
  }
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
