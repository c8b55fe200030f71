// SHA-256 and MD5 (OpenSSL), whole and in pieces, and their lower-case hex.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace changevault {

using Sha256 = std::array<std::uint8_t, 32>;
using Md5 = std::array<std::uint8_t, 16>;

Sha256 sha256(std::string_view bytes);
Md5 md5(std::string_view bytes);
std::string sha256_hex(std::string_view bytes);

// Hash of bytes that come in pieces. `finish` once; then the object is spent. Not thread-safe.
class Hasher {
 public:
  enum class Kind { kSha256, kMd5 };
  explicit Hasher(Kind kind);
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  void update(std::string_view bytes);
  std::string finish_hex();
  std::string finish_bytes();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

std::string to_hex(std::string_view bytes);
std::string to_hex(std::uint64_t value);  // 16 digits
std::string to_base64(std::string_view bytes);
// Standard alphabet, padded; nullopt for anything else.
std::optional<std::string> from_base64(std::string_view text);

// HMAC-SHA256 (RFC 2104), 32 bytes.
std::string hmac_sha256(std::string_view key, std::string_view text);

}  // namespace changevault
