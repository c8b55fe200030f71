#include "archive/window_listing.h"

#include <algorithm>
#include <functional>
#include <map>
#include <tuple>
#include <utility>

#include "archive/chain_reader.h"
#include "archive/ledger_problem.h"
#include "archive/partition_part.h"

namespace changevault {
namespace {

using SlotOfPartition = std::map<PartitionId, Slot>;
using Cells = std::map<std::pair<Hour, Namespace>, Digest>;

// Not damage of the archive that would have to be told: it ends the short way.
Error not_this_way() {
  return Error(ErrorCode::kIndeterminate, "the ledger's window does not tell");
}

struct Seal {
  Slot slot{};
  SealEntry entry;
};

class WindowReader {
 public:
  WindowReader(ObjectStore& store, const KeyLayout& layout, const Scope& scope)
      : store_(store), layout_(layout), scope_(scope), chain_(store, layout.seal_chain()) {}

  Result<std::vector<ListedSegment>> read() {
    CV_ASSIGN(const ChainEnd found, find_chain_end(store_, layout_.seal_chain()));
    if (found.damage || found.end == Slot(0)) return not_this_way();
    // Of adopted files no seal speaks.
    const Result<ObjectInfo> adopted = store_.head(layout_.adopted_chain() + KeyLayout::slot_name(Slot(0)));
    if (adopted) return not_this_way();
    if (adopted.error().code != ErrorCode::kNotFound) return adopted.error();
    CV_ASSIGN(const Seal newest, seal_before(found.end));
    if (scope_.time.from < newest.entry.to.start()) CV_TRY(read_sealed_hours(newest));
    if (scope_.time.to > newest.entry.to.start()) CV_TRY(read_open_hours(newest, found.end));
    std::sort(out_.begin(), out_.end(), [](const ListedSegment& a, const ListedSegment& b) {
      return std::tie(a.facts.ns, a.facts.hour, a.facts.partition, a.facts.first) <
             std::tie(b.facts.ns, b.facts.hour, b.facts.partition, b.facts.first);
    });
    return std::move(out_);
  }

 private:
  Result<WalkedEntry> entry_at(Slot slot) {
    Result<WalkedEntry> walked = read_entry(chain_, slot);
    if (!walked && is_ledger_damage(walked.error())) return not_this_way();
    return walked;
  }
  // Of slot 0 on there are hub entries, too.
  Result<Seal> seal_before(Slot end) {
    for (Slot slot = end; slot > Slot(0);) {
      slot = slot.previous();
      CV_ASSIGN(WalkedEntry walked, entry_at(slot));
      if (auto* seal = std::get_if<SealEntry>(&walked.entry.body)) return Seal{slot, std::move(*seal)};
    }
    return not_this_way();
  }
  Result<std::optional<Seal>> seal_from(Slot slot, Slot end) {
    for (; slot < end; slot = slot.next()) {
      CV_ASSIGN(WalkedEntry walked, entry_at(slot));
      if (auto* seal = std::get_if<SealEntry>(&walked.entry.body))
        return std::optional(Seal{slot, std::move(*seal)});
    }
    return std::optional<Seal>();
  }

  // The first seal before `end` of which this holds, as it does of all behind it; else `end`.
  Result<Slot> first_seal(Slot end, const std::function<bool(const SealEntry&)>& holds) {
    Slot low(1);
    Slot high = end;
    Slot first = end;
    while (low < high) {
      const Slot middle(low.value + (high.value - low.value) / 2);
      CV_ASSIGN(const std::optional<Seal> seal, seal_from(middle, high));
      if (seal && !holds(seal->entry)) {
        low = seal->slot.next();
      } else {
        if (seal) first = seal->slot;
        high = middle;
      }
    }
    return first;
  }

  Result<void> read_sealed_hours(const Seal& newest) {
    const auto& time = scope_.time;
    CV_ASSIGN(const Slot first,
              first_seal(newest.slot, [&](const SealEntry& s) { return s.to.start() > time.from; }));
    CV_ASSIGN(const Slot end,
              first_seal(newest.slot.next(), [&](const SealEntry& s) { return s.from.start() >= time.to; }));
    if (end <= first) return {};
    Slot begin = first;  // with the seal before, which says where reading begins
    SlotOfPartition from;
    for (Slot slot = first; slot > Slot(1) && begin == first;) {
      slot = slot.previous();
      CV_ASSIGN(const WalkedEntry walked, entry_at(slot));
      if (const auto* seal = std::get_if<SealEntry>(&walked.entry.body)) {
        begin = slot;
        from = seal->through;
      }
    }
    std::vector<SealEntry> seals;
    CV_TRY(read_seals({begin, end}, first, seals));
    if (seals.empty()) return not_this_way();
    const Cells promised = promised_by(seals);
    const auto hour_is_inside = [&](Hour hour) {
      return seals.front().from <= hour && hour < seals.back().to;
    };
    for (const auto& [partition, through] : seals.back().through) {
      const auto known = from.find(partition);
      const SlotRange range{known == from.end() ? Slot(0) : known->second, through.next()};
      CV_TRY(read_slots_of(partition, range, hour_is_inside));
    }
    return found_ == promised ? Result<void>() : not_this_way();
  }

  // Those from `first` on; all of the range has to follow from what stands before.
  Result<void> read_seals(SlotRange range, Slot first, std::vector<SealEntry>& seals) {
    std::string previous;
    std::optional<Hour> reached;
    return read_slots(
        store_, layout_.seal_chain(), range, [&](Slot slot, SlotOutcome outcome) -> Result<void> {
          if (!outcome)
            return is_ledger_damage(outcome.error()) ? not_this_way() : std::move(outcome).error();
          if (!previous.empty() && outcome->entry.header.previous != previous) return not_this_way();
          previous = outcome->sha256;
          auto* seal = std::get_if<SealEntry>(&outcome->entry.body);
          if (seal == nullptr) return {};
          if (reached && *reached != seal->from) return not_this_way();
          reached = seal->to;
          if (slot >= first) seals.push_back(std::move(*seal));
          return {};
        });
  }

  bool is_asked(Hour hour, const Namespace& ns) const { return scope_.touches(hour) && scope_.matches(ns); }

  Cells promised_by(const std::vector<SealEntry>& seals) const {
    Cells cells;
    for (const SealEntry& seal : seals) {
      for (const SealedCell& cell : seal.cells) {
        if (is_asked(cell.hour, cell.ns)) cells[{cell.hour, cell.ns}] += cell.digest;
      }
    }
    return cells;
  }

  // As the hub entry in that slot says, else as `known`.
  Result<std::int32_t> partitions_at(Slot slot, std::int32_t known) {
    const Result<WalkedEntry> walked = entry_at(slot);
    if (!walked) return walked.error();
    const auto* hub = std::get_if<HubEntry>(&walked->entry.body);
    return hub == nullptr ? known : hub->partitions;
  }

  // What no seal speaks of yet stands at the ends of the partitions' chains.
  Result<void> read_open_hours(const Seal& newest, Slot seals_end) {
    if (!newest.entry.hub) return not_this_way();
    CV_ASSIGN(std::int32_t partitions, partitions_at(*newest.entry.hub, 0));
    for (Slot slot = newest.slot.next(); slot < seals_end; slot = slot.next()) {
      CV_ASSIGN(partitions, partitions_at(slot, partitions));
    }
    const SlotOfPartition& through = newest.entry.through;
    if (!through.empty()) partitions = std::max(partitions, through.rbegin()->first.value + 1);
    for (std::int32_t p = 0; p < partitions; ++p) {
      const PartitionId partition(p);
      const auto known = through.find(partition);
      const Slot from = known == through.end() ? Slot(0) : known->second;
      CV_ASSIGN(const ChainEnd found, find_chain_end(store_, layout_.partition_chain(partition),
                                                     known == through.end() ? Slot(0) : from.next()));
      if (found.damage) return not_this_way();
      CV_TRY(read_slots_of(partition, {from, found.end}, [&](Hour hour) { return hour >= newest.entry.to; }));
    }
    return {};
  }

  Result<void> read_slots_of(PartitionId partition, SlotRange range,
                             const std::function<bool(Hour)>& is_inside) {
    const auto take = [&](const WalkedEntry& walked) -> Result<void> {
      const auto* commit = std::get_if<CommitEntry>(&walked.entry.body);
      if (commit == nullptr) return {};
      for (const SegmentFacts& facts : commit->segments) {
        if (!is_inside(facts.hour) || !is_asked(facts.hour, facts.ns)) continue;
        found_[{facts.hour, facts.ns}] += facts.counted();
        if (scope_.touches(facts))
          out_.push_back({facts, walked.slot, walked.entry.header.time, commit->epoch});
      }
      return {};
    };
    CV_ASSIGN(const std::vector<DamagedSlot> damaged, read_part(store_, layout_, partition, range, take));
    return damaged.empty() ? Result<void>() : not_this_way();
  }

  ObjectStore& store_;
  const KeyLayout& layout_;
  const Scope& scope_;
  Chain chain_;
  Cells found_;
  std::vector<ListedSegment> out_;
};

}  // namespace

Result<std::optional<std::vector<ListedSegment>>> list_window(ObjectStore& store, const KeyLayout& layout,
                                                              const Scope& scope) {
  using Listing = std::optional<std::vector<ListedSegment>>;
  if (scope.time.from.ms == INT64_MIN && scope.time.to.ms == INT64_MAX) return Listing();
  auto read = WindowReader(store, layout, scope).read();
  if (!read && read.error().code == ErrorCode::kIndeterminate) return Listing();
  if (!read) return std::move(read).error();
  if (read->empty()) return Listing();
  return Listing(*std::move(read));
}

}  // namespace changevault
