// The hub's side of gaps: asks the hub, and the ledger for where the archive stands in it.
#pragma once

#include "archive/hour_catalog.h"
#include "base/result.h"
#include "recovery/hub_coverage.h"
#include "service/parts.h"

namespace changevault {

// The whole hub against the archive, which may go on meanwhile. `catalog` says which hub the archive was
// written from and what is recorded as lost; where the archive stands is read from the partitions' chains
// now. Of each partition at most two events are read: the last one archived, and the next one for its time. A
// chain that cannot be read costs its partition. Writes nothing.
//
// Errors: what hub and store say; kIndeterminate where the ledger no longer tells which hub was archived.
Result<HubCoverage> compare_hub(Parts& parts, const HourCatalog& catalog);

}  // namespace changevault
