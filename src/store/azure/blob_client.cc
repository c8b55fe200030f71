#include "store/azure/blob_client.h"

#include <algorithm>
#include <cstring>

#include <pugixml.hpp>

#include "net/url_text.h"

namespace changevault::azure {
namespace {

// Known to Azure and to its emulator; nothing newer is needed (docs/azure.md).
constexpr const char* kServiceVersion = "2021-12-02";
constexpr Duration kMostSkew = minutes(15);  // what the service puts up with

bool may_answer_later(int status, std::string_view code) {
  return status == 408 || status == 429 || status >= 500 || code == "ContainerBeingDeleted";
}

bool is_read(const BlobRequest& request) {
  return request.of == BlobRequest::Of::kBlob && (request.method == "GET" || request.method == "HEAD");
}

std::string query_text(const QueryPairs& query) {
  std::string out;
  for (const auto& [name, value] : query)
    out += (out.empty() ? "" : "&") + percent_encode(name) + "=" + percent_encode(value);
  return out;
}

// Not ResourceNotFound: that is also said to who may not know whether there is one.
bool is_blob_missing(std::string_view code) {
  return code == "BlobNotFound" || code == "PathNotFound";
}

bool is_container_missing(std::string_view code) {
  return code == "ContainerNotFound" || code == "FilesystemNotFound";
}

}  // namespace

std::string error_code_of(const HttpResponse& response) {
  const std::string_view header = response.header("x-ms-error-code");
  if (!header.empty()) return std::string(header);
  pugi::xml_document document;
  if (!document.load_buffer(response.body.data(), response.body.size())) return {};
  return document.child("Error").child("Code").text().as_string();
}

std::string BlobClient::path_of(const std::string& endpoint, const BlobRequest& request) const {
  const std::size_t host = endpoint.find("//");
  const std::size_t slash = host == std::string::npos ? host : endpoint.find('/', host + 2);
  std::string path = slash == std::string::npos ? std::string() : endpoint.substr(slash);
  if (request.of == BlobRequest::Of::kAccount) return path + "/";
  path += "/" + percent_encode(place_.container);
  if (request.of == BlobRequest::Of::kBlob) path += "/" + percent_encode_path(place_.prefix + request.key);
  return path;
}

Result<HttpResponse> BlobClient::send_to(const std::string& endpoint, const BlobRequest& request) {
  const std::string path = path_of(endpoint, request);
  const std::size_t host = endpoint.find("//");
  const std::size_t slash = host == std::string::npos ? host : endpoint.find('/', host + 2);
  HttpRequest out{request.method, endpoint.substr(0, slash) + path, request.headers};
  out.body = request.body;
  out.on_body = request.on_body;
  const std::string query = query_text(request.query);
  if (!query.empty()) out.url += "?" + query;
  out.headers.push_back({"x-ms-date", to_http_date(clock_.now())});
  out.headers.push_back({"x-ms-version", kServiceVersion});
  if (!place_.account_key.empty()) {
    const SignedRequest to_sign{request.method, path, request.query, out.headers, request.body.size()};
    out.headers.push_back(
        {"Authorization", shared_key_authorization(place_.account, place_.account_key, to_sign)});
  } else if (!place_.sas.empty()) {
    out.url += (query.empty() ? "?" : "&") + place_.sas;
  } else if (tokens_ != nullptr) {
    CV_ASSIGN(const AccessToken token, tokens_->token(kStorageScope));
    out.headers.push_back({"Authorization", "Bearer " + token.value});
  }
  return http_.send(out);
}

Result<HttpResponse> BlobClient::send(const BlobRequest& request) {
  if (place_.secondary.empty() || !is_read(request)) return send_to(place_.endpoint, request);
  BlobRequest watched = request;
  bool begun = false;  // some of the body was given away: it cannot begin again
  if (request.on_body) {
    watched.on_body = [&](std::string_view bytes) {
      begun = true;
      return request.on_body(bytes);
    };
  }
  Result<HttpResponse> first = send_to(place_.endpoint, watched);
  if (begun) return first;
  const bool failed =
      first ? may_answer_later(first->status, error_code_of(*first)) : first.error().retryable;
  if (!failed) return first;
  Result<HttpResponse> second = send_to(place_.secondary, request);
  return second && second->ok() ? std::move(second) : std::move(first);
}

Error BlobClient::error_of(const HttpResponse& response, const std::string& object) const {
  const std::string code = error_code_of(response);
  if (response.status == 404 && is_blob_missing(code))
    return Error(ErrorCode::kNotFound, "no such object", object);
  const std::string words =
      "the store answers " + std::to_string(response.status) + (code.empty() ? "" : " " + code);
  Error error(ErrorCode::kUnreachable, words, object, hint_of(response.status, code, response),
              may_answer_later(response.status, code));
  error.retry_after = retry_after(response, clock_.now());
  return error;
}

std::string BlobClient::hint_of(int status, std::string_view code, const HttpResponse& response) const {
  if (is_container_missing(code))
    return "there is no container " + place_.container + " in " + place_.account +
           "; make it with: changevault init (or correct store.url)";
  if (code == "BlobArchived" || code == "BlobBeingRehydrated")
    return "the blob is in the archive tier: bring it back with az storage blob set-tier --tier Hot (takes "
           "hours), then "
           "run this again";
  if (status == 404 && code.empty())
    return "the answer is not one of Azure Blob storage; check store.url and proxies";
  if (status >= 300 && status < 400) return "a redirect is not followed; check store.url and proxies";
  if (status != 401 && status != 403) return {};
  const auto theirs = date_of(response);
  if (theirs && std::abs((clock_.now() - *theirs).ms) > kMostSkew.ms)
    return "this machine's clock and the store's differ by more than 15 minutes: correct it (NTP)";
  std::string hint;
  if (!place_.sas.empty()) {
    hint =
        "the SAS may be expired or lack a right: reading needs r and l, archiving c or w as well, repair "
        "also d";
  } else if (!place_.account_key.empty()) {
    hint = "the account key may be of another account, rotated, or keys may be switched off for this account";
  } else {
    hint =
        "give this identity the role Storage Blob Data Contributor (to read alone: Storage Blob Data "
        "Reader); a new "
        "role needs some minutes";
  }
  if (!place_.note.empty()) hint += "; " + place_.note;
  return hint;
}

}  // namespace changevault::azure
