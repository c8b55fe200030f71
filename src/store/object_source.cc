#include "store/object_source.h"

#include <utility>

namespace changevault {

ObjectSource::ObjectSource(ObjectStore& store, std::string key, std::function<void(std::string_view)> observe,
                           std::int64_t range_bytes)
    : store_(store), key_(std::move(key)), observe_(std::move(observe)), range_bytes_(range_bytes) {}

Result<std::size_t> ObjectSource::read(std::span<char> into) {
  if (used_ == piece_.size() && !end_) {
    CV_ASSIGN(piece_, store_.get(key_, ByteRange{offset_, range_bytes_}));
    used_ = 0;
    offset_ += static_cast<std::int64_t>(piece_.size());
    // A store cuts a range at the end of the object and nowhere else.
    end_ = static_cast<std::int64_t>(piece_.size()) < range_bytes_;
    if (observe_ && !piece_.empty()) observe_(piece_);
  }
  const std::size_t n = piece_.copy(into.data(), into.size(), used_);
  used_ += n;
  return n;
}

}  // namespace changevault
