// Percent-encoding (RFC 3986) and what may be shown of a URL.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace changevault {

// Everything but A-Z a-z 0-9 - . _ ~ becomes %XX, upper-case hex.
std::string percent_encode(std::string_view text);
// The same, with '/' kept: a path.
std::string percent_encode_path(std::string_view path);
// The reverse; nullopt where a '%' is not followed by two hex digits. '+' stays '+'.
std::optional<std::string> percent_decode(std::string_view text);

// A URL without its query, which may hold a signature, and without user and password.
std::string shown_url(std::string_view url);

// A setting as it may be shown: what follows AccountKey=, SharedAccessKey=, SharedAccessSignature= and sig=
// becomes ***.
std::string without_secrets(std::string_view text);
bool holds_secret(std::string_view text);

}  // namespace changevault
