// Requests to one container, authorised; answers as they come.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "net/azure/access_token.h"
#include "net/http.h"
#include "store/azure/blob_place.h"
#include "store/azure/shared_key.h"

namespace changevault::azure {

struct BlobRequest {
  std::string method = "GET";
  enum class Of { kBlob, kContainer, kAccount } of = Of::kBlob;
  std::string key{};  // of a blob: behind the place's prefix
  QueryPairs query{};
  std::vector<HttpHeader> headers{};
  std::string_view body{};                                  // outlives the call
  std::function<bool(std::string_view)> on_body = nullptr;  // as HttpRequest's
};

// Thread-safe as `http`, `tokens` and `clock` are, which outlive it.
class BlobClient {
 public:
  // `tokens`: where the place has no key and no SAS; else nullptr.
  BlobClient(BlobPlace place, HttpClient& http, TokenSource* tokens, Clock& clock)
      : place_(std::move(place)), http_(http), tokens_(tokens), clock_(clock) {}

  const BlobPlace& place() const { return place_; }

  // Any answer of the service is a value. A read of a blob that the primary endpoint cannot answer now is
  // asked of the secondary, where there is one; only what it has counts, never its "not there".
  Result<HttpResponse> send(const BlobRequest& request);

  // What an answer other than the expected ones means, as an error: its code for people, what to do, and
  // whether to try again. kNotFound only for a blob that the service itself says is not there.
  Error error_of(const HttpResponse& response, const std::string& object) const;

 private:
  Result<HttpResponse> send_to(const std::string& endpoint, const BlobRequest& request);
  std::string hint_of(int status, std::string_view code, const HttpResponse& response) const;
  std::string path_of(const std::string& endpoint, const BlobRequest& request) const;

  BlobPlace place_;
  HttpClient& http_;
  TokenSource* tokens_;
  Clock& clock_;
};

// "BlobNotFound", "ConditionNotMet": of the header or the body; empty where the answer is not the service's
// own.
std::string error_code_of(const HttpResponse& response);

}  // namespace changevault::azure
