#include "net/azure/client_assertion.h"

#include <memory>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/hash.h"

namespace changevault::azure {
namespace {

using Json = nlohmann::ordered_json;

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;

std::string to_base64url(std::string_view bytes) {
  std::string out = to_base64(bytes);
  while (!out.empty() && out.back() == '=') out.pop_back();
  for (char& c : out) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  return out;
}

Bio reader(const std::string& pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

int no_password(char*, int, int, void*) {
  return -1;
}

std::string der_of(X509* certificate) {
  unsigned char* bytes = nullptr;
  const int length = i2d_X509(certificate, &bytes);
  if (length <= 0) return {};
  std::string der(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
  OPENSSL_free(bytes);
  return der;
}

std::string sha1_of(X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned length = 0;
  if (X509_digest(certificate, EVP_sha1(), hash.data(), &length) != 1) return {};
  return {reinterpret_cast<const char*>(hash.data()), length};
}

Result<std::string> sign(EVP_PKEY* key, const std::string& text) {
  const Digest digest(EVP_MD_CTX_new());
  std::size_t length = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  if (EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key) != 1 ||
      EVP_DigestSign(digest.get(), nullptr, &length, bytes, text.size()) != 1) {
    return Error(ErrorCode::kUsage, "the certificate's key cannot sign");
  }
  std::string signature(length, '\0');
  if (EVP_DigestSign(digest.get(), reinterpret_cast<unsigned char*>(signature.data()), &length, bytes,
                     text.size()) != 1)
    return Error(ErrorCode::kUsage, "the certificate's key cannot sign");
  signature.resize(length);
  return signature;
}

std::string upper_hex(std::string_view bytes) {
  std::string out = to_hex(bytes);
  for (char& c : out) {
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

}  // namespace

Result<std::string> sign_client_assertion(const ClientAssertion& assertion, const std::string& pem) {
  const Certificate certificate(PEM_read_bio_X509(reader(pem).get(), nullptr, no_password, nullptr));
  const Key key(PEM_read_bio_PrivateKey(reader(pem).get(), nullptr, no_password, nullptr));
  if (certificate == nullptr || key == nullptr || EVP_PKEY_base_id(key.get()) != EVP_PKEY_RSA) {
    return Error(ErrorCode::kUsage, "the file holds no certificate with an RSA key that needs no password",
                 {}, "a .pfx is turned into one by: openssl pkcs12 -in cert.pfx -out cert.pem -nodes");
  }
  const std::string thumbprint = sha1_of(certificate.get());
  Json header = {
      {"x5t", to_base64url(thumbprint)}, {"kid", upper_hex(thumbprint)}, {"alg", "RS256"}, {"typ", "JWT"}};
  if (assertion.with_chain) header["x5c"] = Json::array({to_base64(der_of(certificate.get()))});
  const std::int64_t now = assertion.now.ms / 1000;
  const Json claims = {{"aud", assertion.audience},
                       {"iss", assertion.client_id},
                       {"sub", assertion.client_id},
                       {"jti", assertion.jwt_id},
                       {"nbf", now},
                       {"exp", now + 600}};
  const std::string text = to_base64url(header.dump()) + "." + to_base64url(claims.dump());
  CV_ASSIGN(const std::string signature, sign(key.get(), text));
  return text + "." + to_base64url(signature);
}

}  // namespace changevault::azure
