#include "hub/kafka/event_hubs_management.h"

#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "base/retry.h"
#include "net/url_text.h"

namespace changevault::kafka {
namespace {

constexpr const char* kVersion = "api-version=2024-01-01";
constexpr RetryPolicy kRetry{milliseconds(500), seconds(10), seconds(60)};
// A list that goes on longer is no list of twenty (Standard) to a thousand (Dedicated) groups.
constexpr int kMostPages = 100;
constexpr const char* kIdHint =
    "set [hub] resource_id to what this prints: az eventhubs namespace show -g GROUP -n NAMESPACE --query id "
    "-o "
    "tsv";

// Where a namespace's cloud is managed, by the domain of its name.
std::string endpoint_of(const std::string& host) {
  if (host.ends_with(".usgovcloudapi.net")) return "https://management.usgovcloudapi.net";
  if (host.ends_with(".chinacloudapi.cn")) return "https://management.chinacloudapi.cn";
  return "https://management.azure.com";
}

class Management final : public GroupManagement {
 public:
  Management(const ManagementParts& parts, std::string endpoint, const std::string& hub)
      : parts_(parts),
        scope_(endpoint + "/.default"),
        endpoint_(std::move(endpoint)),
        base_(endpoint_ + percent_encode_path(parts.namespace_id) + "/eventhubs/" + percent_encode(hub) +
              "/consumergroups") {}

  Result<std::vector<std::string>> list() override {
    std::vector<std::string> out;
    std::string url = base_ + "?" + kVersion;
    for (int page = 0; page < kMostPages && !url.empty(); ++page) {
      CV_ASSIGN(const std::string text, ask("GET", url, {}, "cannot list the event hub's consumer groups"));
      CV_ASSIGN(url, read_page(text, out));
    }
    return out;
  }

  Result<void> create(const std::string& group) override {
    CV_TRY(ask("PUT", url_of(group), R"({"properties":{"userMetadata":"made by changevault"}})",
               "cannot make the consumer group '" + group + "'"));
    return {};
  }

  // The service answers 204 where there was none.
  Result<void> remove(const std::string& group) override {
    CV_TRY(ask("DELETE", url_of(group), {}, "cannot delete the consumer group '" + group + "'"));
    return {};
  }

 private:
  std::string url_of(const std::string& group) const {
    return base_ + "/" + percent_encode(group) + "?" + kVersion;
  }

  // The address of the next page; it has to be of the same service, as the token goes with it.
  Result<std::string> read_page(const std::string& text, std::vector<std::string>& into) const {
    const nlohmann::json page = nlohmann::json::parse(text, nullptr, false);
    if (!page.is_object() || !page.contains("value") || !page["value"].is_array())
      return Error(ErrorCode::kUnreachable, "the management service's answer is no list", endpoint_);
    for (const nlohmann::json& group : page["value"]) {
      if (group.is_object() && group.contains("name") && group["name"].is_string())
        into.push_back(group["name"].get<std::string>());
    }
    if (!page.contains("nextLink") || !page["nextLink"].is_string()) return std::string();
    std::string next = page["nextLink"].get<std::string>();
    if (!next.empty() && !next.starts_with(endpoint_ + "/"))
      return Error(ErrorCode::kUnreachable, "the management service's list goes on elsewhere", endpoint_);
    return next;
  }

  Result<std::string> ask(const std::string& method, const std::string& url, const std::string& body,
                          const std::string& wanted) {
    return retry(kRetry, parts_.clock, parts_.random, {},
                 [&] { return ask_once(method, url, body, wanted); });
  }

  Result<std::string> ask_once(const std::string& method, const std::string& url, const std::string& body,
                               const std::string& wanted) {
    CV_ASSIGN(const azure::AccessToken token, parts_.tokens.token(scope_));
    HttpRequest request{method, url, {{"Authorization", "Bearer " + token.value}}, body};
    if (!body.empty()) request.headers.push_back({"Content-Type", "application/json"});
    CV_ASSIGN(HttpResponse response, parts_.http.send(request));
    if (response.ok()) return std::move(response.body);
    const nlohmann::json answer = nlohmann::json::parse(response.body, nullptr, false);
    std::string said;
    if (answer.is_object() && answer.contains("error") && answer["error"].is_object())
      said = answer["error"].value("message", "");
    Error error(ErrorCode::kUnreachable,
                wanted + ": " + (said.empty() ? "status " + std::to_string(response.status) : said),
                endpoint_);
    error.retryable = response.status == 408 || response.status == 429 || response.status >= 500;
    error.retry_after = retry_after(response, parts_.clock.now());
    if (response.status == 403)
      error.hint =
          "the identity needs the role \"Contributor\" or \"Azure Event Hubs Data Owner\" on the namespace";
    if (response.status == 404) error.code = ErrorCode::kNotFound;
    return error;
  }

  const ManagementParts parts_;
  const std::string scope_;
  const std::string endpoint_;
  const std::string base_;
};

}  // namespace

Result<std::unique_ptr<GroupManagement>> open_management(const Settings& settings,
                                                         const ManagementParts& parts) {
  if (!settings.event_hubs)
    return Error(ErrorCode::kUsage, "--management is of Azure Event Hubs; this hub is " + settings.url, {},
                 "leave it away: Kafka knows one kind of group only");
  const std::string host = settings.servers.substr(0, settings.servers.rfind(':'));
  const std::string name = host.substr(0, host.find('.'));
  const std::string id = to_lower(parts.namespace_id);
  const std::string marker = "/providers/microsoft.eventhub/namespaces/";
  const std::size_t at = id.find(marker);
  if (!id.starts_with("/subscriptions/") || at == std::string::npos)
    return Error(ErrorCode::kUsage, "management needs the namespace's resource id", parts.namespace_id,
                 kIdHint);
  if (id.substr(at + marker.size()) != to_lower(name))
    return Error(ErrorCode::kUsage, "the resource id names another namespace than hub.url",
                 parts.namespace_id, kIdHint);
  const std::string endpoint = parts.endpoint.empty() ? endpoint_of(to_lower(host)) : parts.endpoint;
  return std::make_unique<Management>(parts, endpoint, settings.topic);
}

}  // namespace changevault::kafka
