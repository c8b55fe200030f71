// Any bytes as a pointer to an oversize event: what is read is written again byte for byte, and is only ever
// taken for a body where name and sha256 fit; what is none is left as it is.
#include <cstdint>

#include "archive/oversize_reader.h"
#include "fuzz/fuzzing.h"
#include "store/memory/memory_store.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace changevault;
  using fuzzing::require;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto pointer = parse_oversize(bytes);
  if (pointer) require(encode_oversize(*pointer) == bytes && pointer->bytes >= 0);

  static MemoryStore store;
  static const KeyLayout layout("changestreams");
  ignore_error(store.put_if_absent(layout.seal_chain() + KeyLayout::slot_name(Slot(0)), "{}"),
               "once is enough");
  const auto read = OversizeReader(store, layout).read(bytes);
  require(read.has_value() && read->has_value() == pointer.has_value());
  if (pointer) require(!(*read)->has_value() && !(*read)->error().empty());
  // The bytes themselves as a body, under their own pointer.
  const std::string sha = sha256_hex(bytes);
  const std::string own =
      encode_oversize({KeyLayout::oversize_name(sha), static_cast<std::int64_t>(size), sha});
  require(parse_oversize(own).has_value());
  require(layout.parse_oversize(layout.oversize(sha)) == sha);
  if (store.put_if_absent(layout.oversize(sha), bytes).has_value()) {
    const auto back = OversizeReader(store, layout).read(own);
    require(back.has_value() && back->has_value() && (*back)->has_value() && ***back == bytes);
  }
  ignore_error(store.remove(layout.oversize(sha)), "it is gone");
  return 0;
}
