#include "archive/catalog.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

namespace changevault {
namespace {

// As if the segment held this cell alone.
SegmentFacts facts_of(const ListedSegment& segment, const CellCount& cell) {
  SegmentFacts facts = segment.facts;
  facts.ns = cell.ns;
  facts.hour = cell.hour;
  facts.operations = cell.operations;
  return facts;
}

template <typename Each>
void for_each_hour(const ListedSegment& segment, Each&& each) {
  if (segment.cells().empty()) each(segment.facts.hour);
  for (const CellCount& cell : segment.cells()) each(cell.hour);
}

void add(ArchiveCell& cell, const ListedSegment& segment, const Digest& digest,
         const OperationCounts& operations) {
  cell.digest += digest;
  cell.operations += operations;
  cell.newest_listing = std::max(cell.newest_listing, segment.listed_at);
  cell.segments.push_back(&segment);
}

}  // namespace

bool touches(const Scope& scope, const ListedSegment& segment) {
  const auto cells = segment.cells();
  if (cells.empty()) return scope.touches(segment.facts);
  return std::ranges::any_of(cells,
                             [&](const CellCount& cell) { return scope.touches(facts_of(segment, cell)); });
}

bool takes_whole(const Scope& scope, const ListedSegment& segment) {
  return scope.takes_whole(segment.facts) && std::ranges::all_of(segment.cells(), [&](const CellCount& cell) {
           return scope.touches(facts_of(segment, cell));
         });
}

Catalog Catalog::of_files(std::vector<ListedSegment> segments) {
  Catalog catalog;
  catalog.segments_ = std::move(segments);
  std::ranges::sort(catalog.segments_, {},
                    [](const ListedSegment& segment) -> const std::string& { return segment.facts.key; });
  return catalog;
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
    for (const ListedSegment& s : *list) {
      for_each_hour(s, [&](Hour hour) { first = first ? std::min(*first, hour) : hour; });
    }
  }
  return first;
}

std::optional<Hour> Catalog::last_hour() const {
  std::optional<Hour> last;
  for (const auto* list : {&segments_, &dead_letters_}) {
    for (const ListedSegment& s : *list) {
      for_each_hour(s, [&](Hour hour) { last = last ? std::max(*last, hour) : hour; });
    }
  }
  return last;
}

std::vector<const ListedSegment*> Catalog::select(const Scope& scope) const {
  std::vector<const ListedSegment*> found;
  for (const ListedSegment& s : segments_) {
    if (touches(scope, s)) found.push_back(&s);
  }
  std::sort(found.begin(), found.end(), [](const ListedSegment* a, const ListedSegment* b) {
    return std::tie(a->facts.ns, a->facts.hour, a->facts.partition, a->facts.first) <
           std::tie(b->facts.ns, b->facts.hour, b->facts.partition, b->facts.first);
  });
  return found;
}

std::vector<ArchiveCell> Catalog::cells(const Scope& scope) const {
  std::map<std::pair<Hour, Namespace>, ArchiveCell> cells;
  const auto cell_at = [&](Hour hour, const Namespace& ns) -> ArchiveCell* {
    if (!scope.matches(ns) || !scope.touches(hour)) return nullptr;
    ArchiveCell& cell = cells[{hour, ns}];
    cell.hour = hour;
    cell.ns = ns;
    return &cell;
  };
  for (const ListedSegment& s : segments_) {
    if (s.cells().empty()) {
      ArchiveCell* const cell = cell_at(s.facts.hour, s.facts.ns);
      if (cell != nullptr) add(*cell, s, s.facts.counted(), s.facts.operations);
    }
    for (const CellCount& part : s.cells()) {
      ArchiveCell* const cell = cell_at(part.hour, part.ns);
      if (cell != nullptr) add(*cell, s, part.digest, part.operations);
    }
  }
  std::vector<ArchiveCell> out;
  out.reserve(cells.size());
  for (auto& [place, cell] : cells) out.push_back(std::move(cell));
  return out;
}

std::vector<Namespace> Catalog::namespaces() const {
  std::set<Namespace> names;
  for (const ListedSegment& s : segments_) {
    names.insert(s.facts.ns);
    for (const CellCount& cell : s.cells()) names.insert(cell.ns);
  }
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
