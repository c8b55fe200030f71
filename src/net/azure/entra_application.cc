// The links of an application: a secret or a certificate of the environment, or a workload's federated token.
#include "net/azure/client_assertion.h"
#include "net/azure/entra_link.h"

namespace changevault::azure {
namespace {

constexpr const char* kAssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

Error not_set(const std::string& what) {
  return Error(ErrorCode::kNotFound, what + " is not set");
}

class EnvironmentLink final : public EntraLink {
 public:
  explicit EnvironmentLink(EntraParts parts) : parts_(std::move(parts)) {}
  std::string name() const override { return "environment"; }

  Result<AccessToken> fetch(const std::string& scope) override {
    const std::string tenant = variable(parts_, "AZURE_TENANT_ID");
    const std::string client = variable(parts_, "AZURE_CLIENT_ID");
    const std::string secret = variable(parts_, "AZURE_CLIENT_SECRET");
    const std::string certificate = variable(parts_, "AZURE_CLIENT_CERTIFICATE_PATH");
    if (tenant.empty()) return not_set("AZURE_TENANT_ID");
    if (client.empty()) return not_set("AZURE_CLIENT_ID");
    FormFields fields{{"grant_type", "client_credentials"}, {"client_id", client}};
    if (!secret.empty()) {
      fields.emplace_back("client_secret", secret);
    } else if (!certificate.empty()) {
      CV_ASSIGN(const std::string assertion, assertion_of(tenant, client, certificate));
      fields.emplace_back("client_assertion_type", kAssertionType);
      fields.emplace_back("client_assertion", assertion);
    } else {
      return not_set("neither AZURE_CLIENT_SECRET nor AZURE_CLIENT_CERTIFICATE_PATH");
    }
    fields.emplace_back("scope", scope);
    return ask_tenant(parts_, tenant, fields);
  }

 private:
  Result<std::string> assertion_of(const std::string& tenant, const std::string& client,
                                   const std::string& path) {
    CV_ASSIGN(const std::string pem, read_credential_file(path));
    const std::string chain = variable(parts_, "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN");
    auto signed_one = sign_client_assertion({tenant_url(parts_, tenant), client, parts_.random.nonce(),
                                             parts_.clock.now(), chain == "1" || chain == "true"},
                                            pem);
    if (signed_one) return signed_one;
    Error error = signed_one.error();
    error.object = path;
    return error;
  }

  EntraParts parts_;
};

class WorkloadLink final : public EntraLink {
 public:
  explicit WorkloadLink(EntraParts parts) : parts_(std::move(parts)) {}
  std::string name() const override { return "workload identity"; }

  Result<AccessToken> fetch(const std::string& scope) override {
    const std::string tenant = variable(parts_, "AZURE_TENANT_ID");
    const std::string client = variable(parts_, "AZURE_CLIENT_ID");
    const std::string file = variable(parts_, "AZURE_FEDERATED_TOKEN_FILE");
    if (file.empty()) return not_set("AZURE_FEDERATED_TOKEN_FILE");
    if (tenant.empty()) return not_set("AZURE_TENANT_ID");
    if (client.empty()) return not_set("AZURE_CLIENT_ID");
    CV_ASSIGN(std::string assertion, read_credential_file(file));
    while (!assertion.empty() && (assertion.back() == '\n' || assertion.back() == '\r')) assertion.pop_back();
    return ask_tenant(parts_, tenant,
                      {{"grant_type", "client_credentials"},
                       {"client_id", client},
                       {"client_assertion_type", kAssertionType},
                       {"client_assertion", assertion},
                       {"scope", scope}});
  }

 private:
  EntraParts parts_;
};

}  // namespace

std::unique_ptr<EntraLink> make_environment_link(const EntraParts& parts) {
  return std::make_unique<EnvironmentLink>(parts);
}
std::unique_ptr<EntraLink> make_workload_link(const EntraParts& parts) {
  return std::make_unique<WorkloadLink>(parts);
}

}  // namespace changevault::azure
