// Any bytes as a segment and as a block.
#include <cstdint>
#include <cstdlib>

#include "codec/segment_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace changevault;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  StringSource source(bytes);
  SegmentReader reader(source);
  while (true) {
    const auto lines = reader.next();
    if (!lines.has_value() || lines->empty()) break;
    if (!lines->ends_with('\n')) std::abort();
  }
  const auto length = static_cast<std::int64_t>(size);
  const auto block = inflate_block(bytes, length);
  if (block.has_value() && static_cast<std::int64_t>(block->size()) != length) std::abort();
  return 0;
}
