#include "archive/catalog.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "archive/chain_reader.h"

namespace changevault {
namespace {

void take(std::vector<ListedSegment>& into, const std::vector<SegmentFacts>& facts, Epoch epoch,
          const WalkedEntry& walked) {
  for (const SegmentFacts& f : facts) into.push_back({f, walked.slot, walked.entry.header.time, epoch});
}

// The end of a partition's chain is at least behind the slot that the newest seal read up to.
Slot promised_end(const std::vector<SealEntry>& seals, PartitionId partition) {
  if (seals.empty()) return Slot(0);
  const auto it = seals.back().through.find(partition);
  return it == seals.back().through.end() ? Slot(0) : it->second.next();
}

}  // namespace

Result<Catalog> Catalog::read(ObjectStore& store, const KeyLayout& layout) {
  Catalog catalog;
  CV_TRY(catalog.read_seals(store, layout));
  for (std::int32_t p = 0; p < catalog.hub_.partitions; ++p) {
    CV_TRY(catalog.read_partition(store, layout, PartitionId(p)));
  }
  const auto by_key = [](const ListedSegment& a, const ListedSegment& b) {
    return a.facts.key < b.facts.key;
  };
  std::sort(catalog.segments_.begin(), catalog.segments_.end(), by_key);
  std::sort(catalog.dead_letters_.begin(), catalog.dead_letters_.end(), by_key);
  return catalog;
}

Result<void> Catalog::read_seals(ObjectStore& store, const KeyLayout& layout) {
  Chain chain(store, layout.seal_chain());
  CV_ASSIGN(const Slot end, chain.find_end());
  if (end == Slot(0)) {
    return Error(ErrorCode::kNotFound, "there is no archive here yet", store.url() + "/" + layout.root(),
                 "'changevault init' makes one; if there should be one, check store.url and store.root");
  }
  std::string previous = kNoPrevious;
  return walk_slots(
      store, chain.folder(), {Slot(0), end}, previous, [&](const WalkedEntry& walked) -> Result<void> {
        if (const auto* hub = std::get_if<HubEntry>(&walked.entry.body)) {
          hub_ = *hub;
          return {};
        }
        const auto* seal = std::get_if<SealEntry>(&walked.entry.body);
        if (seal == nullptr || walked.slot == Slot(0)) {
          return Error(ErrorCode::kCorrupt, "an entry that does not belong here stands in the chain of seals",
                       walked.key);
        }
        if (!seals_.empty() && seals_.back().to != seal->from) {
          return Error(ErrorCode::kCorrupt, "a seal does not start where the one before ended", walked.key);
        }
        seals_.push_back(*seal);
        return {};
      });
}

Result<void> Catalog::read_partition(ObjectStore& store, const KeyLayout& layout, PartitionId partition) {
  Chain chain(store, layout.partition_chain(partition));
  CV_ASSIGN(const Slot end, chain.find_end(promised_end(seals_, partition)));
  PartitionFold fold(partition);
  std::string previous = kNoPrevious;
  CV_TRY(walk_slots(store, chain.folder(), {Slot(0), end}, previous,
                    [&](const WalkedEntry& walked) -> Result<void> {
                      CV_TRY(fold.add(walked));
                      if (const auto* commit = std::get_if<CommitEntry>(&walked.entry.body)) {
                        take(segments_, commit->segments, commit->epoch, walked);
                        take(dead_letters_, commit->dead_letters, commit->epoch, walked);
                      } else if (const auto* lost = std::get_if<LostEntry>(&walked.entry.body)) {
                        lost_.push_back({partition, walked.slot, *lost});
                      }
                      return {};
                    }));
  PartitionState state{partition, end, fold.reached(), std::nullopt, fold.events()};
  if (fold.claimed()) state.next = fold.next();
  partitions_.push_back(state);
  return {};
}

std::optional<Hour> Catalog::sealed_from() const {
  if (seals_.empty()) return std::nullopt;
  return seals_.front().from;
}

std::optional<Hour> Catalog::sealed_to() const {
  if (seals_.empty()) return std::nullopt;
  return seals_.back().to;
}

bool Catalog::is_sealed(Hour hour) const {
  return !seals_.empty() && seals_.front().from <= hour && hour < seals_.back().to;
}

std::optional<Hour> Catalog::first_hour() const {
  std::optional<Hour> first;
  for (const auto* list : {&segments_, &dead_letters_}) {
    for (const ListedSegment& s : *list) first = first ? std::min(*first, s.facts.hour) : s.facts.hour;
  }
  return first;
}

std::optional<Hour> Catalog::last_hour() const {
  std::optional<Hour> last;
  for (const auto* list : {&segments_, &dead_letters_}) {
    for (const ListedSegment& s : *list) last = last ? std::max(*last, s.facts.hour) : s.facts.hour;
  }
  return last;
}

std::vector<const ListedSegment*> Catalog::select(const Scope& scope) const {
  std::vector<const ListedSegment*> found;
  for (const ListedSegment& s : segments_) {
    if (scope.touches(s.facts)) found.push_back(&s);
  }
  std::sort(found.begin(), found.end(), [](const ListedSegment* a, const ListedSegment* b) {
    return std::tie(a->facts.ns, a->facts.hour, a->facts.partition, a->facts.first) <
           std::tie(b->facts.ns, b->facts.hour, b->facts.partition, b->facts.first);
  });
  return found;
}

std::vector<ArchiveCell> Catalog::cells(const Scope& scope) const {
  std::map<std::pair<Hour, Namespace>, ArchiveCell> cells;
  for (const ListedSegment& s : segments_) {
    if (!scope.matches(s.facts.ns) || !scope.touches(s.facts.hour)) continue;
    ArchiveCell& cell = cells[{s.facts.hour, s.facts.ns}];
    cell.hour = s.facts.hour;
    cell.ns = s.facts.ns;
    cell.digest += s.facts.counted();
    cell.operations += s.facts.operations;
    cell.newest_listing = std::max(cell.newest_listing, s.listed_at);
    cell.segments.push_back(&s);
  }
  std::vector<ArchiveCell> out;
  out.reserve(cells.size());
  for (auto& [place, cell] : cells) out.push_back(std::move(cell));
  return out;
}

std::vector<Namespace> Catalog::namespaces() const {
  std::set<Namespace> names;
  for (const ListedSegment& s : segments_) names.insert(s.facts.ns);
  return {names.begin(), names.end()};
}

const ListedSegment* Catalog::find(const std::string& key) const {
  for (const auto* list : {&segments_, &dead_letters_}) {
    const auto it =
        std::lower_bound(list->begin(), list->end(), key,
                         [](const ListedSegment& s, const std::string& k) { return s.facts.key < k; });
    if (it != list->end() && it->facts.key == key) return &*it;
  }
  return nullptr;
}

}  // namespace changevault
