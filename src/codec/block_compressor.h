// The compressor of segments' blocks.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace changevault {

// Compresses blocks, one after the other. Holds the large tables of the compressor, so that open segments
// need not: one for each worker. Not thread-safe.
class BlockCompressor {
 public:
  explicit BlockCompressor(int gzip_level);  // 0 to 3, ISA-L's
  ~BlockCompressor();
  BlockCompressor(BlockCompressor&&) noexcept;
  // Appends the raw deflate of `text`, ended by a full flush, not final.
  void compress(std::string_view text, std::string& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace changevault
