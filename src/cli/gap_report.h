// Coverage for people, and how verbs get it.
#pragma once

#include "archive/hour_catalog.h"
#include "cli/context.h"
#include "recovery/coverage.h"

namespace changevault {

// Archive (as `catalog` tells it) against warehouse, with the configured grace time.
Result<Coverage> find_gaps(Context& context, HourCatalog& catalog, const Scope& scope);

// A row for each collection and day with a sign for each hour, the cells that need attention, and the sum.
void print_coverage(Output& out, const Coverage& coverage);

// "12 of 34 events are missing", in plain words.
std::string explain(const GapCell& cell);

}  // namespace changevault
