#include "net/azure/entra_link.h"

#include <cerrno>
#include <fstream>
#include <iterator>

#include <nlohmann/json.hpp>

#include "net/url_text.h"

namespace changevault::azure {
namespace {

constexpr std::size_t kLongestWords = 200;

// "AADSTS7000215: Invalid client secret provided." of a description of several lines.
std::string first_sentence(const std::string& text) {
  std::string out = text.substr(0, text.find_first_of("\r\n"));
  if (const std::size_t trace = out.find(" Trace ID:"); trace != std::string::npos) out.resize(trace);
  if (out.size() > kLongestWords) out = out.substr(0, kLongestWords) + "…";
  return out;
}

std::string own_words(const HttpResponse& response) {
  const auto json = nlohmann::json::parse(response.body, nullptr, false);
  if (!json.is_object()) return {};
  for (const char* name : {"error_description", "message", "error"}) {
    const auto found = json.find(name);
    if (found == json.end()) continue;
    if (found->is_string()) return first_sentence(found->get<std::string>());
    if (found->is_object() && found->contains("message") && (*found)["message"].is_string())
      return first_sentence((*found)["message"].get<std::string>());
  }
  return {};
}

bool may_answer_later(int status) {
  return status == 408 || status == 429 || status >= 500;
}

}  // namespace

std::string variable(const EntraParts& parts, const char* name) {
  const auto found = parts.environment.find(name);
  return found == parts.environment.end() ? std::string() : found->second;
}

std::string form_text(const FormFields& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    if (value.empty()) continue;
    out += (out.empty() ? "" : "&") + name + "=" + percent_encode(value);
  }
  return out;
}

std::string resource_of(const std::string& scope) {
  constexpr std::string_view kDefault = "/.default";
  return scope.ends_with(kDefault) ? scope.substr(0, scope.size() - kDefault.size()) : scope;
}

Error endpoint_error(const HttpResponse& response, const std::string& url) {
  const std::string words = own_words(response);
  Error error(ErrorCode::kUnreachable,
              "status " + std::to_string(response.status) + (words.empty() ? "" : ", " + words),
              shown_url(url), {}, may_answer_later(response.status));
  return error;
}

Result<AccessToken> ask_endpoint(const EntraParts& parts, const HttpRequest& request) {
  CV_ASSIGN(const HttpResponse response, parts.http.send(request));
  if (response.status == 200) return read_token(response.body, parts.clock.now());
  Error error = endpoint_error(response, request.url);
  error.retry_after = retry_after(response, parts.clock.now());
  return error;
}

std::string tenant_url(const EntraParts& parts, const std::string& tenant) {
  std::string authority = variable(parts, "AZURE_AUTHORITY_HOST");
  if (authority.empty()) authority = "https://login.microsoftonline.com/";
  if (!authority.ends_with('/')) authority += '/';
  return authority + percent_encode(tenant) + "/oauth2/v2.0/token";
}

Result<AccessToken> ask_tenant(const EntraParts& parts, const std::string& tenant, const FormFields& fields) {
  const std::string body = form_text(fields);
  HttpRequest request{
      "POST",
      tenant_url(parts, tenant),
      {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}}};
  request.body = body;
  return ask_endpoint(parts, request);
}

Result<std::string> read_credential_file(const std::string& path, std::size_t at_most) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return system_error(ErrorCode::kUnreachable, "cannot read the file", path, errno);
  std::string text(at_most + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return Error(ErrorCode::kUnreachable, "cannot read the file", path);
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > at_most)
    return Error(ErrorCode::kUnreachable, "the file is too large for what it should hold", path);
  return text;
}

}  // namespace changevault::azure
