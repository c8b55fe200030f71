// What `recover --gaps --yes` does, in a test's own world.
#pragma once

#include "archive/hour_catalog.h"
#include "archive/segment_feed.h"
#include "recovery/coverage.h"
#include "recovery/executor.h"

namespace changevault::testing {

// `gaps` was made from `catalog`. A plan without segments is a value too.
inline Result<RecoveryResult> recover_gaps(const Executor::Parts& parts, HourCatalog& catalog,
                                           const Coverage& gaps) {
  CV_ASSIGN(const RecoverableSegments found, segments_to_recover(catalog, gaps));
  PlanRequest request;
  for (const ListedSegment& segment : found.segments) request.segments.push_back(&segment);
  request.now = parts.clock.now();
  request.id = make_recovery_id(request.now, parts.random);
  request.actor = {"ada", "host", "changevault test"};
  SegmentFeed feed(parts.store, request.scope);
  CV_ASSIGN(const RecoveryPlan plan, make_plan(request, feed, parts.warehouse, nullptr));
  if (plan.segments.empty()) return as_planned(plan);
  return Executor(parts).run(plan, {});
}

}  // namespace changevault::testing
