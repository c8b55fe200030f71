// Any bytes as a document key and as a message to place.
#include <cstdint>
#include <cstdlib>

#include "codec/document_key.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace changevault;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto key = normal_document_key(bytes);
  if (key.has_value() && normal_document_key(bytes) != key) std::abort();
  const std::int32_t partition = partition_of(partition_key(bytes), 7);
  if (partition < 0 || partition >= 7) std::abort();
  return 0;
}
