// What every way of recovering has in common behind its plan: consent, the course of it, what is left.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "cli/context.h"
#include "cli/gap_report.h"
#include "cli/progress.h"
#include "recovery/executor.h"
#include "recovery/plan.h"

namespace changevault {

struct RecoverFlags {
  bool yes = false;
  bool plan_only = false;
  bool stage_only = false;
  bool resumable = false;  // a plan from a file: another run of the same command cannot begin it anew
  std::string save;        // with plan_only: where the plan is written to
};

// Text of segments, by key, as the ledger lists it, so that no part of the work is larger than a load may be.
using TextSizes = std::map<std::string, std::int64_t>;

Actor actor_of(const Context& context);
Result<Coverage> gaps_now(Context& context, const Scope& scope);
Result<bool> is_without_ledger(Context& context);
// The scope by hours and collections alone, as gaps are counted.
Scope hours_of(Scope scope);
// Of an error before the first change: an interruption changed nothing.
Error before_anything(Error error);

// Whether it is to be done: said by --yes, or by a person; then, and only then, store and warehouse take
// writes.
bool agreed(Context& context, const RecoverFlags& flags, const std::string& question);

// Shows the plan, asks, carries it out and says what is left. The exit code.
Result<int> decide(Context& context, const RecoveryPlan& plan, const RecoverFlags& flags,
                   const TextSizes& sizes);
// Goes on with one that died or waits.
Result<int> resume_recovery(Context& context, const RecoveryPlan& plan, const TextSizes& sizes);
// Refuse (kStalePlan) a plan of which more would be inserted now than somebody agreed to, and say where. By
// the events that are there: `now` is the same work, planned now.
Result<void> check_still_there(Context& context, const RecoveryPlan& plan, const RecoveryPlan& now);
// Of a plan from files: by the rows that are there.
Result<void> check_warehouse_fits(Context& context, const RecoveryPlan& plan);

}  // namespace changevault
