// `recover --remove-duplicates`: rows that stand more than once in the warehouse.
#pragma once

#include "cli/recovery_steps.h"
#include "recovery/removal.h"

namespace changevault {

// Plans and decides. The exit code.
Result<int> remove_duplicates(Context& context, const Scope& scope, const RecoverFlags& flags);
// The same of a plan that was written down, by what it says now.
Result<int> apply_removal(Context& context, const RemovalPlan& plan, const RecoverFlags& flags);
Result<int> resume_removal(Context& context, const RemovalPlan& plan);
Result<int> discard_removal(Context& context, const RemovalPlan& plan);

}  // namespace changevault
