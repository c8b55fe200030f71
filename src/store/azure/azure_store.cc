#include "store/azure/azure_store.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <limits>
#include <thread>

#include "base/first_error.h"
#include "base/hash.h"
#include "net/url_text.h"
#include "store/azure/blob_list.h"
#include "store/object_key.h"

namespace changevault {
namespace {

using azure::BlobRequest;

constexpr std::size_t kLargestPage = 5000;

// Names of blobs are Unicode, and the service takes '\\' for '/'; anything else cannot be asked for.
Result<void> check_name(const std::string& key) {
  CV_TRY(split_key(key));
  if (key.find('\\') != std::string::npos)
    return Error(ErrorCode::kUsage, "a blob's name holds no backslash", key);
  const auto* at = reinterpret_cast<const unsigned char*>(key.data());
  const auto* const end = at + key.size();
  while (at < end) {
    const int length = *at < 0x80 ? 1 : (*at >> 5) == 6 ? 2 : (*at >> 4) == 14 ? 3 : (*at >> 3) == 30 ? 4 : 0;
    if (length == 0 || end - at < length) return Error(ErrorCode::kUsage, "a blob's name must be UTF-8", key);
    for (int i = 1; i < length; ++i) {
      if ((at[i] >> 6) != 2) return Error(ErrorCode::kUsage, "a blob's name must be UTF-8", key);
    }
    at += length;
  }
  return {};
}

std::string md5_of(std::string_view bytes) {
  const Md5 hash = md5(bytes);
  return std::string(reinterpret_cast<const char*>(hash.data()), hash.size());
}

std::string from_hex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    unsigned byte = 0;
    std::from_chars(hex.data() + i, hex.data() + i + 2, byte, 16);
    out += static_cast<char>(byte);
  }
  return out;
}

bool is_folder_stub(const HttpResponse& response) {
  return response.header("x-ms-meta-hdi_isfolder") == "true" ||
         response.header("x-ms-resource-type") == "directory";
}

Error no_such(const std::string& key) {
  return Error(ErrorCode::kNotFound, "no such object", key);
}

ObjectInfo info_of(const std::string& key, const azure::ListedBlob& blob) {
  return {key, blob.bytes, blob.modified, blob.etag, blob.md5_hex, blob.archived};
}

}  // namespace

AzureStore::AzureStore(azure::BlobPlace place, HttpClient& http, azure::TokenSource* tokens, Clock& clock,
                       Random& random, Options options)
    : client_(std::move(place), http, tokens, clock), random_(random), options_(options) {}

Result<void> AzureStore::create_container() {
  BlobRequest request{"PUT", BlobRequest::Of::kContainer};
  request.query = {{"restype", "container"}};
  CV_ASSIGN(const HttpResponse made, client_.send(request));
  if (made.ok() || azure::error_code_of(made) == "ContainerAlreadyExists") return {};
  // Who may not make containers may use one that is there.
  if ((made.status == 403 || made.status == 409) && list_page("", false, {}, 1)) return {};
  return client_.error_of(made, url());
}

Result<PutOutcome> AzureStore::put_if_absent(const std::string& key, std::string_view bytes,
                                             const PutOptions& options) {
  CV_TRY(check_name(key));
  const std::string md5 = to_base64(options.md5_hex.empty() ? md5_of(bytes) : from_hex(options.md5_hex));
  BlobRequest request{"PUT", BlobRequest::Of::kBlob, key};
  request.headers = {{"If-None-Match", "*"}};
  if (!options.sha256_hex.empty())
    request.headers.push_back({"x-ms-meta-sha256", std::string(options.sha256_hex)});
  if (static_cast<std::int64_t>(bytes.size()) > options_.largest_put) {
    // Who can be told by a small request that the name is taken does not send the blocks for nothing.
    if (const auto standing = head(key); standing) return PutOutcome::kExists;
    std::vector<std::string> ids;
    CV_TRY(put_blocks(key, bytes, ids));
    request.headers.push_back({"x-ms-blob-content-type", std::string(options.content_type)});
    CV_ASSIGN(const HttpResponse committed, commit_blocks(key, ids, std::move(request.headers), md5));
    return outcome_of(committed, key);
  }
  request.headers.push_back({"x-ms-blob-type", "BlockBlob"});
  request.headers.push_back({"Content-Type", std::string(options.content_type)});
  request.headers.push_back({"Content-MD5", md5});
  request.body = bytes;
  CV_ASSIGN(const HttpResponse stored, client_.send(request));
  return outcome_of(stored, key);
}

Result<PutOutcome> AzureStore::outcome_of(const HttpResponse& response, const std::string& key) {
  if (response.status == 201) return PutOutcome::kCreated;
  const std::string code = azure::error_code_of(response);
  if (code == "BlobAlreadyExists" || code == "PathAlreadyExists" || code == "ConditionNotMet")
    return PutOutcome::kExists;
  // A policy, or a SAS that may only create, forbids to write over what is there: then it is there.
  const bool may_not_replace =
      code == "BlobImmutableDueToPolicy" || code == "AuthorizationPermissionMismatch";
  if (may_not_replace && head(key)) return PutOutcome::kExists;
  Error error = client_.error_of(response, key);
  if (code == "Md5Mismatch") {
    error = Error(ErrorCode::kUnreachable, "the bytes arrived damaged at the store", key, {}, true);
  }
  return error;
}

// Every attempt names its blocks anew: two writers of one name never mix theirs.
Result<void> AzureStore::put_blocks(const std::string& key, std::string_view bytes,
                                    std::vector<std::string>& ids) {
  const auto block_bytes = static_cast<std::size_t>(options_.block_bytes);
  const std::size_t count = (bytes.size() + block_bytes - 1) / block_bytes;
  const std::string attempt = random_.nonce();
  for (std::size_t i = 0; i < count; ++i) ids.push_back(to_base64(attempt + to_hex(std::uint64_t{i})));
  std::atomic<std::size_t> next{0};
  FirstError failed;
  std::atomic<bool> stop{false};
  const auto work = [&] {
    for (std::size_t i = next++; i < count && !stop; i = next++) {
      BlobRequest request{"PUT", BlobRequest::Of::kBlob, key};
      request.query = {{"comp", "block"}, {"blockid", ids[i]}};
      request.body = bytes.substr(i * block_bytes, block_bytes);
      request.headers = {{"Content-MD5", to_base64(md5_of(request.body))}};
      const Result<HttpResponse> stored = client_.send(request);
      if (stored && stored->status == 201) continue;
      stop = true;
      failed.put(stored ? client_.error_of(*stored, key) : stored.error());
    }
  };
  {
    std::vector<std::jthread> helpers;
    const std::size_t wanted =
        std::min(count, static_cast<std::size_t>(std::max(1, options_.parallel_blocks)));
    for (std::size_t i = 1; i < wanted; ++i) helpers.emplace_back(work);
    work();
  }
  return failed.result();
}

Result<HttpResponse> AzureStore::commit_blocks(const std::string& key, const std::vector<std::string>& ids,
                                               std::vector<HttpHeader> headers, std::string_view md5_base64) {
  std::string body = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>";
  for (const std::string& id : ids) body += "<Uncommitted>" + id + "</Uncommitted>";
  body += "</BlockList>";
  BlobRequest request{"PUT", BlobRequest::Of::kBlob, key};
  request.query = {{"comp", "blocklist"}};
  request.headers = std::move(headers);
  request.headers.push_back({"x-ms-blob-content-md5", std::string(md5_base64)});
  request.headers.push_back({"Content-Type", "application/xml"});
  request.body = body;
  return client_.send(request);
}

Result<std::string> AzureStore::get(const std::string& key, std::optional<ByteRange> range,
                                    const std::string& etag) {
  if (range) CV_TRY(check_range(*range, key));
  CV_TRY(check_name(key));
  if (range) return get_range(key, *range, etag);
  BlobRequest request{"GET", BlobRequest::Of::kBlob, key};
  if (!etag.empty()) request.headers.push_back({"If-Match", "\"" + etag + "\""});
  CV_ASSIGN(HttpResponse response, client_.send(request));
  if (response.status == 412) return other_version(key);
  if (response.status != 200) return client_.error_of(response, key);
  if (is_folder_stub(response)) return no_such(key);
  const std::string_view md5 = response.header("content-md5");
  if (!md5.empty() && md5 != to_base64(md5_of(response.body))) {
    return Error(
        ErrorCode::kUnreachable, "the bytes that came are not those of the blob's MD5", key,
        "where it stays so, the blob was stored with a wrong one: 'changevault verify' tells by the ledger",
        true);
  }
  return std::move(response.body);
}

Result<std::string> AzureStore::get_range(const std::string& key, ByteRange range, const std::string& etag) {
  if (range.length == 0) {
    CV_ASSIGN(const ObjectInfo info, head(key));
    if (!etag.empty() && info.etag != etag) return other_version(key);
    return std::string();
  }
  constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();
  const bool open = range.offset > kEnd - range.length || range.offset + range.length == kEnd;
  BlobRequest request{"GET", BlobRequest::Of::kBlob, key};
  request.headers.push_back({"Range", "bytes=" + std::to_string(range.offset) + "-" +
                                          (open ? "" : std::to_string(range.offset + range.length - 1))});
  if (!etag.empty()) request.headers.push_back({"If-Match", "\"" + etag + "\""});
  CV_ASSIGN(HttpResponse response, client_.send(request));
  if (response.status == 412) return other_version(key);
  if (response.status == 416) return get_range(key, {range.offset, 0}, etag);  // begins at or behind the end
  if (response.status != 206) {
    if (response.status != 200) return client_.error_of(response, key);
    return Error(ErrorCode::kUnreachable, "the store gives the whole object where a part was asked for", key,
                 "something between here and the store changes requests: look at proxies");
  }
  if (is_folder_stub(response)) return no_such(key);
  return std::move(response.body);
}

Result<void> AzureStore::read(const std::string& key, std::int64_t offset, const std::string& etag,
                              const EachPiece& each) {
  CV_TRY(check_range({offset, 0}, key));
  CV_TRY(check_name(key));
  BlobRequest request{"GET", BlobRequest::Of::kBlob, key};
  if (offset > 0) request.headers.push_back({"Range", "bytes=" + std::to_string(offset) + "-"});
  if (!etag.empty()) request.headers.push_back({"If-Match", "\"" + etag + "\""});
  std::optional<Error> refused;
  request.on_body = [&](std::string_view piece) {
    const Result<void> taken = each(piece);
    if (!taken) refused = taken.error();
    return taken.has_value();
  };
  const Result<HttpResponse> response = client_.send(request);
  if (refused) return *refused;
  if (!response) return response.error();
  if (response->status == 412) return other_version(key);
  if (response->status == 416) return {};  // begins at or behind the end
  if (response->status != (offset > 0 ? 206 : 200)) return client_.error_of(*response, key);
  if (is_folder_stub(*response)) return no_such(key);
  return {};
}

Result<ObjectInfo> AzureStore::head(const std::string& key) {
  CV_TRY(check_name(key));
  CV_ASSIGN(const HttpResponse response, client_.send({"HEAD", BlobRequest::Of::kBlob, key}));
  if (response.status != 200) return client_.error_of(response, key);
  if (is_folder_stub(response)) return no_such(key);
  ObjectInfo info;
  info.key = key;
  const std::string_view length = response.header("content-length");
  std::from_chars(length.data(), length.data() + length.size(), info.bytes);
  info.modified = parse_http_date(response.header("last-modified")).value_or(Timestamp{});
  info.etag = azure::plain_etag(response.header("etag"));
  if (const auto md5 = from_base64(response.header("content-md5"))) info.md5_hex = to_hex(*md5);
  info.offline = response.header("x-ms-access-tier") == "Archive";
  return info;
}

Result<ListPage> AzureStore::list(const std::string& prefix, std::optional<char> delimiter,
                                  const std::string& continuation, std::size_t page_size) {
  CV_TRY(split_prefix(prefix));
  CV_TRY(check_list_arguments(delimiter, page_size, prefix));
  std::string marker = continuation;
  while (true) {
    CV_ASSIGN(ListPage page, list_page(prefix, delimiter.has_value(), marker, page_size));
    // The service may answer with an empty page that is not the last one; so may one of folders alone.
    if (!page.objects.empty() || !page.prefixes.empty() || page.next.empty()) return page;
    if (page.next == marker)
      return Error(ErrorCode::kUnreachable, "the store's listing does not go on", prefix);
    marker = page.next;
  }
}

Result<ListPage> AzureStore::list_page(const std::string& prefix, bool folders, const std::string& marker,
                                       std::size_t page_size) {
  const std::string& root = client_.place().prefix;
  BlobRequest request{"GET", BlobRequest::Of::kContainer};
  request.query = {{"restype", "container"},
                   {"comp", "list"},
                   {"include", "metadata"},
                   {"maxresults", std::to_string(std::min(page_size, kLargestPage))}};
  if (!root.empty() || !prefix.empty()) request.query.emplace_back("prefix", root + prefix);
  if (folders) request.query.emplace_back("delimiter", "/");
  if (!marker.empty()) request.query.emplace_back("marker", marker);
  CV_ASSIGN(const HttpResponse response, client_.send(request));
  if (response.status != 200) return client_.error_of(response, prefix);
  CV_ASSIGN(azure::BlobList list, azure::parse_blob_list(response.body));
  ListPage page;
  page.next = std::move(list.marker);
  for (const azure::ListedBlob& blob : list.blobs) {
    if (blob.folder || !blob.name.starts_with(root)) continue;
    const std::string key = blob.name.substr(root.size());
    // What is no key of ours (a//b, a/../b) could not be read either.
    if (split_key(key)) page.objects.push_back(info_of(key, blob));
  }
  for (const std::string& name : list.prefixes) {
    if (name.starts_with(root) && split_prefix(name.substr(root.size())))
      page.prefixes.push_back(name.substr(root.size()));
  }
  return page;
}

Result<void> AzureStore::remove(const std::string& key) {
  CV_TRY(check_name(key));
  CV_ASSIGN(const HttpResponse response, client_.send({"DELETE", BlobRequest::Of::kBlob, key}));
  if (response.status == 202 || response.status == 200) return {};
  Error error = client_.error_of(response, key);
  if (error.code == ErrorCode::kNotFound) return {};
  if (azure::error_code_of(response) == "BlobImmutableDueToPolicy")
    error.hint = "the container's immutability policy keeps it; nothing needs it to go";
  return error;
}

Result<std::optional<Timestamp>> AzureStore::clock() {
  // Any answer carries the time, that there is no such blob too.
  CV_ASSIGN(const HttpResponse response, client_.send({"HEAD", BlobRequest::Of::kBlob, "changevault-clock"}));
  const auto date = date_of(response);
  if (date) return date;
  return client_.error_of(response, url());
}

}  // namespace changevault
