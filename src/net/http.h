// HTTP as values: one request, one answer. The driver is curl_client.h; tests script one of their own.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace changevault {

struct HttpHeader {
  std::string name;
  std::string value;
  bool operator==(const HttpHeader&) const = default;
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;  // absolute, percent-encoded; sent as it stands, dots included
  std::vector<HttpHeader> headers{};
  std::string_view body{};     // outlives the call
  Duration connect_timeout{};  // zero: the client's own
  bool direct = false;         // past every proxy: for services of this machine
  // Where given, the body of an answer of 2xx goes here as it comes, and not into the response; false ends
  // the request. Called on the thread that sends.
  std::function<bool(std::string_view)> on_body = nullptr;
};

struct HttpResponse {
  int status = 0;
  std::vector<HttpHeader> headers;  // names in lower case
  std::string body;

  // The value of the first header of that name (lower case); empty where there is none.
  std::string_view header(std::string_view name) const;
  bool ok() const { return status >= 200 && status < 300; }
};

// Thread-safe. No redirect is followed and nothing is tried again.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // Any answer is a value, whatever its status. kUnreachable where there was none, or only a part of one:
  // retryable unless it cannot change by itself (a certificate nobody vouches for). The request may have had
  // its effect all the same. Errors name the URL without its query, which may hold a secret.
  virtual Result<HttpResponse> send(const HttpRequest& request) = 0;
};

// How long an answer asks us to wait before the next request: `retry-after-ms`, `x-ms-retry-after-ms`
// (milliseconds), or `Retry-After` (seconds, or a date: then counted from `now`). Zero where it says nothing;
// at most an hour.
Duration retry_after(const HttpResponse& response, Timestamp now);

// The answer's `Date`; nullopt where it has none.
std::optional<Timestamp> date_of(const HttpResponse& response);

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7).
std::string to_http_date(Timestamp time);
std::optional<Timestamp> parse_http_date(std::string_view text);

}  // namespace changevault
