#include "service/recent_gaps.h"

#include <algorithm>
#include <map>
#include <utility>

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
  bool extra = false;  // more rows than records: only reading the whole collection would tell whose they are
};

Difference compare(const std::vector<ArchiveCell>& archive, const std::vector<WarehouseCell>& warehouse) {
  std::map<std::pair<Hour, Namespace>, const WarehouseCell*> rows;
  for (const WarehouseCell& cell : warehouse) rows[{cell.hour, cell.ns}] = &cell;
  Difference out;
  for (const ArchiveCell& cell : archive) {
    const auto found = rows.find({cell.hour, cell.ns});
    const WarehouseCell* const there = found == rows.end() ? nullptr : found->second;
    if (there != nullptr) rows.erase(found);
    const bool same = there != nullptr && cell.digest == Digest{there->rows, there->digest} &&
                      there->null_ids == 0 && there->rows == there->distinct;
    if (same) continue;
    ++out.cells;
    out.extra = out.extra || (there != nullptr && there->distinct > cell.digest.records);
    for (const ListedSegment* const segment : cell.segments) out.bytes += segment->facts.bytes;
  }
  for (const auto& [place, cell] : rows) {
    if (cell->rows == 0) continue;
    ++out.cells;
    out.extra = true;
  }
  return out;
}

}  // namespace

Result<GapStatus> recent_gaps(Parts& parts, const Catalog& catalog, std::stop_token stop) {
  CV_ASSIGN(ObjectStore* const store, parts.store());
  CV_ASSIGN(Warehouse* const warehouse, parts.warehouse());
  CV_ASSIGN(const Acks acks, Acks::read(*store, parts.layout()));
  GapStatus out;
  out.acknowledged = acks.cells();
  out.damaged_acks = static_cast<std::int64_t>(acks.damage().size());
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
  out.proven = !difference.extra && difference.bytes <= kReadBytes;
  if (!out.proven) return out;
  CV_ASSIGN(HourCatalog hours, read_hour_catalog(*store, parts.layout()));
  CV_ASSIGN(const GapFinding found, find_all_gaps(parts, hours, recent, stop));
  out.gaps = found.coverage.gaps();
  return out;
}

}  // namespace changevault
