// Gaps of the last days, cheaply, for `status`.
#pragma once

#include <stop_token>

#include "archive/hour_catalog.h"
#include "base/result.h"
#include "service/parts.h"
#include "service/status.h"

namespace changevault {

// Compares counts and digests of the sealed hours of the last seven days. Where some differ, and telling why
// takes only a little reading, they are compared for good; else the number of differing cells is the answer.
// Rows of the warehouse that no archived hour has are counted of all times.
Result<GapStatus> recent_gaps(Parts& parts, HourCatalog& catalog, std::stop_token stop);

}  // namespace changevault
