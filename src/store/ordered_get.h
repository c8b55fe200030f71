// The bytes of an object in their order, several ranges of it asked for at once.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "store/object_store.h"

namespace changevault {

struct OrderedGet {
  std::int64_t range_bytes = 4 << 20;
  int at_once = 1;          // ranges held in memory at the same time; 1: one request for all of it
  std::int64_t bytes = -1;  // how large it should be; unknown: -1. One that fits a range is one request
  std::stop_token stop;
};

// Calls `each` with the bytes, in order, on the calling thread. With more than one at once, all are of the
// version that the object had at the beginning, else kCorrupt. An error of `each` ends it and is returned;
// kCancelled where stopped.
Result<void> get_in_order(ObjectStore& store, const std::string& key, const OrderedGet& options,
                          const EachPiece& each);

}  // namespace changevault
