#include "archive/catalog.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

namespace changevault {
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
