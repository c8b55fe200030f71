// Compressed bytes that come in small pieces, as from a network.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

#include "base/result.h"
#include "codec/segment_reader.h"

namespace changevault::testing {

// At most `piece` bytes for each read. The bytes outlive it.
class PieceSource final : public ByteSource {
 public:
  PieceSource(std::string_view bytes, std::size_t piece) : rest_(bytes), piece_(piece) {}
  Result<std::size_t> read(std::span<char> into) override {
    const std::size_t n = rest_.copy(into.data(), std::min(into.size(), piece_));
    rest_.remove_prefix(n);
    return n;
  }

 private:
  std::string_view rest_;
  std::size_t piece_;
};

}  // namespace changevault::testing
