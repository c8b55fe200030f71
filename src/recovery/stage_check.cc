#include "recovery/stage_check.h"

#include <string>

namespace changevault {
namespace {

Error not_valid(const std::string& what, const std::string& object) {
  return Error(ErrorCode::kValidation, what, object, "run verify on this scope");
}

}  // namespace

void StagedSum::add(const StageFacts& stage) {
  scan += ScanFacts{stage.rows, stage.digest, stage.operations, stage.min_time, stage.max_time};
  distinct += stage.distinct;
  null_ids += stage.null_ids;
  same_position_twice += stage.same_position_twice;
}

Result<void> check_stage(const RecoveryPlan& plan, const ScanFacts& scan, const StagedSum& stage,
                         bool one_chunk) {
  const std::string object = "recovery " + plan.id;
  if (scan != plan.expected) {
    return not_valid(
        "the archive gave " + to_string(scan) + " where the plan expects " + to_string(plan.expected),
        object);
  }
  if (stage.scan != scan) {
    return not_valid(
        "the side table holds " + to_string(stage.scan) + " where the archive gave " + to_string(scan),
        object);
  }
  if (stage.null_ids > 0) {
    return not_valid(std::to_string(stage.null_ids) + " staged rows have no event_id", object);
  }
  // An event_id that the hub repeated may stand in two chunks.
  const bool distinct_right = one_chunk ? stage.distinct == plan.distinct
                                        : stage.distinct >= plan.distinct && stage.distinct <= scan.rows;
  if (!distinct_right) {
    return not_valid("the side table holds " + std::to_string(stage.distinct) +
                         " different event_ids where the plan has " + std::to_string(plan.distinct),
                     object);
  }
  // People may put a line into a file twice.
  if (stage.same_position_twice > 0 && !plan.files) {
    return not_valid(std::to_string(stage.same_position_twice) +
                         " staged rows repeat the event_id and the hub position of another",
                     object);
  }
  return {};
}

}  // namespace changevault
