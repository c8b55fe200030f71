#include "service/gap_finding.h"

#include "archive/segment_feed.h"
#include "recovery/coverage_found.h"
#include "service/read_catalog.h"
#include "service/scope_check.h"

namespace changevault {
namespace {

Result<GapFinding> find_all_gaps(Parts& parts, const ArchiveSide& archive, const Scope& scope,
                                 const GapWatch& watch) {
  CV_ASSIGN(ObjectStore* const store, parts.store());
  CV_ASSIGN(Warehouse* const warehouse, parts.warehouse());
  GapFinding found;
  CV_ASSIGN(found.acks, Acks::read(*store, parts.layout()));
  const Scope everything;
  SegmentFeed feed(*store, everything, watch.stop);
  feed.complete_with(parts.configuration().source.id);
  CoverageOptions options;
  options.now = parts.clock().now();
  options.load_grace = parts.configuration().load.grace;
  options.on_cells = [&](std::int64_t done, std::int64_t all) -> Result<void> {
    if (watch.stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped while comparing");
    if (watch.on_cells) watch.on_cells(done, all);
    return {};
  };
  options.acknowledged = [&](const GapCell& cell, const Namespace& ns, const CellEvidence& evidence) {
    const Acks::Given* const ack = found.acks.holding(cell.hour, ns, evidence);
    found.gaps.push_back({cell.hour, cell.ns, cell.state, evidence,
                          ack == nullptr ? std::nullopt : std::optional(ack->id), cell.lost_unknown,
                          cell.misplaced});
    return ack != nullptr;
  };
  Result<Coverage> coverage = find_gaps(scope, archive, *warehouse, feed, options);
  if (!coverage) return with_near_name(std::move(coverage).error(), scope, archive.namespaces);
  found.coverage = std::move(coverage).value();
  return found;
}

}  // namespace

Result<GapFinding> find_all_gaps(Parts& parts, HourCatalog& catalog, const Scope& scope,
                                 const GapWatch& watch) {
  CV_ASSIGN(ObjectStore* const store, parts.store());
  ArchiveSide archive = archive_side(catalog);
  archive.end_now = [&]() -> Result<std::optional<Hour>> {
    CV_ASSIGN(const HourCatalog now, read_hour_catalog(*store, parts.layout()));
    return now.end();
  };
  return find_all_gaps(parts, archive, scope, watch);
}

Result<GapFinding> find_all_gaps(Parts& parts, KnownArchive& archive, const Scope& scope,
                                 const GapWatch& watch) {
  if (archive.by_ledger) {
    CV_ASSIGN(GapFinding found, find_all_gaps(parts, *archive.by_ledger, scope, watch));
    found.adopted = static_cast<std::int64_t>(archive.by_ledger->adopted().size());
    return found;
  }
  CV_ASSIGN(GapFinding found,
            find_all_gaps(parts, archive_side(*archive.by_reading, parts.layout(), scope), scope, watch));
  found.by_reading = archive.by_reading->notes();
  return found;
}

}  // namespace changevault
