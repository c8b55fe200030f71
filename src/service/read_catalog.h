// The archive's catalog for the verbs.
#pragma once

#include "archive/catalog.h"
#include "archive/hour_catalog.h"
#include "model/scope.h"

namespace changevault {

// kNotFound only where there is no archive; a slot that is gone from one that exists is kCorrupt.
Result<Catalog> read_catalog(ObjectStore& store, const KeyLayout& layout, const OnSlots& on_slots = {});
// Whether read_catalog would find one, at the cost of a request or two.
Result<bool> has_ledger(ObjectStore& store, const KeyLayout& layout);
// For what selects from `scope` alone: only the slots of its hours are read where these prove what the hours
// hold (archive/window_listing.h), and then nothing else is in the catalog, no seals and no problems either.
Result<Catalog> read_catalog_of(ObjectStore& store, const KeyLayout& layout, const Scope& scope,
                                const OnSlots& on_slots = {});
Result<HourCatalog> read_hour_catalog(ObjectStore& store, const KeyLayout& layout,
                                      const OnSlots& on_slots = {});

}  // namespace changevault
