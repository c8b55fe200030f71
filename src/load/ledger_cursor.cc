#include "load/ledger_cursor.h"

#include <algorithm>

#include "archive/catalog.h"
#include "archive/partition_part.h"

namespace changevault {
namespace {

void take(ListedSlot& slot, const SegmentFacts& facts) {
  slot.first_hour = std::min(slot.first_hour, facts.hour);
  ++slot.segments;
  slot.digest += EventId::of_text(facts.sha256).high;
}

ListedSlot listed(const CommitEntry& commit, PartitionId partition, Slot slot) {
  ListedSlot out{kNoEnd, partition, slot, 0, 0};
  for (const SegmentFacts& facts : commit.segments) take(out, facts);
  return out;
}

ListedRef ref_to(const SegmentFacts& facts, Slot slot) {
  return {{facts.key, facts.sha256, facts.partition, slot, facts.records},
          facts.hour,
          facts.first,
          facts.text_bytes};
}

// Whether a slot names the bytes of the one before it, where that is there.
bool follows(Chain& chain, const WalkedEntry& walked) {
  if (walked.slot == Slot(0)) return walked.entry.header.previous == kNoPrevious;
  const Result<StoredSlot> before = chain.read(walked.slot.previous());
  return before && before->sha256 == walked.entry.header.previous;
}

}  // namespace

Result<void> LedgerCursor::follow() {
  CV_TRY(find_partitions());
  const std::size_t known = damage_.size();
  for (auto& [id, next] : partitions_) CV_TRY(follow(id, next));
  return damage_.size() > known ? ask_seals() : Result<void>();
}

// Partitions may join at any time.
Result<void> LedgerCursor::find_partitions() {
  CV_ASSIGN(const std::vector<PartitionId> chains, partition_chains(store_, layout_));
  for (const PartitionId id : chains) partitions_.try_emplace(id);
  if (!partitions_.empty()) return {};
  const Result<ObjectInfo> first = store_.head(layout_.seal_chain() + KeyLayout::slot_name(Slot(0)));
  if (first || first.error().code != ErrorCode::kNotFound) return first ? Result<void>() : first.error();
  if (store_.head(layout_.adopted_chain() + KeyLayout::slot_name(Slot(0)))) {
    return Error(ErrorCode::kNotFound, "nothing is archived here but adopted files, and these are not loaded",
                 store_.url() + "/" + layout_.root(),
                 "what the warehouse lacks of them is put back by: changevault recover --gaps");
  }
  return Error(ErrorCode::kNotFound, "there is no archive here yet", store_.url() + "/" + layout_.root(),
               "'changevault init' makes one; if there should be one, check store.url and store.root");
}

// The last slot that was read is read again: what is new has to follow from it.
Result<void> LedgerCursor::follow(PartitionId id, Slot& next) {
  CV_ASSIGN(const ChainEnd end, find_chain_end(store_, layout_.partition_chain(id), next));
  if (end.end <= next) return {};
  std::vector<ListedSlot> found;
  const auto each = [&](const WalkedEntry& walked) -> Result<void> {
    const auto* commit = std::get_if<CommitEntry>(&walked.entry.body);
    if (commit != nullptr && !commit->segments.empty() && walked.slot >= next)
      found.push_back(listed(*commit, id, walked.slot));
    return {};
  };
  CV_ASSIGN(const std::vector<DamagedSlot> damaged,
            read_part(store_, layout_, id, {std::max(next.previous(), Slot(0)), end.end}, each));
  for (const DamagedSlot& slot : damaged) {
    if (slot.slot < next) continue;
    damage_.insert_or_assign({id, slot.slot}, Damage{damage_error(slot.error), slot.lists_nothing()});
    std::erase_if(found, [&](const ListedSlot& s) { return s.slot == slot.slot; });
  }
  slots_.insert(slots_.end(), found.begin(), found.end());
  next = end.end;
  return {};
}

// Damage is rare: then the whole ledger is read, for the files that seals name and no other slot lists.
Result<void> LedgerCursor::ask_seals() {
  CV_ASSIGN(const Catalog catalog, Catalog::read(store_, layout_));
  for (auto& [place, damage] : damage_) {
    for (const LedgerProblem& problem : catalog.problems()) {
      if (problem.error.object == damage.error.object) damage.told = problem.from >= problem.to;
    }
    std::vector<ListedRef> refs;
    ListedSlot slot{kNoEnd, place.first, place.second, 0, 0};
    for (const ListedSegment& segment : catalog.segments()) {
      if (!segment.by_seal || std::pair(segment.facts.partition, segment.slot) != place) continue;
      refs.push_back(ref_to(segment.facts, segment.slot));
      take(slot, segment.facts);
    }
    if (refs.empty() || !by_seals_.try_emplace(slot, std::move(refs)).second) continue;
    slots_.push_back(slot);
  }
  return {};
}

Result<void> LedgerCursor::look_at_damage() {
  for (auto damage = damage_.begin(); damage != damage_.end();) {
    const auto [id, slot] = damage->first;
    Chain chain(store_, layout_.partition_chain(id));
    const Result<WalkedEntry> walked = read_entry(chain, slot);
    if (!walked && !is_ledger_damage(walked.error())) return walked.error();
    if (!walked || !follows(chain, *walked)) {
      ++damage;
      continue;
    }
    const auto* commit = std::get_if<CommitEntry>(&walked->entry.body);
    if (commit != nullptr && !commit->segments.empty()) slots_.push_back(listed(*commit, id, slot));
    damage = damage_.erase(damage);
  }
  return {};
}

Result<std::vector<ListedRef>> LedgerCursor::segments_of(const ListedSlot& slot) {
  if (const auto told = by_seals_.find(slot); told != by_seals_.end()) return told->second;
  Chain chain(store_, layout_.partition_chain(slot.partition));
  CV_ASSIGN(const WalkedEntry walked, read_entry(chain, slot.slot));
  const auto* commit = std::get_if<CommitEntry>(&walked.entry.body);
  if (commit == nullptr || commit->segments.empty() || listed(*commit, slot.partition, slot.slot) != slot) {
    return Error(ErrorCode::kCorrupt, "a ledger slot has changed since it was read", walked.key,
                 "run 'changevault verify' to see all that is damaged");
  }
  std::vector<ListedRef> out;
  for (const SegmentFacts& facts : commit->segments) out.push_back(ref_to(facts, slot.slot));
  return out;
}

}  // namespace changevault
