// A gzip file of any length, piece by piece. Framed as a segment is (docs/formats/segment.md), without its
// facts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "codec/block_compressor.h"

namespace changevault {

// Not thread-safe.
class GzipStream {
 public:
  explicit GzipStream(int gzip_level) : compressor_(gzip_level) {}
  // Appends the compressed `text` to `out`: a block of its own, so not too short a one.
  void add(std::string_view text, std::string& out);
  // Appends the end of the file; the stream is spent.
  void finish(std::string& out);

 private:
  void begin(std::string& out);
  BlockCompressor compressor_;
  bool begun_ = false;
  std::uint32_t crc_ = 0;
  std::uint64_t text_bytes_ = 0;
};

}  // namespace changevault
