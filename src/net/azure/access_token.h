// Tokens of Microsoft Entra for Azure's services: what a request carries as `Authorization: Bearer`.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"

namespace changevault::azure {

// Scopes of the services; a resource is a scope without its "/.default".
inline constexpr const char* kStorageScope = "https://storage.azure.com/.default";

struct AccessToken {
  std::string value;  // a secret: never in a message
  Timestamp expires{};
};

// Thread-safe.
class TokenSource {
 public:
  virtual ~TokenSource() = default;
  // A token that is valid now. kUnreachable where none can be had; the message says what was tried.
  virtual Result<AccessToken> token(const std::string& scope) = 0;
};

// Keeps tokens and asks for the next one early: five minutes before the end, or at half of a life longer than
// two hours. While that fails, the standing token serves to its end, and is asked for again every 30 s.
class CachedTokens final : public TokenSource {
 public:
  // `clock` outlives it.
  CachedTokens(std::unique_ptr<TokenSource> inner, Clock& clock) : inner_(std::move(inner)), clock_(clock) {}
  Result<AccessToken> token(const std::string& scope) override;

 private:
  struct Kept {
    AccessToken token;
    Timestamp refresh{};
  };
  std::unique_ptr<TokenSource> inner_;
  Clock& clock_;
  Mutex mutex_;  // held while a token is fetched: others wait for the same one
  std::map<std::string, Kept> kept_ CV_GUARDED_BY(mutex_);
};

// The answer of a token endpoint, as every one of them writes it: `access_token` with `expires_in` (seconds)
// or `expires_on` (seconds since 1970), each a number or a text. kUnreachable for anything else, without the
// text.
Result<AccessToken> read_token(const std::string& json, Timestamp now);

}  // namespace changevault::azure
