#include "store/azure/blob_place.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/ascii.h"
#include "base/hash.h"
#include "net/url_text.h"

namespace changevault::azure {
namespace {

using Environment = std::map<std::string, std::string>;

constexpr const char* kForms =
    "write azure://ACCOUNT/CONTAINER/prefix, abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/prefix, "
    "https://ACCOUNT.blob.core.windows.net/CONTAINER, or a connection string with Container=NAME";
// The emulators' account and key, published by Microsoft.
constexpr const char* kEmulatorAccount = "devstoreaccount1";
constexpr const char* kEmulatorKey =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
constexpr const char* kEmulatorHost = "http://127.0.0.1:10000";

std::string_view without_slashes(std::string_view text) {
  while (text.starts_with('/')) text.remove_prefix(1);
  while (text.ends_with('/')) text.remove_suffix(1);
  return text;
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  return text;
}

std::string variable(const Environment& environment, const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : trimmed(found->second);
}

std::string value_of(const ConnectionString& pairs, const char* name) {
  const auto found = pairs.find(name);
  return found == pairs.end() ? std::string() : found->second;
}

bool is_true(const std::string& text) {
  return to_lower(text) == "true";
}

Error wrong_url(const std::string& what) {
  return Error(ErrorCode::kUsage, "store.url: " + what, {}, kForms);
}

Result<std::string> decoded_key(const std::string& text) {
  auto key = from_base64(text);
  if (key && !key->empty()) return *key;
  return Error(ErrorCode::kUsage, "the account key is not base64", {},
               "copy it whole, with the == at its end: az storage account keys list --account-name ACCOUNT");
}

std::string sas_of(std::string_view text) {
  if (text.starts_with('?')) text.remove_prefix(1);
  return std::string(text);
}

bool is_address(std::string_view host) {
  return host.starts_with('[') || host.find_first_not_of("0123456789.") == std::string_view::npos;
}

// A name such as 127.example.com is none.
bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "[::1]" || (host.starts_with("127.") && is_address(host));
}

// "scheme://host[:port]" and the path behind it.
struct SplitUrl {
  std::string scheme;
  std::string authority;
  std::string host;
  std::string path;
  std::string query;
};
Result<SplitUrl> split(const std::string& url) {
  SplitUrl out;
  const std::size_t colon = url.find("://");
  if (colon == std::string::npos) return wrong_url("this is no address of a container");
  out.scheme = to_lower(url.substr(0, colon));
  std::string_view rest = std::string_view(url).substr(colon + 3);
  rest = rest.substr(0, rest.find('#'));
  if (const std::size_t mark = rest.find('?'); mark != std::string_view::npos) {
    out.query = std::string(rest.substr(mark + 1));
    rest = rest.substr(0, mark);
  }
  const std::size_t slash = rest.find('/');
  out.authority = std::string(rest.substr(0, slash));
  const std::string_view bare = std::string_view(out.authority).substr(out.authority.rfind('@') + 1);
  out.host =
      to_lower(bare.starts_with('[') ? bare.substr(0, bare.find(']') + 1) : bare.substr(0, bare.find(':')));
  if (slash != std::string_view::npos) out.path = std::string(without_slashes(rest.substr(slash)));
  if (out.authority.empty()) return wrong_url("the account is missing");
  return out;
}

// The first part of a path, taken away from it.
std::string take_part(std::string& path) {
  const std::size_t slash = path.find('/');
  std::string part = path.substr(0, slash);
  path = slash == std::string::npos ? std::string() : std::string(without_slashes(path.substr(slash)));
  return part;
}

Result<void> set_prefix(BlobPlace& place, std::string_view path) {
  const auto plain = percent_decode(without_slashes(path));
  if (!plain) return wrong_url("a % is not followed by two hex digits");
  place.prefix = plain->empty() ? std::string() : *plain + "/";
  return {};
}

Result<BlobPlace> from_azure(SplitUrl url) {
  BlobPlace place;
  place.account = url.authority;
  place.container = take_part(url.path);
  CV_TRY(set_prefix(place, url.path));
  return place;
}

// container@account.dfs.core.windows.net
Result<BlobPlace> from_abfs(const SplitUrl& url) {
  const std::size_t at = url.authority.find('@');
  const std::size_t dot = url.host.find('.');
  if (at == std::string::npos || dot == std::string::npos || !url.host.substr(dot).starts_with(".dfs."))
    return wrong_url("an abfss address names a container and an account");
  BlobPlace place;
  place.container = url.authority.substr(0, at);
  place.account = url.host.substr(0, dot);
  place.endpoint = "https://" + place.account + ".blob." + url.host.substr(dot + 5);
  CV_TRY(set_prefix(place, url.path));
  return place;
}

Result<BlobPlace> from_http(SplitUrl url) {
  if (url.authority.find('@') != std::string::npos) return wrong_url("an https address holds no user name");
  if (url.scheme == "http" && !is_loopback(url.host))
    return wrong_url("plain http is for emulators on this machine only");
  BlobPlace place;
  const std::string port = url.authority.substr(url.host.size());
  const std::size_t dot = url.host.find('.');
  if (is_loopback(url.host) || is_address(url.host)) {
    place.account = take_part(url.path);
    place.endpoint = url.scheme + "://" + url.authority + "/" + place.account;
  } else {
    place.account = url.host.substr(0, dot);
    std::string host = url.host;
    if (dot != std::string::npos && host.substr(dot).starts_with(".dfs.")) host.replace(dot, 5, ".blob.");
    place.endpoint = url.scheme + "://" + host + port;
  }
  place.container = take_part(url.path);
  CV_TRY(set_prefix(place, url.path));
  if (url.query.find("sig=") != std::string::npos) place.sas = url.query;
  return place;
}

// What a connection string says besides container and prefix.
struct Account {
  std::string name;
  std::string endpoint;
  std::string secondary;
  std::string key;
  std::string sas;
};
Result<Account> account_of(const ConnectionString& pairs) {
  Account out;
  if (is_true(value_of(pairs, "usedevelopmentstorage"))) {
    std::string host = value_of(pairs, "developmentstorageproxyuri");
    while (host.ends_with('/')) host.pop_back();
    if (!host.empty() && std::ranges::count(host, ':') < 2) host += ":10000";
    out.name = kEmulatorAccount;
    out.endpoint = (host.empty() ? kEmulatorHost : host) + "/" + out.name;
    CV_ASSIGN(out.key, decoded_key(kEmulatorKey));
    return out;
  }
  out.name = value_of(pairs, "accountname");
  out.endpoint = value_of(pairs, "blobendpoint");
  out.secondary = value_of(pairs, "blobsecondaryendpoint");
  for (std::string* endpoint : {&out.endpoint, &out.secondary}) {
    while (endpoint->ends_with('/')) endpoint->pop_back();
  }
  out.sas = sas_of(value_of(pairs, "sharedaccesssignature"));
  if (out.name.empty() && !out.endpoint.empty()) {
    CV_ASSIGN(SplitUrl url, split(out.endpoint));
    const bool path_style = is_loopback(url.host) || is_address(url.host);
    out.name = path_style ? take_part(url.path) : url.host.substr(0, url.host.find('.'));
  }
  if (out.name.empty())
    return Error(ErrorCode::kUsage, "the connection string names no account", {}, "it holds AccountName=…");
  if (out.endpoint.empty()) {
    const std::string protocol = value_of(pairs, "defaultendpointsprotocol");
    const std::string suffix = value_of(pairs, "endpointsuffix");
    out.endpoint = (protocol.empty() ? "https" : protocol) + "://" + out.name + ".blob." +
                   (suffix.empty() ? "core.windows.net" : suffix);
  }
  if (const std::string key = value_of(pairs, "accountkey"); !key.empty()) {
    CV_ASSIGN(out.key, decoded_key(key));
  }
  return out;
}

void take_account(BlobPlace& place, const Account& account) {
  place.account = account.name;
  place.endpoint = account.endpoint;
  place.secondary = account.secondary;
  place.account_key = account.key;
  if (account.key.empty()) place.sas = account.sas;
}

Result<BlobPlace> from_connection_string(const std::string& text) {
  CV_ASSIGN(const ConnectionString pairs, parse_connection_string(text));
  CV_ASSIGN(const Account account, account_of(pairs));
  BlobPlace place;
  take_account(place, account);
  place.container = value_of(pairs, "container");
  CV_TRY(set_prefix(place, value_of(pairs, "prefix")));
  return place;
}

Result<BlobPlace> from_url(const std::string& url) {
  constexpr std::string_view kScheme = "azure:";
  if (is_connection_string(url))
    return from_connection_string(url.starts_with(kScheme) ? url.substr(kScheme.size()) : url);
  CV_ASSIGN(SplitUrl parts, split(url));
  if (parts.scheme == "azure") return from_azure(std::move(parts));
  if (parts.scheme == "abfss" || parts.scheme == "abfs") return from_abfs(parts);
  if (parts.scheme == "https" || parts.scheme == "http") return from_http(std::move(parts));
  return wrong_url("this is no address of a container");
}

bool has_credential(const BlobPlace& place) {
  return !place.account_key.empty() || !place.sas.empty();
}

// Takes from a connection string what the place lacks; true where it is of the same account.
Result<bool> fill_in(BlobPlace& place, const std::string& text) {
  CV_ASSIGN(const ConnectionString pairs, parse_connection_string(text));
  CV_ASSIGN(const Account account, account_of(pairs));
  if (account.name != place.account) return false;
  if (place.endpoint.empty()) place.endpoint = account.endpoint;
  if (place.secondary.empty()) place.secondary = account.secondary;
  if (has_credential(place)) return true;
  place.account_key = account.key;
  if (account.key.empty()) place.sas = account.sas;
  return true;
}

Result<void> take_secret(BlobPlace& place, const std::string& secret) {
  if (secret.empty()) return {};
  if (is_connection_string(secret)) {
    CV_ASSIGN(const bool same, fill_in(place, secret));
    if (!same)
      return Error(ErrorCode::kUsage,
                   "the secret file's connection string is of another account than store.url");
    return {};
  }
  if (has_credential(place)) return {};
  if (secret.find("sig=") != std::string::npos) {
    place.sas = sas_of(secret);
    return {};
  }
  CV_ASSIGN(place.account_key, decoded_key(secret));
  return {};
}

Result<void> take_environment(BlobPlace& place, const Environment& environment, bool of_another) {
  const std::string text = variable(environment, "AZURE_STORAGE_CONNECTION_STRING");
  if (!text.empty()) {
    auto same = fill_in(place, text);
    if (!same) {
      Error error = same.error();
      error.object = "environment variable AZURE_STORAGE_CONNECTION_STRING";
      return error;
    }
    if (!*same) place.note = "AZURE_STORAGE_CONNECTION_STRING is of another account and was not used";
  }
  const std::string account = variable(environment, "AZURE_STORAGE_ACCOUNT");
  if (has_credential(place)) return {};
  const std::string key = variable(environment, "AZURE_STORAGE_KEY");
  const std::string sas = variable(environment, "AZURE_STORAGE_SAS_TOKEN");
  if (key.empty() && sas.empty()) return {};
  if (account.empty() ? of_another : account != place.account) {
    place.note =
        "AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN is not of this account (AZURE_STORAGE_ACCOUNT) and was "
        "not used";
    return {};
  }
  if (key.empty()) {
    place.sas = sas_of(sas);
    return {};
  }
  auto decoded = decoded_key(key);
  if (!decoded) {
    Error error = decoded.error();
    error.object = "environment variable AZURE_STORAGE_KEY";
    return error;
  }
  place.account_key = *decoded;
  return {};
}

Result<void> set_defaults(BlobPlace& place) {
  if (!place.endpoint.empty()) return {};
  if (place.account != kEmulatorAccount) {
    place.endpoint = "https://" + place.account + ".blob.core.windows.net";
    return {};
  }
  place.endpoint = std::string(kEmulatorHost) + "/" + place.account;
  if (!has_credential(place)) {
    CV_ASSIGN(place.account_key, decoded_key(kEmulatorKey));
  }
  return {};
}

bool has_only(std::string_view text, std::string_view extra) {
  return std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || extra.find(c) != std::string_view::npos;
  });
}

Result<void> check_names(const BlobPlace& place) {
  if (place.account.empty()) return wrong_url("the account is missing");
  if (!has_only(place.account, "-") || place.account.size() > 64)
    return wrong_url("\"" + place.account + "\" is not the name of an account (small letters and digits)");
  if (place.container.empty()) return wrong_url("the container is missing");
  const bool special = place.container == "$root" || place.container == "$web";
  const bool sound = place.container.size() >= 3 && place.container.size() <= 63 &&
                     has_only(place.container, "-") && !place.container.starts_with('-') &&
                     !place.container.ends_with('-');
  if (!special && !sound)
    return wrong_url("\"" + place.container +
                     "\" is not the name of a container (3 to 63 small letters, digits and -)");
  return {};
}

// Whoever reads a token or a SAS on its way may use it. A key signs and is not sent.
Result<void> check_secret_is_safe(const BlobPlace& place) {
  if (!place.account_key.empty()) return {};
  for (const std::string& endpoint : {place.endpoint, place.secondary}) {
    if (!to_lower(endpoint).starts_with("http://")) continue;
    CV_ASSIGN(const SplitUrl url, split(endpoint));
    if (is_loopback(url.host)) continue;
    return Error(ErrorCode::kUsage, "no token and no SAS is sent over plain http", shown_url(endpoint),
                 "use an https endpoint, or give the account's key");
  }
  return {};
}

}  // namespace

std::string BlobPlace::shown() const {
  std::string out = "azure://" + account + "/" + container;
  if (!prefix.empty()) out += "/" + prefix.substr(0, prefix.size() - 1);
  return out;
}

bool is_connection_string(const std::string& text) {
  const std::string small = to_lower(text);
  for (const char* word : {"accountname=", "blobendpoint=", "usedevelopmentstorage="}) {
    const std::size_t at = small.find(word);
    if (at != std::string::npos &&
        (at == 0 || small[at - 1] == ';' || small[at - 1] == ':' || small[at - 1] == ' '))
      return true;
  }
  return false;
}

Result<ConnectionString> parse_connection_string(const std::string& text) {
  ConnectionString out;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (pair.starts_with(' ')) pair.remove_prefix(1);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return Error(ErrorCode::kUsage, "the connection string is not made of Name=value;Name=value", {},
                   "copy it whole: az storage account show-connection-string --name ACCOUNT");
    }
    out[to_lower(pair.substr(0, equals))] = trimmed(std::string(pair.substr(equals + 1)));
  }
  return out;
}

Result<BlobPlace> find_blob_place(const std::string& url, const Environment& environment,
                                  const std::string& secret, bool beside) {
  CV_ASSIGN(BlobPlace place, from_url(url));
  CV_TRY(check_names(place));
  CV_TRY(take_secret(place, trimmed(secret)));
  if (to_lower(variable(environment, "AZURE_STORAGE_AUTH_MODE")) != "login")
    CV_TRY(take_environment(place, environment, beside));
  CV_TRY(set_defaults(place));
  CV_TRY(check_secret_is_safe(place));
  return place;
}

}  // namespace changevault::azure
