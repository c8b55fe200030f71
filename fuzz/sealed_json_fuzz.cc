// Any bytes as a sealed document, and any JSON object sealed and opened again.
#include <cstdint>
#include <cstdlib>

#include "codec/json.h"
#include "codec/sealed_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace changevault;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)open_sealed_json(bytes, "fuzz");
  const Json document = Json::parse(bytes, nullptr, false);
  if (!document.is_object() || document.empty() || document.contains("self")) return 0;
  const std::string sealed = seal_json(document);
  const auto opened = open_sealed_json(sealed, "fuzz");
  if (!opened.has_value() || seal_json(*opened) != sealed) std::abort();
  return 0;
}
