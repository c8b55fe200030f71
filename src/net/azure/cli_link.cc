// Whoever is logged in with the Azure CLI.
#include <nlohmann/json.hpp>

#include "net/azure/entra_link.h"

namespace changevault::azure {
namespace {

constexpr Duration kDeadline = seconds(30);

class CliLink final : public EntraLink {
 public:
  explicit CliLink(EntraParts parts) : parts_(std::move(parts)) {}
  std::string name() const override { return "Azure CLI"; }

  Result<AccessToken> fetch(const std::string& scope) override {
    if (!parts_.run) return Error(ErrorCode::kNotFound, "not asked");
    std::vector<std::string> argv{"az", "account", "get-access-token", "--output", "json", "--scope", scope};
    if (const std::string tenant = variable(parts_, "AZURE_TENANT_ID"); !tenant.empty())
      argv.insert(argv.end(), {"--tenant", tenant});
    auto answer = parts_.run(argv, kDeadline);
    if (!answer) {
      if (answer.error().code == ErrorCode::kNotFound)
        return Error(ErrorCode::kNotFound, "az is not installed");
      return answer.error();
    }
    return read(*answer);
  }

 private:
  Result<AccessToken> read(const std::string& text) const {
    auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object() || !json.contains("accessToken"))
      return Error(ErrorCode::kUnreachable, "az account get-access-token printed no token");
    nlohmann::json plain = {{"access_token", json["accessToken"]}};
    // `expiresOn` of older versions is a local time without a zone: such a token is used once and asked for
    // again.
    plain["expires_on"] =
        json.contains("expires_on") ? json["expires_on"] : nlohmann::json(parts_.clock.now().ms / 1000 + 60);
    return read_token(plain.dump(), parts_.clock.now());
  }

  EntraParts parts_;
};

}  // namespace

std::unique_ptr<EntraLink> make_cli_link(const EntraParts& parts) {
  return std::make_unique<CliLink>(parts);
}

}  // namespace changevault::azure
