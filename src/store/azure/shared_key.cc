#include "store/azure/shared_key.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/hash.h"

namespace changevault::azure {
namespace {

std::string_view value_of(const SignedRequest& request, std::string_view name) {
  for (const HttpHeader& header : request.headers) {
    if (to_lower(header.name) == name) return header.value;
  }
  return {};
}

std::string canonical_headers(const SignedRequest& request) {
  std::vector<std::pair<std::string, std::string>> own;
  for (const HttpHeader& header : request.headers) {
    std::string name = to_lower(header.name);
    if (name.starts_with("x-ms-")) own.emplace_back(std::move(name), header.value);
  }
  std::ranges::sort(own);
  std::string out;
  for (const auto& [name, value] : own) out.append(name).append(":").append(value).append("\n");
  return out;
}

std::string canonical_resource(const std::string& account, const SignedRequest& request) {
  std::string out = "/" + account + std::string(request.path);
  std::vector<std::pair<std::string, std::string>> query;
  for (const auto& [name, value] : request.query) query.emplace_back(to_lower(name), value);
  std::ranges::sort(query);
  for (std::size_t i = 0; i < query.size(); ++i) {
    const bool again = i > 0 && query[i].first == query[i - 1].first;
    out += again ? "," + query[i].second : "\n" + query[i].first + ":" + query[i].second;
  }
  return out;
}

}  // namespace

std::string string_to_sign(const std::string& account, const SignedRequest& request) {
  const std::string length = request.body_bytes == 0 ? std::string() : std::to_string(request.body_bytes);
  std::string out = std::string(request.method) + "\n";
  // The line of Date stays empty: x-ms-date takes its place.
  for (const char* name : {"content-encoding", "content-language"})
    out += std::string(value_of(request, name)) + "\n";
  out += length + "\n";
  for (const char* name : {"content-md5", "content-type"}) out += std::string(value_of(request, name)) + "\n";
  out += "\n";
  for (const char* name : {"if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range"})
    out += std::string(value_of(request, name)) + "\n";
  return out + canonical_headers(request) + canonical_resource(account, request);
}

std::string shared_key_authorization(const std::string& account, std::string_view key,
                                     const SignedRequest& request) {
  return "SharedKey " + account + ":" + to_base64(hmac_sha256(key, string_to_sign(account, request)));
}

}  // namespace changevault::azure
