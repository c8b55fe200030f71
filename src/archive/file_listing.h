// Archived files by their names alone: for archives without a ledger, which other programs wrote.
#pragma once

#include <functional>

#include "base/result.h"
#include "model/scope.h"
#include "store/key_layout.h"
#include "store/object_store.h"

namespace changevault {

// Calls `each` for every archived file (no dead letters) whose name says that it may hold records of the
// scope, by folder, then in the order of names. No more is listed than the scope asks for: one request for an
// hour of one collection, however large the archive is.
Result<void> for_each_named_file(
    ObjectStore& store, const KeyLayout& layout, const Scope& scope,
    const std::function<Result<void>(const ObjectInfo&, const SegmentName&)>& each);

}  // namespace changevault
