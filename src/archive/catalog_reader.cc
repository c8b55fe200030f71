// Reads a catalog in spite of damage.
#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "archive/adopted.h"
#include "archive/catalog.h"
#include "archive/chain_reader.h"
#include "archive/partition_part.h"
#include "archive/sealed_listing.h"

namespace changevault {
namespace {

struct HourRange {
  Hour from;
  Hour to;  // exclusive
};

void take(std::vector<ListedSegment>& into, const std::vector<SegmentFacts>& facts, Epoch epoch,
          const WalkedEntry& walked) {
  for (const SegmentFacts& f : facts) into.push_back({f, walked.slot, walked.entry.header.time, epoch});
}

// The part of `range` that lies in none but the given hours; as one range, empty where there is none.
HourRange hull_of_common(HourRange range, const std::vector<HourRange>& hours) {
  HourRange out{kNoEnd, kNoBegin};
  for (const HourRange& h : hours) {
    const HourRange common{std::max(range.from, h.from), std::min(range.to, h.to)};
    if (common.from >= common.to) continue;
    out.from = std::min(out.from, common.from);
    out.to = std::max(out.to, common.to);
  }
  return out.from < out.to ? out : HourRange{range.from, range.from};
}

}  // namespace

// The seals first: they say how far the partitions' chains reach, and what stands in slots that are damaged.
class CatalogReader {
 public:
  CatalogReader(ObjectStore& store, const KeyLayout& layout, const OnSlots& on_slots)
      : store_(store), layout_(layout), on_slots_(on_slots) {}

  Result<Catalog> read() {
    CV_ASSIGN(adopted_, read_adopted(store_, layout_));
    CV_TRY(read_seals());
    for (const PartitionId partition : partitions_) CV_TRY(read_partition(partition));
    CV_TRY(add_sealed());
    out_.segments_.insert(out_.segments_.end(), std::make_move_iterator(adopted_.segments.begin()),
                          std::make_move_iterator(adopted_.segments.end()));
    out_.problems_.insert(out_.problems_.end(), adopted_.problems.begin(), adopted_.problems.end());
    const auto by_key = [](const ListedSegment& a, const ListedSegment& b) {
      return a.facts.key < b.facts.key;
    };
    std::sort(out_.segments_.begin(), out_.segments_.end(), by_key);
    std::sort(out_.dead_letters_.begin(), out_.dead_letters_.end(), by_key);
    return std::move(out_);
  }

 private:
  Result<void> tell_slot() { return on_slots_ ? on_slots_(++slots_) : Result<void>(); }
  Result<void> read_seals();
  Result<void> take_seal_slot(Slot slot, SlotOutcome outcome);
  void take_seal(const SealEntry& seal, const WalkedEntry& walked, bool follows);
  Result<void> find_partitions();
  Result<void> read_partition(PartitionId partition);
  void forget(PartitionId partition, const std::vector<DamagedSlot>& damaged);
  LedgerProblem cost_of(PartitionId partition, const DamagedSlot& damaged) const;
  Result<void> add_sealed();
  Result<void> add_sealed(const SealedSegment& sealed, const Namespace& ns, Timestamp sealed_at,
                          std::vector<ListedSegment>& into);
  void add_sealed_losses(const SealEntry& seal);
  Slot through(PartitionId partition) const;
  void problem(Error error, HourRange hours) {
    out_.problems_.push_back({damage_error(std::move(error)), hours.from, hours.to});
  }

  ObjectStore& store_;
  const KeyLayout& layout_;
  const OnSlots& on_slots_;
  std::int64_t slots_ = 0;
  Catalog out_;
  AdoptedFiles adopted_;
  std::string previous_;           // sha256 of the last seal slot; empty where that could not be read
  std::vector<Timestamp> sealed_;  // when each seal was written
  std::vector<HourRange> open_;    // hours that no seal proves
  std::vector<PartitionId> partitions_;
  std::map<PartitionId, std::vector<DamagedSlot>> damage_;
  std::set<std::string> listed_;  // keys, of the partitions with damage
};

Result<Catalog> Catalog::read(ObjectStore& store, const KeyLayout& layout, const OnSlots& on_slots) {
  return CatalogReader(store, layout, on_slots).read();
}

Result<void> CatalogReader::read_seals() {
  const std::string folder = layout_.seal_chain();
  CV_ASSIGN(const ChainEnd end, find_chain_end(store_, folder));
  previous_ = kNoPrevious;
  const auto take = [&](Slot slot, SlotOutcome outcome) -> Result<void> {
    CV_TRY(tell_slot());
    return take_seal_slot(slot, std::move(outcome));
  };
  CV_TRY(read_slots(store_, folder, {Slot(0), end.end}, take));
  open_.push_back({out_.sealed_to().value_or(kNoBegin), kNoEnd});
  CV_TRY(find_partitions());
  if (end.end > Slot(0)) return {};
  if (partitions_.empty() && (adopted_.slots > 0 || !adopted_.problems.empty())) return {};
  if (partitions_.empty()) {
    return Error(ErrorCode::kNotFound, "there is no archive here yet", store_.url() + "/" + layout_.root(),
                 "'changevault init' makes one; if there should be one, check store.url and store.root");
  }
  problem(seals_gone(layout_), {kNoBegin, kNoBegin});
  return {};
}

Result<void> CatalogReader::take_seal_slot(Slot slot, SlotOutcome outcome) {
  if (!outcome) {
    if (!is_ledger_damage(outcome.error())) return std::move(outcome).error();
    problem(std::move(outcome).error(), {kNoBegin, kNoBegin});
    previous_.clear();
    return {};
  }
  const WalkedEntry walked = std::move(outcome).value();
  const bool follows = previous_.empty() || walked.entry.header.previous == previous_;
  previous_ = walked.sha256;
  if (!follows) {
    problem(
        Error(ErrorCode::kCorrupt, "a ledger slot does not name the bytes of the slot before it", walked.key),
        {kNoBegin, kNoBegin});
  }
  if (const auto* hub = std::get_if<HubEntry>(&walked.entry.body)) {
    out_.hub_ = *hub;
    return {};
  }
  const auto* seal = std::get_if<SealEntry>(&walked.entry.body);
  if (seal == nullptr || slot == Slot(0)) {
    return Error(ErrorCode::kCorrupt, "an entry that does not belong here stands in the chain of seals",
                 walked.key, "run 'changevault verify' to see all that is damaged");
  }
  take_seal(*seal, walked, follows);
  return {};
}

// One that does not follow proves nothing of its hours.
void CatalogReader::take_seal(const SealEntry& seal, const WalkedEntry& walked, bool follows) {
  auto& seals = out_.seals_;
  const Hour before = seals.empty() ? kNoBegin : seals.back().to;
  if (before < seal.from && (!seals.empty() || !out_.problems_.empty())) open_.push_back({before, seal.from});
  if (before != seal.from && !seals.empty() && out_.problems_.empty()) {
    problem(Error(ErrorCode::kCorrupt, "a seal does not start where the one before ended", walked.key),
            {before, seal.from});
  }
  if (!follows) open_.push_back({seals.empty() ? seal.from : seals.back().from, seal.to});
  seals.push_back(seal);
  sealed_.push_back(walked.entry.header.time);
}

// Where no slot says how many there are, those that have a chain.
Result<void> CatalogReader::find_partitions() {
  std::int32_t count = out_.hub_ ? out_.hub_->partitions : 0;
  if (!out_.hub_) {
    CV_ASSIGN(const std::vector<PartitionId> chains, partition_chains(store_, layout_));
    if (!chains.empty()) count = chains.back().value + 1;
  }
  for (const SealEntry& seal : out_.seals_) {
    if (!seal.through.empty()) count = std::max(count, seal.through.rbegin()->first.value + 1);
  }
  for (std::int32_t p = 0; p < count; ++p) partitions_.emplace_back(p);
  return {};
}

// Where the newest seal goes on reading a partition; slots before it are of its hours alone.
Slot CatalogReader::through(PartitionId partition) const {
  if (out_.seals_.empty()) return Slot(0);
  const auto named = out_.seals_.back().through.find(partition);
  return named == out_.seals_.back().through.end() ? Slot(0) : named->second;
}

Result<void> CatalogReader::read_partition(PartitionId partition) {
  const std::string folder = layout_.partition_chain(partition);
  const bool promised = !out_.seals_.empty() && out_.seals_.back().through.contains(partition);
  CV_ASSIGN(ChainEnd end, find_chain_end(store_, folder, promised ? through(partition).next() : Slot(0)));
  if (end.damage) problem(*std::move(end.damage), {out_.sealed_to().value_or(kNoBegin), kNoEnd});
  PartitionState state{partition, end.end, std::nullopt, std::nullopt, 0};
  const auto each = [&](const WalkedEntry& walked) -> Result<void> {
    if (const auto* claim = std::get_if<ClaimEntry>(&walked.entry.body)) {
      state.next = claim->next;
    } else if (const auto* commit = std::get_if<CommitEntry>(&walked.entry.body)) {
      state.next = commit->last.next();
      state.watermark = commit->reached;
      state.events += commit->events;
      take(out_.segments_, commit->segments, commit->epoch, walked);
      take(out_.dead_letters_, commit->dead_letters, commit->epoch, walked);
    } else if (const auto* lost = std::get_if<LostEntry>(&walked.entry.body)) {
      state.next = lost->last.next();
      out_.lost_.push_back({partition, walked.slot, *lost});
    }
    return tell_slot();
  };
  CV_ASSIGN(std::vector<DamagedSlot> damaged,
            read_part(store_, layout_, partition, {Slot(0), end.end}, each));
  out_.partitions_.push_back(state);
  if (damaged.empty()) return {};
  forget(partition, damaged);
  for (const DamagedSlot& slot : damaged) out_.problems_.push_back(cost_of(partition, slot));
  damage_.emplace(partition, std::move(damaged));
  return {};
}

// A slot that does not follow from the one before it is not believed, though it can be read.
void CatalogReader::forget(PartitionId partition, const std::vector<DamagedSlot>& damaged) {
  const auto is_damaged = [&](Slot slot) {
    return std::any_of(damaged.begin(), damaged.end(), [&](const DamagedSlot& d) { return d.slot == slot; });
  };
  for (auto* list : {&out_.segments_, &out_.dead_letters_}) {
    std::erase_if(
        *list, [&](const ListedSegment& s) { return s.facts.partition == partition && is_damaged(s.slot); });
    for (const ListedSegment& s : *list) {
      if (s.facts.partition == partition) listed_.insert(s.facts.key);
    }
  }
  std::erase_if(out_.lost_,
                [&](const LostRange& l) { return l.partition == partition && is_damaged(l.slot); });
}

// The hours that the slot may speak of, without those that a seal proves.
LedgerProblem CatalogReader::cost_of(PartitionId partition, const DamagedSlot& damaged) const {
  HourRange hours{damaged.after ? hour_of(*damaged.after) : kNoBegin,
                  damaged.before ? hour_of(*damaged.before).next() : kNoEnd};
  if (damaged.slot < through(partition)) hours.to = std::min(hours.to, out_.seals_.back().to);
  if (damaged.lists_nothing()) hours.to = hours.from;
  const HourRange cost = hull_of_common(hours, open_);
  return {damage_error(damaged.error), cost.from, cost.to};
}

Result<void> CatalogReader::add_sealed() {
  if (damage_.empty()) return {};
  for (std::size_t at = 0; at < out_.seals_.size(); ++at) {
    const SealEntry& seal = out_.seals_[at];
    for (const SealedCell& cell : seal.cells) {
      for (const SealedSegment& sealed : cell.segments)
        CV_TRY(add_sealed(sealed, cell.ns, sealed_[at], out_.segments_));
    }
    for (const SealedDeadLetters& letters : seal.dead_letters) {
      for (const SealedSegment& sealed : letters.objects)
        CV_TRY(add_sealed(sealed, {}, sealed_[at], out_.dead_letters_));
    }
    add_sealed_losses(seal);
  }
  return {};
}

Result<void> CatalogReader::add_sealed(const SealedSegment& sealed, const Namespace& ns, Timestamp sealed_at,
                                       std::vector<ListedSegment>& into) {
  const auto name = layout_.parse(sealed.key);
  if (!name || !name->origin || listed_.contains(sealed.key)) return {};
  const auto damaged = damage_.find(name->origin->partition);
  if (damaged == damage_.end()) return {};
  Result<ListedSegment> proven = read_sealed(store_, layout_, sealed, ns);
  if (!proven && !is_ledger_damage(proven.error())) return std::move(proven).error();
  if (!proven) {
    problem(Error(ErrorCode::kCorrupt, "the ledger slot that listed this file is damaged, and the file, too",
                  sealed.key, proven.error().hint),
            {name->hour, name->hour.next()});
  }
  ListedSegment listed = proven ? std::move(*proven) : name_sealed(layout_, sealed, ns);
  const auto slot = slot_that_listed(damaged->second, name->origin->first, name->origin->claim);
  listed.slot = slot.value_or(damaged->second.front().slot);
  listed.listed_at = sealed_at;
  for (PartitionState& state : out_.partitions_) {
    if (state.partition == name->origin->partition) state.events += listed.facts.records;
  }
  listed_.insert(sealed.key);
  into.push_back(std::move(listed));
  return {};
}

// That something was lost stands in the seal; only when exactly is not known.
void CatalogReader::add_sealed_losses(const SealEntry& seal) {
  for (const SealedLoss& loss : seal.lost) {
    const bool known = std::any_of(out_.lost_.begin(), out_.lost_.end(), [&](const LostRange& l) {
      return l.partition == loss.partition && l.slot == loss.slot;
    });
    if (known) continue;
    LostRange range{loss.partition, loss.slot, {}};
    range.entry.from = seal.from.start();
    range.entry.to = seal.to.start() - milliseconds(1);
    out_.lost_.push_back(range);
  }
}

}  // namespace changevault
