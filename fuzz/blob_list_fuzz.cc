// The XML of a listing and the JSON of a token endpoint, as a server or something in between may send them.
#include "fuzz/fuzzing.h"
#include "net/azure/access_token.h"
#include "net/http.h"
#include "store/azure/blob_list.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace changevault;
  using fuzzing::require;
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto list = azure::parse_blob_list(text)) {
    for (const azure::ListedBlob& blob : list->blobs) require(blob.md5_hex.size() % 2 == 0);
  }
  const Timestamp now{1'700'000'000'000};
  if (const auto token = azure::read_token(text, now))
    require(!token->value.empty() && token->expires.ms >= 0);
  const HttpResponse response{503, {{"retry-after", text}}, ""};
  const Duration wait = retry_after(response, now);
  require(wait.ms >= 0 && wait.ms <= 3'600'000);
  return 0;
}
