// Any JSON object, sealed, as an acknowledgement: what is read is written again with the same meaning.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "codec/json.h"
#include "codec/sealed_json.h"
#include "recovery/acks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace changevault;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)decode_ack(bytes, "fuzz");
  Json document = Json::parse(bytes, nullptr, false);
  if (!document.is_object()) return 0;
  document.erase("self");
  if (document.empty()) return 0;
  const auto entry = decode_ack(seal_json(document), "fuzz");
  if (!entry.has_value()) return 0;
  const auto again = decode_ack(encode_ack(*entry), "fuzz");
  if (!again.has_value() || *again != *entry) std::abort();
  return 0;
}
