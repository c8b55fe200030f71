// `audit --recovery`: one recovery from its plan to its last step, with the bytes that it read.
#pragma once

#include <vector>

#include "cli/context.h"
#include "recovery/audit.h"

namespace changevault {

// Steps and segments of the recovery besides what the list of recoveries has.
Json recovery_details(const PastRecovery& past);

void print_recovery(Output& out, const PastRecovery& past);

}  // namespace changevault
