// Proof that what was staged is what was planned, before anything is merged.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "recovery/plan.h"
#include "recovery/scan.h"
#include "warehouse/warehouse.h"

namespace changevault {

// What the side tables of all chunks hold together.
struct StagedSum {
  ScanFacts scan;
  std::int64_t distinct = 0;  // event_ids within each chunk
  std::int64_t null_ids = 0;
  std::int64_t same_position_twice = 0;

  void add(const StageFacts& stage);
};

// The side tables against the reading they were filled from (`scan`), and both against the plan. kValidation.
Result<void> check_stage(const RecoveryPlan& plan, const ScanFacts& scan, const StagedSum& stage,
                         bool one_chunk);

}  // namespace changevault
