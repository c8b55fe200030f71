// The archive's catalog for the verbs.
#pragma once

#include "archive/catalog.h"
#include "archive/hour_catalog.h"

namespace changevault {

// kNotFound only where there is no archive; a slot that is gone from one that exists is kCorrupt.
Result<Catalog> read_catalog(ObjectStore& store, const KeyLayout& layout);
Result<HourCatalog> read_hour_catalog(ObjectStore& store, const KeyLayout& layout);

}  // namespace changevault
