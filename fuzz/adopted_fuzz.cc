// Any text, sealed, as a slot of adopted files: refused with a reason, or written again with the same
// meaning.
#include <cstdint>

#include "archive/adopted.h"
#include "fuzz/fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace changevault;
  using namespace changevault::fuzzing;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto slot = decode_adopted(sealed(bytes), "fuzz");
  if (const auto as_it_is = decode_adopted(bytes, "fuzz")) require(slot && *slot == *as_it_is);
  if (!slot) {
    require_refusal(slot.error(), "fuzz");
    return 0;
  }
  const std::string written = encode_adopted(*slot);
  const auto again = decode_adopted(written, "fuzz");
  require(again && *again == *slot && encode_adopted(*again) == written);
  return 0;
}
