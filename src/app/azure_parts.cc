#include "app/azure_parts.h"

#include "app/secret_file.h"
#include "base/command.h"
#include "base/mutex.h"
#include "net/azure/entra.h"
#include "store/azure/azure_store.h"
#include "store/retrying_store.h"

namespace changevault {
namespace {

// A store beyond a network is waited for longer than a disk.
constexpr RetryPolicy kRetry{milliseconds(800), seconds(30), minutes(2)};

CurlOptions curl_options(const Environment& environment, const std::string& version) {
  CurlOptions options;
  options.user_agent = "changevault/" + version;
  const auto file = environment.find("SSL_CERT_FILE");
  if (file != environment.end()) options.ca_file = file->second;
  return options;
}

}  // namespace

AzureParts::AzureParts(Environment environment, const std::string& version, std::stop_token stop)
    : environment_(std::move(environment)),
      stop_(std::move(stop)),
      http_(curl_options(environment_, version)) {}

Result<azure::TokenSource*> AzureParts::tokens() {
  const MutexLock lock(mutex_);
  if (!tokens_) {
    CV_ASSIGN(tokens_,
              azure::make_entra_chain({environment_, http_, system_clock(), system_random(), run_command}));
  }
  return tokens_.get();
}

Result<std::unique_ptr<ObjectStore>> AzureParts::open_store(const std::string& scheme,
                                                            const OpenRequest& request) {
  CV_ASSIGN(const std::string secret,
            read_secret_file(request.configuration.store.secret_file, "store.secret_file",
                             "a connection string, a SAS or an account key"));
  CV_ASSIGN(azure::BlobPlace place,
            azure::find_blob_place(scheme + ":" + request.place, environment_, secret, request.beside));
  azure::TokenSource* source = nullptr;
  if (place.account_key.empty() && place.sas.empty()) {
    CV_ASSIGN(source, tokens());
  }
  auto store = std::make_unique<AzureStore>(std::move(place), http_, source, request.clock, request.random);
  if (request.mode == OpenMode::kCreate) {
    CV_TRY(retry(kRetry, request.clock, request.random, stop_, [&] { return store->create_container(); }));
  }
  RetryingStoreOptions options{.policy = kRetry, .stop = stop_, .on_wait = request.notice};
  return std::make_unique<RetryingStore>(std::move(store), request.clock, request.random, std::move(options));
}

}  // namespace changevault
