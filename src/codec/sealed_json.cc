#include "codec/sealed_json.h"

#include <stdexcept>

#include "base/hash.h"
#include "codec/json.h"

namespace changevault {
namespace {

constexpr std::string_view kBefore = R"(,"self":")";
constexpr std::string_view kBehind = "\"}";
constexpr std::size_t kHexDigits = 64;
constexpr std::size_t kTail = kBefore.size() + kHexDigits + kBehind.size();

}  // namespace

std::string seal_json(const Json& document) {
  if (!document.is_object() || document.empty() || document.contains("self")) {
    throw std::logic_error("only a non-empty object without \"self\" can be sealed");
  }
  std::string text = document.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.pop_back();  // the '}'
  const std::string self = sha256_hex(text);
  return text.append(kBefore).append(self).append(kBehind).append("\n");
}

// The `self` that counts is found by its distance from the end: the same bytes may stand in any string before
// it.
Result<std::string_view> sealed_body(std::string_view bytes, const std::string& object) {
  const auto corrupt = [&object](const char* what) { return Error(ErrorCode::kCorrupt, what, object); };
  if (!bytes.ends_with('\n')) return corrupt("sealed document does not end with a line break");
  bytes.remove_suffix(1);
  if (bytes.size() < kTail + 2) return corrupt("sealed document is cut");
  const std::string_view body = bytes.substr(0, bytes.size() - kTail);
  const std::string_view tail = bytes.substr(body.size());
  if (!tail.starts_with(kBefore) || !tail.ends_with(kBehind))
    return corrupt("sealed document does not end with its checksum");
  if (tail.substr(kBefore.size(), kHexDigits) != sha256_hex(body)) {
    return corrupt("sealed document does not match its checksum");
  }
  return body;
}

Result<Json> open_sealed_json(std::string_view bytes, const std::string& object) {
  CV_ASSIGN(const std::string_view body, sealed_body(bytes, object));
  Json document = Json::parse(std::string(body) + "}", nullptr, false);
  if (!document.is_object() || document.empty() || document.contains("self")) {
    return Error(ErrorCode::kCorrupt, "sealed document is not a JSON object", object);
  }
  return document;
}

}  // namespace changevault
