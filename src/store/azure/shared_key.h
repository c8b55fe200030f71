// Signing of requests with an account's key: "Authorize with Shared Key", Blob service, version 2015-02-21
// and later.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/http.h"

namespace changevault::azure {

using QueryPairs = std::vector<std::pair<std::string, std::string>>;  // names and values, not encoded

struct SignedRequest {
  std::string_view method;
  std::string_view path;  // of the URL, percent-encoded as it is sent, with its leading '/'
  const QueryPairs& query;
  const std::vector<HttpHeader>& headers;  // everything that is signed stands in them, x-ms-date included
  std::size_t body_bytes = 0;
};

// The text that is signed.
std::string string_to_sign(const std::string& account, const SignedRequest& request);

// The value of the header Authorization.
std::string shared_key_authorization(const std::string& account, std::string_view key,
                                     const SignedRequest& request);

}  // namespace changevault::azure
