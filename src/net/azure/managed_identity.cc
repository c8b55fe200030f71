// The identity that Azure gives to a machine, an app or an Arc server. Which service answers is told by the
// environment; where it says nothing, the metadata service of virtual machines is tried.
#include <algorithm>

#include "base/hash.h"
#include "base/retry.h"
#include "net/azure/entra_link.h"

namespace changevault::azure {
namespace {

constexpr const char* kMetadataHost = "http://169.254.169.254";
constexpr Duration kProbe = seconds(1);
constexpr std::size_t kLargestArcKey = 4096;
// Where the Arc agent keeps its keys; a challenge that names another file is not answered.
constexpr std::string_view kArcKeys = "/var/opt/azcmagent/tokens/";

class ManagedIdentityLink final : public EntraLink {
 public:
  explicit ManagedIdentityLink(EntraParts parts) : parts_(std::move(parts)) {}
  std::string name() const override { return "managed identity"; }

  Result<AccessToken> fetch(const std::string& scope) override {
    const std::string resource = resource_of(scope);
    const std::string endpoint = variable(parts_, "IDENTITY_ENDPOINT");
    const std::string older = variable(parts_, "MSI_ENDPOINT");
    if (!endpoint.empty() && !variable(parts_, "IDENTITY_HEADER").empty())
      return app_service(endpoint, resource);
    if (!older.empty() && !variable(parts_, "MSI_SECRET").empty()) return older_app_service(older, resource);
    if (!older.empty()) return cloud_shell(older, resource);
    if (!endpoint.empty() && !variable(parts_, "IMDS_ENDPOINT").empty()) return arc(endpoint, resource);
    return machine(resource);
  }

 private:
  // Which of several identities; empty: the machine's only or own one.
  std::string client() const { return variable(parts_, "AZURE_CLIENT_ID"); }

  static HttpRequest local(std::string url, std::vector<HttpHeader> headers) {
    HttpRequest request{"GET", std::move(url), std::move(headers)};
    request.direct = true;
    return request;
  }

  Result<AccessToken> app_service(const std::string& endpoint, const std::string& resource) {
    return ask_endpoint(
        parts_,
        local(endpoint + "?" +
                  form_text({{"api-version", "2019-08-01"}, {"resource", resource}, {"client_id", client()}}),
              {{"X-IDENTITY-HEADER", variable(parts_, "IDENTITY_HEADER")}}));
  }

  Result<AccessToken> older_app_service(const std::string& endpoint, const std::string& resource) {
    return ask_endpoint(
        parts_,
        local(endpoint + "?" +
                  form_text({{"api-version", "2017-09-01"}, {"resource", resource}, {"clientid", client()}}),
              {{"secret", variable(parts_, "MSI_SECRET")}}));
  }

  Result<AccessToken> cloud_shell(const std::string& endpoint, const std::string& resource) {
    const std::string body = form_text({{"resource", resource}});
    HttpRequest request =
        local(endpoint, {{"Metadata", "true"}, {"Content-Type", "application/x-www-form-urlencoded"}});
    request.method = "POST";
    request.body = body;
    return ask_endpoint(parts_, request);
  }

  // The agent answers first with the name of a file that only its group may read: who can is let in.
  Result<AccessToken> arc(const std::string& endpoint, const std::string& resource) {
    HttpRequest request =
        local(endpoint + "?" + form_text({{"api-version", "2019-11-01"}, {"resource", resource}}),
              {{"Metadata", "true"}});
    CV_ASSIGN(const HttpResponse challenge, parts_.http.send(request));
    if (challenge.status == 200) return read_token(challenge.body, parts_.clock.now());
    if (challenge.status != 401) return endpoint_error(challenge, request.url);
    CV_ASSIGN(const std::string key, arc_key(challenge));
    request.headers.push_back({"Authorization", "Basic " + key});
    return ask_endpoint(parts_, request);
  }

  static Result<std::string> arc_key(const HttpResponse& challenge) {
    constexpr std::string_view kRealm = "realm=";
    const std::string_view words = challenge.header("www-authenticate");
    const std::size_t at = words.find(kRealm);
    if (at == std::string_view::npos)
      return Error(ErrorCode::kUnreachable, "the Arc agent's challenge names no file");
    std::string path(words.substr(at + kRealm.size()));
    std::erase(path, '"');
    const bool known =
        path.starts_with(kArcKeys) && path.ends_with(".key") && path.find("..") == std::string::npos;
    if (!known)
      return Error(ErrorCode::kUnreachable, "the Arc agent's challenge names a file outside of its folder",
                   path);
    return read_credential_file(path, kLargestArcKey);
  }

  Result<AccessToken> machine(const std::string& resource) {
    std::string host = variable(parts_, "AZURE_POD_IDENTITY_AUTHORITY_HOST");
    if (host.empty()) host = kMetadataHost;
    while (host.ends_with('/')) host.pop_back();
    HttpRequest request =
        local(host + "/metadata/identity/oauth2/token?" +
                  form_text({{"api-version", "2018-02-01"}, {"resource", resource}, {"client_id", client()}}),
              {{"Metadata", "true"}});
    // Elsewhere than on a machine of Azure nobody answers, and people must not wait for that.
    request.connect_timeout = kProbe;
    Result<HttpResponse> first = parts_.http.send(request);
    if (!first) {
      return Error(ErrorCode::kNotFound,
                   "no metadata service answers at " + host.substr(host.find("//") + 2));
    }
    if (first->status == 200) return read_token(first->body, parts_.clock.now());
    if (!is_starting(first->status)) return endpoint_error(*first, request.url);
    // 410: the service is being updated and says so for up to 70 s.
    const RetryPolicy policy{milliseconds(800), seconds(16),
                             first->status == 410 ? seconds(90) : seconds(30)};
    return retry(policy, parts_.clock, parts_.random, {}, [&]() -> Result<AccessToken> {
      auto answer = parts_.http.send(request);
      if (!answer) return answer.error();
      if (answer->status == 200) return read_token(answer->body, parts_.clock.now());
      Error error = endpoint_error(*answer, request.url);
      error.retryable = is_starting(answer->status);
      return error;
    });
  }

  static bool is_starting(int status) {
    return status == 404 || status == 410 || status == 429 || status >= 500;
  }

  EntraParts parts_;
};

}  // namespace

std::unique_ptr<EntraLink> make_managed_identity_link(const EntraParts& parts) {
  return std::make_unique<ManagedIdentityLink>(parts);
}

}  // namespace changevault::azure
