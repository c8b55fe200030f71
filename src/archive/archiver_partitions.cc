#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "archive/archiver_impl.h"
#include "archive/hub_life.h"
#include "archive/ledger_problem.h"
#include "archive/ledger_walk.h"

namespace changevault {
namespace {

constexpr const char* kRepairHint = "see what can be done about it with: changevault repair";

// About slots of this partition's chain, not about the store.
bool is_damage_of(const KeyLayout& layout, PartitionId partition, const Error& error) {
  return is_ledger_damage(error) && error.object.starts_with(layout.partition_chain(partition));
}

}  // namespace

Result<void> Archiver::Impl::go_on_behind_losses() {
  for (const PartitionId partition : owned()) {
    Owned* const owned = find(partition);
    if (owned == nullptr) continue;
    CV_ASSIGN(const bool ours, seek(*owned));
    if (!ours) CV_TRY(stand_by(partition, nullptr));
  }
  return {};
}

// What is open is archived if it takes little time; else the next owner reads it again.
Result<void> Archiver::Impl::give_up(PartitionId partition, Duration deadline) {
  const Duration left{std::max<std::int64_t>(deadline.ms - now().ms, 0)};
  const RetryPolicy usual = std::exchange(context_->retry, RetryPolicy{.give_up_after = left});
  Result<void> flushed = flush(partition);
  context_->retry = usual;
  owned_.erase(partition);
  standby_.remove(partition);
  damaged_.remove(partition);
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
  CV_TRY(leave_alone_if_damaged(partition, claim(partition)));
  if (find(partition) != nullptr && damaged_.recovered(partition))
    context_->tell(fmt::format("partition {}: its ledger is whole, going on with it", partition.value));
  return {};
}

Result<void> Archiver::Impl::claim(PartitionId partition) {
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
  if (!claimed) return claimed.error();
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
  for (const PartitionId partition : standby_.due(now()))
    CV_TRY(leave_alone_if_damaged(partition, look_at_standby(partition)));
  return {};
}

Result<void> Archiver::Impl::look_at_standby(PartitionId partition) {
  Chain chain(parts_.store, parts_.layout.partition_chain(partition));
  CV_ASSIGN(const Slot end, chain.find_end(sealer_->promised_end(partition)));
  const Standby::Verdict verdict = standby_.judge(partition, end, now());
  if (verdict == Standby::Verdict::kGone) {
    context_->tell(
        fmt::format("partition {}: nobody else writes to it any more, going on with it", partition.value));
    return take_over(partition);
  }
  if (verdict == Standby::Verdict::kTwoOwners) {
    CV_ASSIGN(const WalkedEntry newest, read_entry(chain, end.previous()));
    context_->tell(fmt::format(
        "partition {} has two owners: the hub gives it to us, and {} archives it; leaving it to that "
        "one. Run archivers of one group on one hub only, or stop one of them",
        partition.value, newest.entry.header.owner));
  }
  return {};
}

Result<void> Archiver::Impl::look_at_damaged() {
  for (const PartitionId partition : damaged_.due(now())) CV_TRY(take_over(partition));
  return {};
}

Result<void> Archiver::Impl::leave_alone_if_damaged(PartitionId partition, const Result<void>& outcome) {
  if (outcome || !is_damage_of(parts_.layout, partition, outcome.error())) return outcome;
  owned_.erase(partition);
  standby_.remove(partition);
  const Error why = damage_error(outcome.error());
  if (damaged_.add(partition, why, now()))
    tell_damage(partition, "left alone, the other partitions go on", why);
  return {};
}

void Archiver::Impl::tell_damage(PartitionId partition, const char* what, const Error& why) const {
  context_->tell(fmt::format("partition {}: {}: {} ({}); {}", partition.value, what, why.message, why.object,
                             kRepairHint));
}

Result<void> Archiver::Impl::nothing_left_alone() const {
  const auto alone = damaged_.first();
  const auto unsealed = sealer_->damage().begin();
  if (!alone && unsealed == sealer_->damage().end()) return {};
  const Error& why = alone ? alone->second : unsealed->second;
  const std::string what =
      alone ? fmt::format("partition {} was left alone, its ledger is damaged: {}", alone->first.value,
                          why.message)
            : fmt::format("no hour can be sealed, the ledger of partition {} is damaged: {}",
                          unsealed->first.value, why.message);
  return Error(ErrorCode::kCorrupt, what, why.object,
               fmt::format("{} event{} of the other partitions {} archived; {}", totals_.events,
                           totals_.events == 1 ? "" : "s", totals_.events == 1 ? "is" : "are", kRepairHint));
}

Result<void> Archiver::Impl::written(PartitionId partition, const Result<void>& outcome) {
  const bool fenced = !outcome && outcome.error().code == ErrorCode::kFenced;
  return leave_alone_if_damaged(partition, fenced ? stand_by(partition, &outcome.error()) : outcome);
}

}  // namespace changevault
