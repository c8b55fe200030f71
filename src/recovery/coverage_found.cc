#include "recovery/coverage_found.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

namespace changevault {
namespace {

using Place = std::pair<Hour, Namespace>;

// What the files together hold at each place.
class Places {
 public:
  Places(const FoundArchive& archive, const KeyLayout& layout) {
    for (const FoundFile& file : archive.files()) {
      for (const CellCount& cell : file.cells) {
        At& at = places_[{cell.hour, cell.ns}];
        at.digest += cell.digest;
        at.files.push_back(&file);
      }
      if (!file.is_whole()) take_damage(file, layout);
    }
  }

  struct At {
    Digest digest;
    std::vector<const FoundFile*> files;
    const FoundFile* damaged = nullptr;
  };
  const std::map<Place, At>& all() const { return places_; }

 private:
  // What could not be read lies where the rest lies, or where the folder says.
  void take_damage(const FoundFile& file, const KeyLayout& layout) {
    for (const CellCount& cell : file.cells) places_[{cell.hour, cell.ns}].damaged = &file;
    if (const auto name = layout.parse(file.key)) places_[{name->hour, name->ns}].damaged = &file;
  }

  std::map<Place, At> places_;
};

Error damage_of(const FoundFile& file) {
  return Error(ErrorCode::kCorrupt, file.problem, file.key,
               "put the file right or take it away, and compare again");
}

// From the scope's own ends where it has some, else from those of what was found.
ArchiveSpan span_of(const std::map<Place, Places::At>& places, const Scope& scope) {
  ArchiveSpan span;
  for (const auto& [place, at] : places) {
    if (!scope.matches(place.second)) continue;
    span.first = span.first ? std::min(*span.first, place.first) : place.first;
    span.end = span.end ? std::max(*span.end, place.first.next()) : place.first.next();
  }
  if (scope.time.from.ms != INT64_MIN) span.first = hour_of(scope.time.from);
  if (scope.time.to.ms != INT64_MAX) span.end = hour_of(scope.time.to - milliseconds(1)).next();
  return span;
}

}  // namespace

ArchiveSide archive_side(const FoundArchive& archive, const KeyLayout& layout, const Scope& scope) {
  const auto places = std::make_shared<const Places>(archive, layout);
  ArchiveSide side;
  side.without_ledger = side.files_span_cells = true;
  side.span = span_of(places->all(), scope);
  std::set<Namespace> names;
  for (const auto& [place, at] : places->all()) names.insert(place.second);
  side.namespaces.assign(names.begin(), names.end());
  const auto ns_index = [&](const Namespace& ns) {
    return static_cast<std::uint32_t>(std::lower_bound(side.namespaces.begin(), side.namespaces.end(), ns) -
                                      side.namespaces.begin());
  };
  for (const auto& [place, at] : places->all()) {
    side.cells.push_back(
        {place.first, ns_index(place.second), -1, at.digest, Timestamp{}, at.damaged != nullptr});
  }
  const std::vector<Namespace> namespaces = side.namespaces;
  side.objects_of = [places, namespaces](const HourCell& cell) -> Result<std::vector<SealedSegment>> {
    std::vector<SealedSegment> objects;
    const auto found = places->all().find({cell.hour, namespaces[cell.ns]});
    if (found == places->all().end()) return objects;
    if (found->second.damaged != nullptr) return damage_of(*found->second.damaged);
    for (const FoundFile* const file : found->second.files) objects.push_back({file->key, file->sha256});
    return objects;
  };
  // Asked for what was listed just now: nothing is.
  side.listings_of = [](std::span<const HourCell>) { return std::vector<ListedSegment>(); };
  return side;
}

RecoverableSegments segments_to_recover(const FoundArchive& archive, const KeyLayout& layout,
                                        const Coverage& gaps) {
  RecoverableSegments out;
  std::set<Place> wanted;
  for (std::size_t at = 0; at < gaps.cells.size(); ++at) {
    const GapCell& cell = gaps.cells[at];
    if (!cell.can_be_put_back()) continue;
    if (cell.unreadable) {
      out.left_out.push_back(at);
    } else {
      wanted.emplace(cell.hour, gaps.ns(cell));
    }
  }
  for (const FoundFile& file : archive.files()) {
    const bool asked = std::any_of(file.cells.begin(), file.cells.end(), [&](const CellCount& cell) {
      return wanted.contains({cell.hour, cell.ns});
    });
    // A damaged one cannot be proven while it is read.
    if (asked && file.is_whole()) out.segments.push_back(listing_of(file, layout, archive.source_id()));
  }
  return out;
}

}  // namespace changevault
