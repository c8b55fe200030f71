#include "base/hash.h"

#include <stdexcept>

#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace changevault {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

// Fetched once: OpenSSL 3 looks an algorithm up at every use otherwise, which costs more than hashing a short
// text.
const EVP_MD* algorithm(Hasher::Kind kind) {
  static const EVP_MD* const sha256_md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  static const EVP_MD* const md5_md = EVP_MD_fetch(nullptr, "MD5", nullptr);
  const EVP_MD* md = kind == Hasher::Kind::kSha256 ? sha256_md : md5_md;
  if (md == nullptr) throw std::runtime_error("OpenSSL has no SHA-256 or no MD5");
  return md;
}

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using ContextPointer = std::unique_ptr<EVP_MD_CTX, FreeContext>;

template <std::size_t N>
std::array<std::uint8_t, N> digest_of(std::string_view bytes, Hasher::Kind kind) {
  thread_local const ContextPointer context(EVP_MD_CTX_new());
  std::array<std::uint8_t, N> out{};
  unsigned length = 0;
  if (EVP_DigestInit_ex(context.get(), algorithm(kind), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), out.data(), &length) != 1 || length != N) {
    throw std::runtime_error("OpenSSL cannot compute a digest");
  }
  return out;
}

}  // namespace

Sha256 sha256(std::string_view bytes) {
  return digest_of<32>(bytes, Hasher::Kind::kSha256);
}
Md5 md5(std::string_view bytes) {
  return digest_of<16>(bytes, Hasher::Kind::kMd5);
}

std::string sha256_hex(std::string_view bytes) {
  const Sha256 hash = sha256(bytes);
  return to_hex(std::string_view(reinterpret_cast<const char*>(hash.data()), hash.size()));
}

struct Hasher::Context {
  ContextPointer md{EVP_MD_CTX_new()};
};

Hasher::Hasher(Kind kind) : context_(std::make_unique<Context>()) {
  if (context_->md == nullptr || EVP_DigestInit_ex(context_->md.get(), algorithm(kind), nullptr) != 1) {
    throw std::runtime_error("OpenSSL cannot start a digest");
  }
}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::update(std::string_view bytes) {
  EVP_DigestUpdate(context_->md.get(), bytes.data(), bytes.size());
}

std::string Hasher::finish_bytes() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned length = 0;
  EVP_DigestFinal_ex(context_->md.get(), out.data(), &length);
  return std::string(reinterpret_cast<const char*>(out.data()), length);
}

std::string Hasher::finish_hex() {
  return to_hex(finish_bytes());
}

std::string to_hex(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(kHexDigits[byte >> 4]);
    out.push_back(kHexDigits[byte & 15]);
  }
  return out;
}

std::string to_hex(std::uint64_t value) {
  std::string out(16, '0');
  for (int i = 15; i >= 0; --i, value >>= 4) out[static_cast<std::size_t>(i)] = kHexDigits[value & 15];
  return out;
}

std::string to_base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4, '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                  reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  for (const char c : text.substr(0, text.size() - padding)) {  // the library would skip white space
    const bool digit =
        (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
    if (!digit) return std::nullopt;
  }
  std::string out(text.size() / 4 * 3, '\0');
  const int length =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (length < 0) return std::nullopt;
  out.resize(static_cast<std::size_t>(length) - padding);
  return out;
}

std::string hmac_sha256(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned length = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(),
           &length) == nullptr) {
    throw std::runtime_error("OpenSSL cannot compute an HMAC");
  }
  return std::string(reinterpret_cast<const char*>(out.data()), length);
}

}  // namespace changevault
