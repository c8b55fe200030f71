// HttpClient over libcurl: HTTP/1.1, connections kept and used again, TLS always verified, proxies as the
// environment's http_proxy, https_proxy and no_proxy have them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "net/http.h"

namespace changevault {

struct CurlOptions {
  Duration connect_timeout = seconds(10);
  // A request that moves fewer than 1,024 bytes a second for this long (whole seconds) is given up, as is one
  // that takes longer than `longest` in all.
  Duration stall_timeout = seconds(60);
  Duration longest = minutes(15);
  std::string ca_file = {};  // certificates to trust instead of the system's; empty: the system's
  std::string user_agent = "changevault";
};

// Thread-safe: each request takes a handle from a pool, so as many connections are open as requests ever ran
// at once.
class CurlClient final : public HttpClient {
 public:
  explicit CurlClient(CurlOptions options = {});
  ~CurlClient() override;
  Result<HttpResponse> send(const HttpRequest& request) override;

 private:
  class Handle;
  std::unique_ptr<Handle> take();
  void give_back(std::unique_ptr<Handle> handle);

  CurlOptions options_;
  Mutex mutex_;
  std::vector<std::unique_ptr<Handle>> idle_ CV_GUARDED_BY(mutex_);
};

}  // namespace changevault
