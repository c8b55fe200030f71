#include "codec/oversize_pointer.h"

#include <charconv>

#include <fmt/format.h>

namespace changevault {
namespace {

constexpr std::string_view kStart = R"({"changevault_oversize":1,"key":")";
constexpr std::size_t kMostKeyBytes = 1024;
constexpr std::string_view kKeyBytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-";
constexpr std::string_view kHexDigits = "0123456789abcdef";

// Takes the longest run of `allowed` from the front of `text`.
std::string_view take_run(std::string_view& text, std::string_view allowed) {
  const std::string_view run = text.substr(0, text.find_first_not_of(allowed));
  text.remove_prefix(run.size());
  return run;
}

bool take(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

std::optional<std::int64_t> parse_count(std::string_view digits) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool whole = error == std::errc() && end == digits.data() + digits.size();
  const bool plain = whole && std::to_string(value) == digits;  // no zeros in front
  return plain ? std::optional(value) : std::nullopt;
}

}  // namespace

std::string encode_oversize(const OversizePointer& pointer) {
  return fmt::format(R"({}{}","bytes":{},"sha256":"{}"}})", kStart, pointer.key, pointer.bytes,
                     pointer.sha256);
}

std::optional<OversizePointer> parse_oversize(std::string_view payload) {
  if (!take(payload, kStart)) return std::nullopt;
  const std::string_view key = take_run(payload, kKeyBytes);
  if (key.empty() || key.size() > kMostKeyBytes || !take(payload, R"(","bytes":)")) return std::nullopt;
  const auto bytes = parse_count(take_run(payload, "0123456789"));
  if (!bytes || !take(payload, R"(,"sha256":")")) return std::nullopt;
  const std::string_view sha256 = take_run(payload, kHexDigits);
  if (sha256.size() != 64 || payload != R"("})") return std::nullopt;
  return OversizePointer{std::string(key), *bytes, std::string(sha256)};
}

}  // namespace changevault
