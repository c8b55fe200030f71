#include "net/url_text.h"

#include <algorithm>

#include "base/ascii.h"

namespace changevault {
namespace {

bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

std::string encoded(std::string_view text, bool keep_slashes) {
  constexpr const char* kHex = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c) || (keep_slashes && c == '/')) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// What a secret stands behind, in small letters, and what ends it.
struct SecretWord {
  std::string_view word;
  std::string_view end;
};
constexpr SecretWord kSecretWords[] = {
    {"accountkey=", ";"}, {"sharedaccesskey=", ";"}, {"sharedaccesssignature=", ";"}, {"sig=", "&;\"' "}};

}  // namespace

std::string percent_encode(std::string_view text) {
  return encoded(text, false);
}
std::string percent_encode_path(std::string_view path) {
  return encoded(path, true);
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::string shown_url(std::string_view url) {
  std::string out(url.substr(0, url.find_first_of("?#")));
  const std::size_t host = out.find("//");
  if (host == std::string::npos) return out;
  const std::size_t path = out.find('/', host + 2);
  const std::size_t at = out.rfind('@', path == std::string::npos ? path : path - 1);
  if (at != std::string::npos && at > host) out.erase(host + 2, at + 1 - (host + 2));
  return out;
}

std::string without_secrets(std::string_view text) {
  std::string out(text);
  for (const SecretWord& secret : kSecretWords) {
    std::size_t from = 0;
    for (std::size_t at = 0; (at = to_lower(out).find(secret.word, from)) != std::string::npos;) {
      const std::size_t begin = at + secret.word.size();
      const std::size_t end = std::min(out.find_first_of(secret.end, begin), out.size());
      if (end > begin) out.replace(begin, end - begin, "***");
      from = begin;
    }
  }
  return out;
}

bool holds_secret(std::string_view text) {
  return without_secrets(text) != text;
}

}  // namespace changevault
