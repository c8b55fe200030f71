// Which hub the archive belongs to, and what has to be written down before it is read on: that it got more
// partitions, or that another one took its place.
#pragma once

#include "archive/archive_parts.h"
#include "archive/sealer.h"
#include "base/result.h"
#include "hub/hub.h"

namespace changevault {

// `sealer` is open. Makes the newest `hub` entry of the seals fit the hub, or says why that must not be:
// kUsage for another group or source, kValidation for another hub without options.new_epoch (and for one with
// fewer partitions), kUsage for options.new_epoch where the hub still is the one that was archived.
Result<void> settle_hub(const Archiver::Parts& parts, const ArchiverOptions& options, Sealer& sealer);

// Writes down the partitions that were added to the hub since. Nothing to do where there are none.
Result<void> add_partitions(const Archiver::Parts& parts, Sealer& sealer);

}  // namespace changevault
