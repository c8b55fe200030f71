// The memory of what was verified: what is read is written back as it was, and nothing else is taken.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "archive/verify_memory.h"
#include "base/hash.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace changevault;
  std::string text(reinterpret_cast<const char*>(data), size);
  ignore_error(VerifyMemory::decode(text, "fuzz"), "any outcome but a crash");
  // With the right checksum behind it, so that the lines themselves are reached.
  text += text.empty() || text.back() != '\n' ? "\n" : "";
  text += "{\"self\":\"" + sha256_hex(text) + "\"}\n";
  const auto memory = VerifyMemory::decode(text, "fuzz");
  if (!memory) return 0;
  const auto again = VerifyMemory::decode(memory->encode(), "fuzz");
  if (!again || !(*again == *memory)) std::abort();
  return 0;
}
