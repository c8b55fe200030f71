// What the ledger lists of some hours, without reading the rest of the ledger.
#pragma once

#include <optional>
#include <vector>

#include "archive/catalog.h"
#include "base/result.h"
#include "model/scope.h"
#include "store/key_layout.h"
#include "store/object_store.h"

namespace changevault {

// A year of commits is gigabytes. The seals of an hour say which slots list its files, and are found by
// bisecting: O(log n) requests, and then the slots of these hours, besides the chains' ends where hours
// without a seal are asked for.
//
// The files of `scope` as Catalog::select gives them, blocks included. All that was read is whole and follows
// from what stands before it, and of sealed hours exactly what the seals promise was found. nullopt where it
// is otherwise, where nothing is found, and where the scope's time has neither begin nor end: then only a
// Catalog tells what is known. Errors: what the store says.
Result<std::optional<std::vector<ListedSegment>>> list_window(ObjectStore& store, const KeyLayout& layout,
                                                              const Scope& scope);

}  // namespace changevault
