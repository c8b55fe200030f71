// What fuzzers share.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/result.h"
#include "codec/json_text.h"

namespace changevault::fuzzing {

inline void require(bool holds) {
  if (!holds) std::abort();
}

// A decoder of our own files refuses bytes by these codes alone, and says which object and why.
inline void require_refusal(const Error& error, std::string_view object) {
  require(error.code == ErrorCode::kCorrupt || error.code == ErrorCode::kUsage);
  require(error.object.starts_with(object) && !error.message.empty());
}

// The text of a JSON object, byte for byte, with the checksum of a sealed document behind it in place of any
// that it has: so that what is read behind the checksum is reached.
inline std::string sealed(std::string_view text) {
  text = trim_json(text);
  const std::size_t self = text.rfind(R"(,"self":")");
  std::string body(
      text.substr(0, self == std::string_view::npos && text.ends_with('}') ? text.size() - 1 : self));
  return body + R"(,"self":")" + sha256_hex(body) + "\"}\n";
}

}  // namespace changevault::fuzzing
