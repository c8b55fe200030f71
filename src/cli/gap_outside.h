// Rows of the warehouse that are not where the archive holds their events, for people.
#pragma once

#include "cli/output.h"
#include "recovery/coverage.h"

namespace changevault {

// The rows that no hour of the comparison has, a line for each collection and side; nothing where there are
// none.
void print_outside(Output& out, const Coverage& coverage);

// What to type about rows without a usable time and rows at a wrong place, before anything is recovered.
std::vector<std::pair<std::string, std::string>> steps_for_misplaced(const Coverage& coverage,
                                                                     const std::string& table);

// To stderr, behind a recovery: what it could not put right, as it touches no row that is there.
void complain_of_misplaced(Output& out, const Coverage& coverage);

}  // namespace changevault
