// What the parts in Azure share: one HTTP client, one chain of credentials.
#pragma once

#include <map>
#include <memory>
#include <stop_token>
#include <string>

#include "base/mutex.h"
#include "net/azure/access_token.h"
#include "net/curl_client.h"
#include "service/drivers.h"
#include "store/object_store.h"

namespace changevault {

// Thread-safe. Lives longer than what it opens.
class AzureParts {
 public:
  // `version`: of the program, told to the services.
  AzureParts(Environment environment, const std::string& version, std::stop_token stop);

  // `scheme`: of the URL whose rest the request holds.
  Result<std::unique_ptr<ObjectStore>> open_store(const std::string& scheme, const OpenRequest& request);
  // Made when it is first needed: who has a key is not asked for more. Lives as long as this object.
  Result<azure::TokenSource*> tokens();
  HttpClient& http() { return http_; }

 private:
  const Environment environment_;
  const std::stop_token stop_;
  CurlClient http_;
  Mutex mutex_;
  std::unique_ptr<azure::TokenSource> tokens_ CV_GUARDED_BY(mutex_);
};

}  // namespace changevault
