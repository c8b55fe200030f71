// What of the archive could not be read while archive and warehouse were compared, for people.
#pragma once

#include <vector>

#include "cli/output.h"
#include "recovery/coverage.h"

namespace changevault {

// To stderr: each object once, with what is wrong with it and what it costs.
void complain_of_problems(Output& out, const Coverage& coverage);

// To stderr: the cells that a recovery leaves as they are, and why.
void complain_of_left_out(Output& out, const Coverage& coverage, const std::vector<std::size_t>& cells);

}  // namespace changevault
