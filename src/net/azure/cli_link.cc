// Whoever is logged in with the Azure CLI.
#include <ctime>

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
    plain["expires_on"] = json.contains("expires_on") ? json["expires_on"] : nlohmann::json(local_time(json));
    return read_token(plain.dump(), parts_.clock.now());
  }

  // Versions before 2.54 give a local time without a zone alone: "2025-01-15 14:03:07.000000". The CLI ran
  // here, so its zone is ours.
  static std::int64_t local_time(const nlohmann::json& json) {
    const auto found = json.find("expiresOn");
    if (found == json.end() || !found->is_string()) return 0;
    std::tm time{};
    if (::strptime(found->get_ref<const std::string&>().c_str(), "%Y-%m-%d %H:%M:%S", &time) == nullptr)
      return 0;
    time.tm_isdst = -1;
    return std::mktime(&time);
  }

  EntraParts parts_;
};

}  // namespace

std::unique_ptr<EntraLink> make_cli_link(const EntraParts& parts) {
  return std::make_unique<CliLink>(parts);
}

}  // namespace changevault::azure
