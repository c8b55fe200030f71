#include "service/recent_gaps.h"

#include <algorithm>
#include <map>
#include <utility>

#include "recovery/coverage_outside.h"
#include "service/gap_finding.h"
#include "service/read_catalog.h"

namespace changevault {
namespace {

constexpr Duration kDays = hours(7 * 24);
// Compressed bytes that may be read to tell what differs.
constexpr std::int64_t kReadBytes = 64 << 20;

// Of so many cells the sizes of the segments are looked up, in the ledger.
constexpr std::size_t kMostCells = 500;

struct Difference {
  std::vector<HourCell> cells;  // of the archive
  std::int64_t only_rows = 0;   // cells that the warehouse alone has
  std::int64_t count() const { return static_cast<std::int64_t>(cells.size()) + only_rows; }
};

Difference compare(const HourCatalog& catalog, const TimeRange& range,
                   const std::vector<WarehouseCell>& warehouse) {
  std::map<std::pair<Hour, Namespace>, const WarehouseCell*> rows;
  for (const WarehouseCell& cell : warehouse) rows[{cell.hour, cell.ns}] = &cell;
  Difference out;
  for (const HourCell& cell : catalog.cells()) {
    if (!range.touches(cell.hour)) continue;
    const auto found = rows.find({cell.hour, catalog.namespaces()[cell.ns]});
    const WarehouseCell* const there = found == rows.end() ? nullptr : found->second;
    if (there != nullptr) rows.erase(found);
    if (!same_events(cell.digest, there)) out.cells.push_back(cell);
  }
  for (const auto& [place, cell] : rows) out.only_rows += cell->rows > 0 ? 1 : 0;
  return out;
}

// Whether telling what differs takes only a little reading.
Result<bool> is_quick(HourCatalog& catalog, const Difference& difference) {
  if (difference.cells.size() > kMostCells) return false;
  CV_ASSIGN(const std::vector<ListedSegment> segments, catalog.listings_of(difference.cells));
  std::int64_t bytes = 0;
  for (const ListedSegment& segment : segments) bytes += segment.facts.bytes;
  return bytes <= kReadBytes;
}

// As `gaps` without a time range counts them.
Result<std::int64_t> rows_outside(Parts& parts, const HourCatalog& catalog, ObjectStore& store,
                                  Warehouse& warehouse) {
  if (!catalog.first_hour()) return 0;
  ArchiveSide archive;
  archive.span = {catalog.first_hour(), catalog.end(), catalog.sealed_from(), catalog.sealed_to()};
  archive.end_now = [&]() -> Result<std::optional<Hour>> {
    CV_ASSIGN(const HourCatalog now, read_hour_catalog(store, parts.layout()));
    return now.end();
  };
  CoverageOptions options;
  options.now = parts.clock().now();
  options.load_grace = parts.configuration().load.grace;
  HoursBehind behind(archive, options);
  const TimeRange known{archive.span.first->start(), archive.span.end->start()};
  CV_ASSIGN(const std::vector<OutsideCell> found, find_outside({}, known, behind, warehouse));
  std::int64_t rows = 0;
  for (const OutsideCell& cell : found) rows += is_gap(cell.state) ? cell.rows.rows : 0;
  return rows;
}

}  // namespace

Result<GapStatus> recent_gaps(Parts& parts, HourCatalog& catalog, std::stop_token stop) {
  CV_ASSIGN(ObjectStore* const store, parts.store());
  CV_ASSIGN(Warehouse* const warehouse, parts.warehouse());
  CV_ASSIGN(const Acks acks, Acks::read(*store, parts.layout()));
  GapStatus out;
  out.acknowledged = acks.cells();
  out.damaged_acks = static_cast<std::int64_t>(acks.damage().size());
  CV_ASSIGN(out.outside, rows_outside(parts, catalog, *store, *warehouse));
  const auto first = catalog.sealed_from();
  const auto end = catalog.sealed_to();
  if (!first || !end) return out;
  Scope recent;
  recent.time = {std::max(first->start(), end->start() - kDays), end->start()};
  out.range = recent.time;
  CV_ASSIGN(const std::vector<WarehouseCell> rows, warehouse->cells(recent));
  const Difference difference = compare(catalog, recent.time, rows);
  out.gaps = difference.count();
  if (out.gaps == 0 && catalog.lost().empty()) return out;
  CV_ASSIGN(out.proven, is_quick(catalog, difference));
  if (!out.proven) return out;
  CV_ASSIGN(const GapFinding found, find_all_gaps(parts, catalog, recent, {stop, {}}));
  out.gaps = found.coverage.gaps();
  return out;
}

}  // namespace changevault
