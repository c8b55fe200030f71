// What of the ledger is damaged, for people.
#pragma once

#include <vector>

#include "archive/ledger_problem.h"
#include "cli/output.h"

namespace changevault {

// To stderr: each damaged slot once, with what it costs, and what to do.
void warn_of_damage(Output& out, const std::vector<LedgerProblem>& problems);

// The exit code of a verb that showed all files of a scope that are known: kExitDone, or kExitIndeterminate
// where there may be more; then that is said on stderr.
int ledger_exit(Output& out, bool uncertain);

}  // namespace changevault
