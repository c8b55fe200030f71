// Plans as files of this machine: what `recover --plan --save FILE` writes and `recover --apply FILE` reads.
#pragma once

#include <string>

#include "base/result.h"
#include "recovery/removal_plan.h"

namespace changevault {

// `bytes`: of an encoded plan. kUsage where something stands there: somebody may be about to apply it.
Result<void> save_plan_file(const std::string& bytes, const std::string& path);
Result<AnyPlan> read_plan_file(const std::string& path);

}  // namespace changevault
