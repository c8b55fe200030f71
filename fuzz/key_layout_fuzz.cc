// Object names from outside: whatever a listing brings is read or refused, and what is read builds the same
// name again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "store/key_layout.h"
#include "store/object_key.h"

namespace {

using namespace changevault;

void require(bool holds) {
  if (!holds) std::abort();
}

// The last part stands alone: its name is its own, or it is a file of other programs.
void check_key(const KeyLayout& layout, std::string_view key) {
  const auto name = layout.parse(key);
  if (!name || !name->origin) return;
  const std::string built = name->dead_letter ? layout.dead_letter(name->hour, *name->origin)
                                              : layout.segment(name->ns, name->hour, *name->origin);
  // Folders of others and cut names stand for themselves; all else is its own inverse.
  const bool same_file = std::string_view(built).substr(built.rfind('/')) == key.substr(key.rfind('/'));
  require(same_file);
  require(built == key || (!name->dead_letter && layout.parse(built) != std::nullopt));
}

void check_name(std::string_view name) {
  if (name.empty()) return;
  const std::string part = encode_name(name);
  require(part.size() <= kMaxKeyPartBytes && split_key(part + "/x").has_value() && !part.starts_with('_'));
  require(part.find('/') == std::string::npos);
  const auto decoded = decode_name(part);
  require(decoded ? *decoded == name : part.find('~') != std::string::npos);
  if (const auto other = decode_name(name)) require(encode_name(*other) == name);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check_key(KeyLayout("changestreams"), input);
  check_key(KeyLayout(""), input);
  check_name(input);
  if (const auto slot = KeyLayout::parse_slot_name(input)) require(KeyLayout::slot_name(*slot) == input);
  (void)KeyLayout::parse_partition_folder(input);
  if (const auto parts = split_key(input); parts.has_value()) {
    std::string joined;
    for (const std::string_view part : *parts) joined += (joined.empty() ? "" : "/") + std::string(part);
    require(joined == input);
  }
  return 0;
}
