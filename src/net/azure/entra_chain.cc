#include <algorithm>

#include "base/ascii.h"
#include "base/mutex.h"
#include "net/azure/entra_link.h"

namespace changevault::azure {
namespace {

class Chain final : public TokenSource {
 public:
  explicit Chain(std::vector<std::unique_ptr<EntraLink>> links) : links_(std::move(links)) {}

  Result<AccessToken> token(const std::string& scope) override {
    const MutexLock lock(mutex_);
    if (chosen_ != nullptr) return told(*chosen_, chosen_->fetch(scope));
    std::string reasons;
    bool retryable = false;
    Duration wait{};
    for (const auto& link : links_) {
      Result<AccessToken> token = link->fetch(scope);
      if (token) {
        chosen_ = link.get();
        return token;
      }
      const Error& error = token.error();
      reasons += (reasons.empty() ? "" : "; ") + link->name() + ": " + error.to_string();
      retryable |= error.retryable;
      wait = std::max(wait, error.retry_after);
    }
    Error error(
        ErrorCode::kUnreachable, "no Azure credential gives a token (" + reasons + ")", {},
        "log in with 'az login', or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET; for "
        "storage a "
        "key does as well: AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN or AZURE_STORAGE_CONNECTION_STRING",
        retryable);
    error.retry_after = wait;
    return error;
  }

 private:
  static Result<AccessToken> told(const EntraLink& link, Result<AccessToken> token) {
    if (token) return token;
    Error error = token.error();
    error.message = "the Azure credential '" + link.name() + "' gives no token: " + error.message;
    if (error.code == ErrorCode::kNotFound) error.code = ErrorCode::kUnreachable;
    return error;
  }

  Mutex mutex_;
  std::vector<std::unique_ptr<EntraLink>> links_ CV_GUARDED_BY(mutex_);
  EntraLink* chosen_ CV_GUARDED_BY(mutex_) = nullptr;
};

struct Known {
  const char* credential;  // its name in AZURE_TOKEN_CREDENTIALS
  bool production;
  std::unique_ptr<EntraLink> (*make)(const EntraParts&);
};
constexpr Known kKnown[] = {{"environmentcredential", true, make_environment_link},
                            {"workloadidentitycredential", true, make_workload_link},
                            {"managedidentitycredential", true, make_managed_identity_link},
                            {"azureclicredential", false, make_cli_link}};

}  // namespace

Result<std::unique_ptr<TokenSource>> make_entra_chain(const EntraParts& parts) {
  const std::string wanted = to_lower(variable(parts, "AZURE_TOKEN_CREDENTIALS"));
  std::vector<std::unique_ptr<EntraLink>> links;
  for (const Known& known : kKnown) {
    const bool taken = wanted.empty() || (wanted == "prod" && known.production) ||
                       (wanted == "dev" && !known.production) || wanted == known.credential;
    if (taken) links.push_back(known.make(parts));
  }
  if (links.empty()) {
    return Error(ErrorCode::kUsage, "AZURE_TOKEN_CREDENTIALS names no credential: " + wanted, {},
                 "prod, dev, EnvironmentCredential, WorkloadIdentityCredential, ManagedIdentityCredential or "
                 "AzureCliCredential");
  }
  return std::make_unique<CachedTokens>(std::make_unique<Chain>(std::move(links)), parts.clock);
}

}  // namespace changevault::azure
