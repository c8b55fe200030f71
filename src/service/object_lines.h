// The lines of one archived object, whatever they are: records or dead letters.
#pragma once

#include <functional>
#include <stop_token>
#include <string_view>

#include "base/result.h"
#include "store/object_store.h"
#include "warehouse/warehouse.h"

namespace changevault {

// Read whole. A sha256 that is not the reference's (where that has one) is a kCorrupt error after the last
// line. An error from `each` ends the reading and is returned.
Result<void> for_each_line_of(ObjectStore& store, const SegmentRef& object, std::stop_token stop,
                              const std::function<Result<void>(std::string_view)>& each);

}  // namespace changevault
