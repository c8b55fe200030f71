#include "archive/partition_part.h"

#include <string>
#include <utility>

#include "archive/ledger_problem.h"

namespace changevault {
namespace {

// A claim as it would stand before this entry: with it the ledger's rules hold from the middle of a chain on.
std::optional<ClaimEntry> claim_before(const EntryBody& body) {
  if (const auto* commit = std::get_if<CommitEntry>(&body)) {
    return ClaimEntry{commit->epoch, commit->first, std::nullopt, std::nullopt};
  }
  if (const auto* lost = std::get_if<LostEntry>(&body)) {
    return ClaimEntry{lost->epoch, lost->first, std::nullopt, std::nullopt};
  }
  return std::nullopt;
}

class PartReader {
 public:
  PartReader(PartitionId partition, const std::function<Result<void>(const WalkedEntry&)>& each)
      : partition_(partition), each_(each), fold_(partition) {}

  // `sha256` of the slot before the first.
  void begin_behind(const std::string& sha256) { previous_ = sha256; }

  Result<void> take(Slot slot, SlotOutcome outcome) {
    if (!outcome) {
      if (!is_ledger_damage(outcome.error())) return std::move(outcome).error();
      return damaged(slot, std::move(outcome).error());
    }
    const WalkedEntry walked = std::move(outcome).value();
    if (slot == Slot(0)) previous_ = kNoPrevious;
    if (!previous_.empty() && walked.entry.header.previous != previous_) {
      // It is another slot's bytes, or a rewritten one: what it says of places and times is not believed
      // either.
      return damaged(slot, slot_rewritten(walked.key));
    }
    if (!fold_.claimed()) CV_TRY(begin(walked));
    const Result<void> fits = fold_.add(walked);
    if (!fits) return damaged(slot, fits.error());
    previous_ = walked.sha256;
    meet(walked);
    if (fold_.committed()) settle(*fold_.reached());
    return each_(walked);
  }

  std::vector<DamagedSlot> take_damaged() { return std::move(damaged_); }

 private:
  Result<void> begin(const WalkedEntry& walked) {
    const auto claim = claim_before(walked.entry.body);
    return claim ? fold_.add({walked.slot, walked.key, {}, {{}, *claim}}) : Result<void>{};
  }

  Result<void> damaged(Slot slot, Error error) {
    if (fold_.committed()) reached_ = fold_.reached();
    if (fold_.claimed()) {
      end_ = fold_.next();
      epoch_ = fold_.epoch();
    }
    damaged_.push_back({slot, std::move(error), reached_, std::nullopt, end_, std::nullopt});
    fold_ = PartitionFold(partition_);
    previous_.clear();
    return {};
  }

  // The first entry behind damage says where it goes on.
  void meet(const WalkedEntry& walked) {
    if (met_ == damaged_.size() || damaged_.back().slot == walked.slot) return;
    const auto begin = claim_before(walked.entry.body);
    const auto* claim = begin ? &*begin : std::get_if<ClaimEntry>(&walked.entry.body);
    const bool same_life = claim != nullptr && epoch_ && claim->epoch == *epoch_;
    for (; met_ < damaged_.size(); ++met_) {
      if (same_life) damaged_[met_].next = claim->next;
    }
  }

  // The watermark behind the damage is known now.
  void settle(Timestamp reached) {
    for (; settled_ < damaged_.size(); ++settled_) damaged_[settled_].before = reached;
  }

  PartitionId partition_;
  const std::function<Result<void>(const WalkedEntry&)>& each_;
  PartitionFold fold_;
  std::string previous_;  // empty: the slot before was not read
  std::optional<Timestamp> reached_;
  std::optional<Sequence> end_;  // of what was read before the damage, in this life of the hub
  std::optional<Epoch> epoch_;
  std::vector<DamagedSlot> damaged_;
  std::size_t met_ = 0;
  std::size_t settled_ = 0;
};

}  // namespace

std::optional<Slot> slot_that_listed(const std::vector<DamagedSlot>& damaged, Sequence first, Slot claim) {
  for (const DamagedSlot& slot : damaged) {
    if (slot.slot > claim && !slot.lists_nothing() && slot.may_list(first)) return slot.slot;
  }
  return std::nullopt;
}

Result<std::vector<DamagedSlot>> read_part(ObjectStore& store, const KeyLayout& layout, PartitionId partition,
                                           SlotRange range,
                                           const std::function<Result<void>(const WalkedEntry&)>& each) {
  PartReader reader(partition, each);
  if (Slot(0) < range.from && range.from < range.end) {
    Chain chain(store, layout.partition_chain(partition));
    const Result<WalkedEntry> before = read_entry(chain, range.from.previous());
    if (!before && !is_ledger_damage(before.error())) return before.error();
    if (before) reader.begin_behind(before->sha256);
  }
  CV_TRY(read_slots(store, layout.partition_chain(partition), range,
                    [&](Slot slot, SlotOutcome outcome) { return reader.take(slot, std::move(outcome)); }));
  return reader.take_damaged();
}

}  // namespace changevault
