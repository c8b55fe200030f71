#include "archive/hour_catalog.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "archive/adopted.h"
#include "archive/partition_part.h"
#include "archive/sealed_listing.h"

namespace changevault {
namespace {

ListedSegment listing(const SegmentFacts& facts, const WalkedEntry& walked, Epoch epoch) {
  ListedSegment listed{facts, walked.slot, walked.entry.header.time, epoch};
  listed.facts.blocks.clear();
  return listed;
}

void sort_by_key(std::vector<SealedSegment>& objects) {
  std::sort(objects.begin(), objects.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
}

}  // namespace

Result<HourCatalog> HourCatalog::read(ObjectStore& store, const KeyLayout& layout, const OnSlots& on_slots) {
  HourCatalog catalog(store, layout);
  catalog.on_slots_ = &on_slots;
  CV_TRY(catalog.read_all());
  catalog.on_slots_ = nullptr;
  return catalog;
}

Result<void> HourCatalog::read_all() {
  CV_TRY(read_adopted_files());
  CV_TRY(read_seals());
  for (const Stretch& hole : holes_) CV_TRY(read_stretch(hole));
  CV_TRY(read_stretch({sealed_to_.value_or(kNoBegin), kNoEnd, last_through(), std::nullopt}));
  CV_TRY(read_lost_slots());
  finish();
  return {};
}

Result<void> HourCatalog::tell_slot() {
  ++slots_;
  return on_slots_ != nullptr && *on_slots_ ? (*on_slots_)(slots_) : Result<void>();
}

Result<void> HourCatalog::read_adopted_files() {
  CV_ASSIGN(AdoptedFiles adopted, read_adopted(*store_, *layout_));
  has_adopted_chain_ = adopted.slots > 0 || !adopted.problems.empty();
  problems_.insert(problems_.end(), adopted.problems.begin(), adopted.problems.end());
  adopted_ = std::move(adopted.segments);
  for (std::size_t i = 0; i < adopted_.size(); ++i) {
    files_span_cells_ = files_span_cells_ || !adopted_[i].cells().empty();
    for_each_place(adopted_[i], [&](Hour hour, const Namespace& ns, const Digest&) {
      adopted_at_[{hour, ns}].push_back(i);
    });
  }
  return {};
}

Result<void> HourCatalog::read_seals() {
  const std::string folder = layout_->seal_chain();
  CV_ASSIGN(const ChainEnd found, find_chain_end(*store_, folder));
  const Slot end = found.end;
  if (end == Slot(0)) {
    CV_ASSIGN(const std::vector<PartitionId> chains, partition_chains(*store_, *layout_));
    if (!chains.empty()) {
      partitions_ = chains.back().value + 1;
      problems_.push_back({seals_gone(*layout_), kNoBegin, kNoBegin});
      return {};
    }
    if (has_adopted_chain_) return {};
    return Error(ErrorCode::kNotFound, "there is no archive here yet", store_->url() + "/" + layout_->root(),
                 "'changevault init' makes one; if there should be one, check store.url and store.root");
  }
  previous_ = kNoPrevious;
  const auto take = [&](Slot slot, SlotOutcome outcome) -> Result<void> {
    CV_TRY(tell_slot());
    return take_seal_slot(slot, std::move(outcome));
  };
  CV_TRY(read_slots(*store_, folder, {Slot(0), end}, take));
  if (!seals_.empty()) {
    if (!sealed_from_) sealed_from_ = seals_.front().from;
    sealed_to_ = seals_.back().to;
  }
  return {};
}

Result<void> HourCatalog::take_seal_slot(Slot slot, SlotOutcome outcome) {
  if (!outcome) {
    if (!is_ledger_damage(outcome.error())) return std::move(outcome).error();
    const Hour sealed = seals_.empty() ? kNoBegin : seals_.back().to;
    problems_.push_back({damage_error(std::move(outcome).error()), sealed, sealed});
    previous_.clear();
    hub_.reset();
    return {};
  }
  const WalkedEntry walked = std::move(outcome).value();
  const bool follows = previous_.empty() || walked.entry.header.previous == previous_;
  previous_ = walked.sha256;
  if (const auto* hub = std::get_if<HubEntry>(&walked.entry.body)) {
    take_hub(slot, *hub);
    return {};
  }
  const auto* seal = std::get_if<SealEntry>(&walked.entry.body);
  if (seal == nullptr || slot == Slot(0)) {
    return Error(ErrorCode::kCorrupt, "an entry that does not belong here stands in the chain of seals",
                 walked.key, "run 'changevault verify' to see all that is damaged");
  }
  if (!follows) {
    // One of the two slots was written anew: neither is believed.
    const Hour from = seals_.empty() ? seal->from : seals_.back().from;
    problems_.push_back(
        {damage_error(Error(ErrorCode::kCorrupt,
                            "a ledger slot does not name the bytes of the slot before it", walked.key)),
         from, seal->to});
  }
  return take_seal(*seal, walked);
}

void HourCatalog::take_hub(Slot slot, const HubEntry& hub) {
  partitions_ = std::max(partitions_, hub.partitions);
  hub_ = newest_hub_ = hub;
  hub_slot_ = slot;
  if (slot == Slot(0)) first_partitions_ = hub.partitions;
}

Slot HourCatalog::promised_end(PartitionId partition) const {
  const SlotOfPartition through = last_through();
  const auto named = through.find(partition);
  return named == through.end() ? Slot(0) : named->second.next();
}

Result<void> HourCatalog::take_seal(const SealEntry& seal, const WalkedEntry& walked) {
  const bool gap = seals_.empty() ? !problems_.empty() : seals_.back().to != seal.from;
  if (gap) {
    holes_.push_back({seals_.empty() ? kNoBegin : seals_.back().to, seal.from, last_through(), seal.through});
  }
  const auto place = static_cast<std::int32_t>(seals_.size());
  for (const SealedCell& cell : seal.cells) {
    cells_.push_back({cell.hour, ns_index(cell.ns), place, cell.digest, walked.entry.header.time, false,
                      static_cast<std::int64_t>(cell.segments.size())});
  }
  for (const SealedDeadLetters& letters : seal.dead_letters) dead_letters_ += letters.records;
  for (const SealedLoss& loss : seal.lost) {
    lost_slots_.try_emplace({loss.partition, loss.slot}, seal.from, seal.to);
  }
  // A seal names the newest entry of its time: one that cannot be read is told from one that was none.
  if (seal.hub) hub_ = *seal.hub == hub_slot_ ? newest_hub_ : std::nullopt;
  for (const auto& [partition, slot] : seal.through) partitions_ = std::max(partitions_, partition.value + 1);
  seals_.push_back({walked.slot, seal.from, seal.to, seal.through});
  extend(seal.from);
  extend({seal.to.index - 1});
  return {};
}

HourCatalog::SlotOfPartition HourCatalog::last_through() const {
  return seals_.empty() ? SlotOfPartition{} : seals_.back().through;
}

Result<void> HourCatalog::read_stretch(const Stretch& stretch) {
  for (std::int32_t p = 0; p < partitions_; ++p) CV_TRY(read_stretch(stretch, PartitionId(p)));
  return {};
}

Result<void> HourCatalog::read_stretch(const Stretch& stretch, PartitionId partition) {
  SlotRange range;
  const auto begin = stretch.begin.find(partition);
  if (begin != stretch.begin.end()) range.from = begin->second;
  if (!stretch.last) {
    const Slot promised = begin == stretch.begin.end() ? Slot(0) : range.from.next();
    CV_ASSIGN(ChainEnd end, find_chain_end(*store_, layout_->partition_chain(partition), promised));
    range.end = end.end;
    if (end.damage) problems_.push_back({damage_error(*std::move(end.damage)), stretch.from, stretch.to});
  } else if (const auto last = stretch.last->find(partition); last != stretch.last->end()) {
    range.end = last->second.next();
  }
  CV_ASSIGN(std::vector<DamagedSlot> damaged,
            read_part(*store_, *layout_, partition, range, [&](const WalkedEntry& walked) -> Result<void> {
              take_hours(stretch, partition, walked);
              return tell_slot();
            }));
  for (DamagedSlot& slot : damaged) {
    const Hour from = slot.after ? std::max(hour_of(*slot.after), stretch.from) : stretch.from;
    const Hour to = slot.lists_nothing() ? from
                    : slot.before        ? std::min(hour_of(*slot.before).next(), stretch.to)
                                         : stretch.to;
    problems_.push_back({damage_error(std::move(slot.error)), from, to});
  }
  return {};
}

void HourCatalog::take_hours(const Stretch& stretch, PartitionId partition, const WalkedEntry& walked) {
  const auto inside = [&](Hour hour) { return stretch.from <= hour && hour < stretch.to; };
  if (const auto* commit = std::get_if<CommitEntry>(&walked.entry.body)) {
    for (const SegmentFacts& facts : commit->segments) {
      if (!inside(facts.hour)) continue;
      open_[{facts.hour, facts.ns}].push_back(listing(facts, walked, commit->epoch));
      extend(facts.hour);
    }
    for (const SegmentFacts& facts : commit->dead_letters) {
      if (!inside(facts.hour)) continue;
      dead_letters_ += facts.records;
      extend(facts.hour);
    }
  } else if (const auto* lost = std::get_if<LostEntry>(&walked.entry.body)) {
    if (lost_slots_.contains({partition, walked.slot})) return;
    lost_.push_back({partition, walked.slot, *lost});
  }
}

Result<void> HourCatalog::read_lost_slots() {
  for (const auto& [place, sealed] : lost_slots_) {
    const auto& [partition, slot] = place;
    Chain chain(*store_, layout_->partition_chain(partition));
    Result<WalkedEntry> walked = read_entry(chain, slot);
    if (!walked && !is_ledger_damage(walked.error())) return std::move(walked).error();
    const auto* lost = walked ? std::get_if<LostEntry>(&walked->entry.body) : nullptr;
    if (lost != nullptr) {
      lost_.push_back({partition, slot, *lost});
      continue;
    }
    // That something was lost there stands in the seal; only when exactly is not known.
    LostRange range{partition, slot, {}};
    range.entry.from = sealed.first.start();
    range.entry.to = sealed.second.start() - milliseconds(1);
    lost_.push_back(range);
    Error error = walked
                      ? Error(ErrorCode::kCorrupt, "a seal names a loss where none stands", chain.key(slot))
                      : std::move(walked).error();
    problems_.push_back({damage_error(std::move(error)), sealed.first, sealed.first});
  }
  return {};
}

void HourCatalog::finish() {
  for (const auto& [place, listings] : open_) {
    HourCell cell{
        place.first, ns_index(place.second), -1, {}, {}, false, static_cast<std::int64_t>(listings.size())};
    for (const ListedSegment& listed : listings) {
      cell.digest += listed.facts.counted();
      cell.listed_by = std::max(cell.listed_by, listed.listed_at);
    }
    cells_.push_back(cell);
  }
  for (const auto& [place, files] : adopted_at_) {
    ns_index(place.second);
    extend(place.first);
  }
  std::vector<std::uint32_t> ordered(ns_indexes_.size());
  for (auto& [ns, index] : ns_indexes_) {
    ordered[index] = static_cast<std::uint32_t>(namespaces_.size());
    namespaces_.push_back(ns);
    index = ordered[index];
  }
  for (HourCell& cell : cells_) cell.ns = ordered[cell.ns];
  add_adopted_cells();
  std::sort(cells_.begin(), cells_.end(), [](const HourCell& a, const HourCell& b) {
    return std::tie(a.hour, a.ns) < std::tie(b.hour, b.ns);
  });
  if (!holes_.empty() && holes_.front().from == kNoBegin) sealed_from_ = first_;
}

// To the cells of the same place, or as cells of their own.
void HourCatalog::add_adopted_cells() {
  if (adopted_.empty()) return;
  std::map<std::pair<Hour, std::uint32_t>, Digest> sums;
  for (const ListedSegment& file : adopted_) {
    for_each_place(file, [&](Hour hour, const Namespace& ns, const Digest& digest) {
      sums[{hour, ns_indexes_.at(ns)}] += digest;
    });
  }
  for (HourCell& cell : cells_) {
    const auto found = sums.find({cell.hour, cell.ns});
    if (found == sums.end()) continue;
    cell.digest += found->second;
    sums.erase(found);
  }
  for (const auto& [place, digest] : sums)
    cells_.push_back({place.first, place.second, -1, digest, {}, false, 0});
}

std::uint32_t HourCatalog::ns_index(const Namespace& ns) {
  return ns_indexes_.try_emplace(ns, static_cast<std::uint32_t>(ns_indexes_.size())).first->second;
}

void HourCatalog::extend(Hour hour) {
  first_ = first_ ? std::min(*first_, hour) : hour;
  end_ = end_ ? std::max(*end_, hour.next()) : hour.next();
}

Result<void> HourCatalog::keep_seal(std::int32_t seal) {
  if (kept_seal_ == seal) return {};
  Chain chain(*store_, layout_->seal_chain());
  CV_ASSIGN(WalkedEntry walked, read_entry(chain, seals_[static_cast<std::size_t>(seal)].slot));
  auto* entry = std::get_if<SealEntry>(&walked.entry.body);
  if (entry == nullptr) return Error(ErrorCode::kCorrupt, "a seal has become something else", walked.key);
  kept_seal_ = seal;
  kept_objects_.clear();
  for (SealedCell& cell : entry->cells) kept_objects_[{cell.hour, cell.ns}] = std::move(cell.segments);
  return {};
}

Result<std::vector<SealedSegment>> HourCatalog::objects_of(const HourCell& cell) {
  const Place place{cell.hour, namespaces_[cell.ns]};
  std::vector<SealedSegment> objects;
  if (cell.seal >= 0) {
    CV_TRY(keep_seal(cell.seal));
    objects = kept_objects_[place];
  } else if (const auto open = open_.find(place); open != open_.end()) {
    for (const ListedSegment& listed : open->second)
      objects.push_back({listed.facts.key, listed.facts.sha256});
  }
  if (const auto adopted = adopted_at_.find(place); adopted != adopted_at_.end()) {
    for (const std::size_t i : adopted->second)
      objects.push_back({adopted_[i].facts.key, adopted_[i].facts.sha256});
  }
  sort_by_key(objects);
  return objects;
}

Result<std::vector<ListedSegment>> HourCatalog::listings_of(std::span<const HourCell> cells,
                                                            std::vector<LedgerProblem>* problems) {
  std::vector<ListedSegment> out;
  std::set<std::int32_t> seals;
  std::map<Hour, std::set<Namespace>> wanted;
  std::set<std::size_t> adopted;
  for (const HourCell& cell : cells) {
    const Place place{cell.hour, namespaces_[cell.ns]};
    if (const auto at = adopted_at_.find(place); at != adopted_at_.end())
      adopted.insert(at->second.begin(), at->second.end());
    if (cell.seal < 0) {
      if (const auto open = open_.find(place); open != open_.end())
        out.insert(out.end(), open->second.begin(), open->second.end());
    } else {
      seals.insert(cell.seal);
      wanted[cell.hour].insert(namespaces_[cell.ns]);
    }
  }
  std::map<PartitionId, std::vector<DamagedSlot>> damage;
  TimeRange stretch;  // a slot that spans the hours of several stretches is read for each of them
  const auto take = [&](const WalkedEntry& walked) -> Result<void> {
    const auto* commit = std::get_if<CommitEntry>(&walked.entry.body);
    if (commit == nullptr) return {};
    for (const SegmentFacts& facts : commit->segments) {
      const auto hour = wanted.find(facts.hour);
      if (hour == wanted.end() || !hour->second.contains(facts.ns) || !stretch.touches(facts.hour)) continue;
      out.push_back(listing(facts, walked, commit->epoch));
    }
    return {};
  };
  // Seals that follow each other are one stretch: the slots at their borders are read once.
  for (auto first = seals.begin(); first != seals.end();) {
    auto last = first;
    while (std::next(last) != seals.end() && *std::next(last) == *last + 1) ++last;
    stretch = {seals_[static_cast<std::size_t>(*first)].from.start(),
               seals_[static_cast<std::size_t>(*last)].to.start()};
    const SlotOfPartition begin =
        *first == 0 ? SlotOfPartition{} : seals_[static_cast<std::size_t>(*first) - 1].through;
    for (const auto& [partition, through] : seals_[static_cast<std::size_t>(*last)].through) {
      const auto from = begin.find(partition);
      CV_ASSIGN(std::vector<DamagedSlot> damaged,
                read_part(*store_, *layout_, partition,
                          {from == begin.end() ? Slot(0) : from->second, through.next()}, take));
      for (DamagedSlot& slot : damaged) {
        if (problems != nullptr) problems->push_back({damage_error(slot.error), {}, {}});
        damage[partition].push_back(std::move(slot));
      }
    }
    first = std::next(last);
  }
  if (!damage.empty()) CV_TRY(add_sealed(cells, damage, out, problems));
  for (const std::size_t i : adopted) out.push_back(adopted_[i]);
  std::sort(out.begin(), out.end(), [](const ListedSegment& a, const ListedSegment& b) {
    return std::tie(a.facts.ns, a.facts.hour, a.facts.partition, a.slot, a.facts.first) <
           std::tie(b.facts.ns, b.facts.hour, b.facts.partition, b.slot, b.facts.first);
  });
  return out;
}

// What damaged slots listed, as the seals name it; a file that cannot be proven is left out.
Result<void> HourCatalog::add_sealed(std::span<const HourCell> cells, const DamageOfPartition& damage,
                                     std::vector<ListedSegment>& listings,
                                     std::vector<LedgerProblem>* problems) {
  std::set<std::string> listed;
  for (const ListedSegment& known : listings) listed.insert(known.facts.key);
  for (const HourCell& cell : cells) {
    if (cell.seal < 0) continue;
    CV_ASSIGN(const std::vector<SealedSegment> objects, objects_of(cell));
    for (const SealedSegment& object : objects) {
      const auto name = layout_->parse(object.key);
      if (!name || !name->origin || listed.contains(object.key)) continue;
      const auto damaged = damage.find(name->origin->partition);
      if (damaged == damage.end()) continue;
      Result<ListedSegment> proven = read_sealed(*store_, *layout_, object, namespaces_[cell.ns]);
      if (!proven && !is_ledger_damage(proven.error())) return std::move(proven).error();
      if (!proven) {
        if (problems != nullptr) problems->push_back({damage_error(std::move(proven).error()), {}, {}});
        continue;
      }
      proven->slot =
          slot_that_listed(damaged->second, name->origin->first, name->origin->claim).value_or(Slot());
      proven->listed_at = cell.listed_by;
      listings.push_back(std::move(*proven));
    }
  }
  return {};
}

}  // namespace changevault
