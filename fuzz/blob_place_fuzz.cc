// Addresses of containers and connection strings, from people and environments: never a crash, and no secret
// in what is shown of them.
#include "fuzz/fuzzing.h"
#include "net/url_text.h"
#include "store/azure/blob_place.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace changevault;
  using fuzzing::require;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = text.find('\n');
  const std::string url = text.substr(0, line);
  const std::string secret = line == std::string::npos ? std::string() : text.substr(line + 1);
  const auto place = azure::find_blob_place(url, {{"AZURE_STORAGE_CONNECTION_STRING", secret}}, secret);
  if (!place) {
    require(!place.error().message.empty());
    return 0;
  }
  require(!place->account.empty() && !place->container.empty() && !place->endpoint.empty());
  require(place->account_key.empty() || place->sas.empty());
  require(place->prefix.empty() || place->prefix.ends_with('/'));
  require(!holds_secret(without_secrets(url)) || without_secrets(url).find("***") != std::string::npos);
  return 0;
}
