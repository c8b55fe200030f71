#include <algorithm>

#include <fmt/core.h>

#include "archive/archiver_impl.h"

namespace changevault {
namespace {

// --once: after that long without a partition the group gives us none. Until then it may still be dealing
// them out.
constexpr Duration kGroupSettles = seconds(5);
// --once: after that long without an event it is said what is waited for.
constexpr Duration kSilence = seconds(15);
// --close: how long to wait for partitions that others hold.
constexpr Duration kCloseDeadline = seconds(30);

}  // namespace

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

// The hub has more and gives nothing: a producer's transaction is open, or the hub is slow.
void Archiver::Impl::tell_of_silence() {
  if (told_of_silence_ || now().ms - events_at_.ms < kSilence.ms) return;
  for (const auto& [partition, owned] : owned_) {
    const auto target = target_->ends().find(partition);
    if (target == target_->ends().end() || owned.archive.next() >= target->second.next) continue;
    told_of_silence_ = true;
    context_->tell(
        fmt::format("waiting for partition {}: the hub has numbers up to {} and gives nothing behind {}; a "
                    "transaction of a "
                    "producer may be open there",
                    partition.value, target->second.next.value - 1, owned.archive.next().value - 1));
  }
}

Result<bool> Archiver::Impl::reached_targets() {
  if (!owned_reached()) return false;
  for (const auto& [partition, target] : target_->ends()) {
    if (owned_.contains(partition) || damaged_.has(partition)) continue;
    // The group may still be dealing out its partitions.
    const bool settled = !owned_.empty() || !damaged_.empty() || standby_.has(partition) ||
                         now().ms - started_.ms >= kGroupSettles.ms;
    if (!settled) return false;
    const Result<bool> reached = target_->reached_by_others(partition);
    if (!reached) CV_TRY(leave_alone_if_damaged(partition, reached.error()));
    if (reached && !*reached) return false;
  }
  return true;
}

Result<bool> Archiver::Impl::done() {
  if (mode_ == ArchiveMode::kFollow) return false;
  // Others may wait for what we hold, as we wait for them.
  if (!owned_reached()) {
    tell_of_silence();
    return false;
  }
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
  CV_TRY(commit_numbers());
  CV_TRY(seal_if_due());
  return true;
}

// Only the owner of a partition can say that no more comes for its hour.
Result<bool> Archiver::Impl::owns_all() {
  for (const auto& [partition, target] : target_->ends()) {
    if (owned_.contains(partition) || damaged_.has(partition)) continue;
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

}  // namespace changevault
