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

struct Difference {
  std::int64_t cells = 0;
  std::int64_t bytes = 0;  // of the segments that tell what differs
};

Difference compare(const std::vector<ArchiveCell>& archive, const std::vector<WarehouseCell>& warehouse) {
  std::map<std::pair<Hour, Namespace>, const WarehouseCell*> rows;
  for (const WarehouseCell& cell : warehouse) rows[{cell.hour, cell.ns}] = &cell;
  Difference out;
  for (const ArchiveCell& cell : archive) {
    const auto found = rows.find({cell.hour, cell.ns});
    const WarehouseCell* const there = found == rows.end() ? nullptr : found->second;
    if (there != nullptr) rows.erase(found);
    if (same_events(cell.digest, there)) continue;
    ++out.cells;
    for (const ListedSegment* const segment : cell.segments) out.bytes += segment->facts.bytes;
  }
  for (const auto& [place, cell] : rows) out.cells += cell->rows > 0 ? 1 : 0;
  return out;
}

// As `gaps` without a time range counts them.
Result<std::int64_t> rows_outside(Parts& parts, const Catalog& catalog, ObjectStore& store,
                                  Warehouse& warehouse) {
  if (!catalog.first_hour()) return 0;
  ArchiveSide archive;
  archive.span = {catalog.first_hour(), catalog.last_hour()->next(), catalog.sealed_from(),
                  catalog.sealed_to()};
  if (catalog.sealed_to()) archive.span.end = std::max(*archive.span.end, *catalog.sealed_to());
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

Result<GapStatus> recent_gaps(Parts& parts, const Catalog& catalog, std::stop_token stop) {
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
  const Difference difference = compare(catalog.cells(recent), rows);
  out.gaps = difference.cells;
  if (difference.cells == 0 && catalog.lost().empty()) return out;
  out.proven = difference.bytes <= kReadBytes;
  if (!out.proven) return out;
  CV_ASSIGN(HourCatalog hours, read_hour_catalog(*store, parts.layout()));
  CV_ASSIGN(const GapFinding found, find_all_gaps(parts, hours, recent, stop));
  out.gaps = found.coverage.gaps();
  return out;
}

}  // namespace changevault
