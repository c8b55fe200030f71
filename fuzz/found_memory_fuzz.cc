// The memory of what was found: what is read is written back as it was, and nothing else is taken.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "archive/found_memory.h"
#include "archive/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace changevault;
  std::string text(reinterpret_cast<const char*>(data), size);
  ignore_error(FoundMemory::decode(text, "fuzz"), "any outcome but a crash");
  // With the right checksum behind it, so that the lines themselves are reached.
  text += text.empty() || text.back() != '\n' ? "\n" : "";
  text = with_checksum(std::move(text));
  const auto memory = FoundMemory::decode(text, "fuzz");
  if (!memory) return 0;
  const auto again = FoundMemory::decode(memory->encode(), "fuzz");
  if (!again || again->encode() != memory->encode()) std::abort();
  return 0;
}
