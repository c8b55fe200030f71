// The bytes of a stored object as a stream, fetched in ranges.
#pragma once

#include <string>

#include "codec/segment_reader.h"
#include "store/object_store.h"

namespace changevault {

// Not thread-safe. `store` outlives it.
class ObjectSource final : public ByteSource {
 public:
  // `observe`, if given, sees every fetched piece in order (hashing while reading).
  ObjectSource(ObjectStore& store, std::string key, std::function<void(std::string_view)> observe = nullptr,
               std::int64_t range_bytes = 4 << 20);
  Result<std::size_t> read(std::span<char> into) override;

 private:
  ObjectStore& store_;
  std::string key_;
  std::function<void(std::string_view)> observe_;
  std::int64_t range_bytes_;
  std::int64_t offset_ = 0;
  std::string piece_;
  std::size_t used_ = 0;
  bool end_ = false;
};

}  // namespace changevault
