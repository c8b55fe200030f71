// Any bytes as a configuration file: an error or values, and every value of a known key.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "service/configuration.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace changevault;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto values = read_configuration_text(text, "fuzz.toml");
  if (!values.has_value()) {
    if (values.error().code != ErrorCode::kUsage || values.error().message.empty()) std::abort();
    return 0;
  }
  for (const auto& [path, value] : *values) {
    bool known = false;
    for (const ConfigurationKey& key : configuration_keys()) {
      if (key.path() != path) continue;
      known = true;
      Configuration scratch;
      ignore_error(key.set(scratch, value.text), "any outcome is right here");
    }
    if (!known) std::abort();
  }
  return 0;
}
