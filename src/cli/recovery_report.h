// What `recover` tells people and scripts: of a plan, of staged rows, of what came of it.
#pragma once

#include <cstdint>

#include "cli/context.h"
#include "cli/output.h"
#include "recovery/executor.h"
#include "recovery/plan.h"

namespace changevault {

// What was found when the scope was looked at again behind a recovery.
struct RecoveryFinding {
  std::int64_t gaps_left = 0;
  bool in_place = true;         // no event of the scope stands at a wrong place
  bool checked = true;          // the archive could say of every hour of the scope what belongs there
  bool without_ledger = false;  // the archive says of no hour what belongs there
  bool not_covered = false;     // nor of these, which it does not know
};

// DESIGN's `recover` document.
Json to_json(const RecoveryResult& result, std::int64_t gaps_left);

// The same of a plan, with its cells and its cost.
Json plan_json(const RecoveryPlan& plan);

void print_plan(Output& out, const RecoveryPlan& plan);
// A line for each of its cells.
void print_plan_csv(Output& out, const RecoveryPlan& plan);
void print_result(Output& out, const RecoveryResult& result, const RecoveryFinding& found);

// Where the staged rows stand, the first of them, and how to go on. The exit code.
Result<int> report_staged(Context& context, const RecoveryResult& result);

}  // namespace changevault
