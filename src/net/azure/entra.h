// Who we are for Azure when no key is given: the links that Microsoft's own libraries try, in their order and
// with their requests (DefaultAzureCredential):
//
//   environment        AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET or
//   AZURE_CLIENT_CERTIFICATE_PATH workload identity  AZURE_FEDERATED_TOKEN_FILE, read anew for every token
//   (Kubernetes) managed identity   App Service, its older form, Cloud Shell, Azure Arc, else the machine's
//   metadata service Azure CLI          whoever ran `az login`
//
// AZURE_TOKEN_CREDENTIALS narrows them: "prod" (the first three), "dev" (the last), or one credential's name.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "net/azure/access_token.h"
#include "net/http.h"

namespace changevault::azure {

// Runs a program without a shell and gives back what it wrote to stdout. kNotFound where there is no such
// program; kUnreachable where it failed, with the last line of its stderr, or took longer than `deadline`.
using CommandRunner =
    std::function<Result<std::string>(const std::vector<std::string>& argv, Duration deadline)>;

// Everything outlives what is made of it.
struct EntraParts {
  const std::map<std::string, std::string>& environment;
  HttpClient& http;
  Clock& clock;
  Random& random;
  CommandRunner run;
};

// One link of the chain. kNotFound: it is not set up here, which is no fault; anything else: it was tried and
// failed. Not thread-safe; the chain calls one at a time.
class EntraLink {
 public:
  virtual ~EntraLink() = default;
  virtual std::string name() const = 0;  // for people: "environment"
  virtual Result<AccessToken> fetch(const std::string& scope) = 0;
};

std::unique_ptr<EntraLink> make_environment_link(const EntraParts& parts);
std::unique_ptr<EntraLink> make_workload_link(const EntraParts& parts);
std::unique_ptr<EntraLink> make_managed_identity_link(const EntraParts& parts);
std::unique_ptr<EntraLink> make_cli_link(const EntraParts& parts);

// The chain, with its tokens kept. The first link that gives a token is kept to. Where none does, the error
// names every link that was tried and why it failed; it is retryable where one of them may answer later.
// kUsage for a word in AZURE_TOKEN_CREDENTIALS that names no link.
Result<std::unique_ptr<TokenSource>> make_entra_chain(const EntraParts& parts);

}  // namespace changevault::azure
