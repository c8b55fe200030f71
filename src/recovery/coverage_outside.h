// Rows of the warehouse that no cell of a comparison has.
#pragma once

#include <vector>

#include "recovery/coverage.h"
#include "recovery/coverage_hours.h"

namespace changevault {

// One for each collection and side. `asked`: the scope as it was asked for; `range`: the hours compared.
Result<std::vector<OutsideCell>> find_outside(const Scope& asked, const TimeRange& range, HoursBehind& behind,
                                              Warehouse& warehouse);

}  // namespace changevault
