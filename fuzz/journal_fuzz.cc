// Any text, sealed, as a slot of a recovery's journal: refused with a reason, or written again with the same
// meaning.
#include <cstdint>

#include "fuzz/fuzzing.h"
#include "recovery/journal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace changevault;
  using namespace changevault::fuzzing;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string slot = sealed(bytes);
  const auto entry = decode_journal_entry(slot, "fuzz");
  if (const auto as_it_is = decode_journal_entry(bytes, "fuzz")) require(entry && *entry == *as_it_is);
  if (!entry) {
    require_refusal(entry.error(), "fuzz");
    return 0;
  }
  const std::string written = encode_journal_entry(*entry, "id");
  const auto again = decode_journal_entry(written, "fuzz");
  require(again && *again == *entry && encode_journal_entry(*again, "id") == written);
  return 0;
}
