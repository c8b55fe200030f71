// An archive without a ledger, as a side of the comparison.
#pragma once

#include "archive/found_archive.h"
#include "recovery/coverage.h"
#include "recovery/plan.h"

namespace changevault {

// `scope`: what the archive was read for; hours of it without any file are hours of which nothing is archived
// so far. `archive` and `layout` outlive what is returned.
ArchiveSide archive_side(const FoundArchive& archive, const KeyLayout& layout, const Scope& scope);

// The files that hold records of the MISSING and PARTIAL cells of `gaps`, which was made from `archive`; they
// may hold others, too. A cell of which a file is damaged is left out.
RecoverableSegments segments_to_recover(const FoundArchive& archive, const KeyLayout& layout,
                                        const Coverage& gaps);

}  // namespace changevault
