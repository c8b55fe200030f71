#include "tests/support/blob_imposter.h"

#include <charconv>
#include <set>

#include "base/clock.h"
#include "base/hash.h"
#include "net/http.h"

namespace changevault::testing {
namespace {

ImposterReply reply(int status, std::vector<std::pair<std::string, std::string>> headers = {},
                    std::string body = {}) {
  headers.emplace_back("Date", to_http_date(system_clock().now()));
  headers.emplace_back("x-ms-version", "2021-12-02");
  return {status, std::move(headers), std::move(body)};
}

ImposterReply failure(int status, const std::string& code) {
  return reply(status, {{"x-ms-error-code", code}},
               "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>" + code + "</Code></Error>");
}

std::string md5_base64(const std::string& bytes) {
  const Md5 hash = md5(bytes);
  return to_base64({reinterpret_cast<const char*>(hash.data()), hash.size()});
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

BlobImposter::BlobImposter() : server_([this](const ImposterRequest& request) { return handle(request); }) {}

void BlobImposter::set(const Behaviour& behaviour) {
  const std::lock_guard lock(mutex_);
  behaviour_ = behaviour;
}
void BlobImposter::before(Hook hook) {
  const std::lock_guard lock(mutex_);
  before_ = std::move(hook);
}
void BlobImposter::after(std::function<void(const ImposterRequest&, ImposterReply&)> hook) {
  const std::lock_guard lock(mutex_);
  after_ = std::move(hook);
}
void BlobImposter::make_container(const std::string& name) {
  const std::lock_guard lock(mutex_);
  containers_.try_emplace(name);
}
void BlobImposter::put(const std::string& container, const std::string& name, const std::string& bytes) {
  const std::lock_guard lock(mutex_);
  containers_[container].blobs[name] = {bytes, "application/octet-stream", "", std::to_string(++writes_), {}};
}
std::size_t BlobImposter::blobs(const std::string& container) const {
  const std::lock_guard lock(mutex_);
  const auto found = containers_.find(container);
  return found == containers_.end() ? 0 : found->second.blobs.size();
}

ImposterReply BlobImposter::handle(const ImposterRequest& request) {
  Hook before;
  std::function<void(const ImposterRequest&, ImposterReply&)> after;
  {
    const std::lock_guard lock(mutex_);
    before = before_;
    after = after_;
  }
  if (before) {
    if (auto own = before(request)) return *own;
  }
  ImposterReply out = answer(request);
  if (after) after(request, out);
  return out;
}

ImposterReply BlobImposter::answer(const ImposterRequest& request) {
  const std::lock_guard lock(mutex_);
  constexpr std::string_view kAccount = "/acct";
  if (!request.path.starts_with(kAccount)) return failure(400, "InvalidUri");
  std::string path = request.path.substr(kAccount.size());
  if (path.empty() || path == "/") return answer_account(request);
  path.erase(0, 1);
  const std::size_t slash = path.find('/');
  const std::string name = path.substr(0, slash);
  if (slash == std::string::npos) return answer_container(request, name);
  const auto container = containers_.find(name);
  if (container == containers_.end()) return failure(404, "ContainerNotFound");
  return answer_blob(request, container->second, path.substr(slash + 1));
}

ImposterReply BlobImposter::answer_account(const ImposterRequest& request) {
  if (request.parameter("restype") == "account") {
    return reply(200, {{"x-ms-sku-name", "Standard_LRS"},
                       {"x-ms-account-kind", "StorageV2"},
                       {"x-ms-is-hns-enabled", behaviour_.hierarchical ? "true" : "false"}});
  }
  return reply(
      200, {},
      "<StorageServiceProperties><DeleteRetentionPolicy><Enabled>false</Enabled></DeleteRetentionPolicy>"
      "</StorageServiceProperties>");
}

ImposterReply BlobImposter::answer_container(const ImposterRequest& request, const std::string& name) {
  if (request.method == "PUT") {
    return containers_.try_emplace(name).second ? reply(201) : failure(409, "ContainerAlreadyExists");
  }
  const auto found = containers_.find(name);
  if (found == containers_.end()) return failure(404, "ContainerNotFound");
  if (request.parameter("comp") == "list") return list(request, found->second);
  return reply(200, {{"x-ms-has-immutability-policy", behaviour_.immutable ? "true" : "false"},
                     {"x-ms-has-legal-hold", "false"}});
}

ImposterReply BlobImposter::answer_blob(const ImposterRequest& request, Container& container,
                                        const std::string& name) {
  if (request.method == "PUT") return store(request, container, name);
  const auto found = container.blobs.find(name);
  if (found == container.blobs.end()) return failure(404, "BlobNotFound");
  if (request.method == "DELETE") {
    if (behaviour_.immutable) return failure(409, "BlobImmutableDueToPolicy");
    container.blobs.erase(found);
    return reply(202);
  }
  return read(request, found->second);
}

ImposterReply BlobImposter::store(const ImposterRequest& request, Container& container,
                                  const std::string& name) {
  const std::string sent_md5 = request.header("content-md5");
  const std::string actual = md5_base64(request.body);
  if (!sent_md5.empty() && sent_md5 != actual) return failure(400, "Md5Mismatch");
  if (request.parameter("comp") == "block") {
    container.blocks[name + "\n" + request.parameter("blockid")] = request.body;
    return reply(201);
  }
  if (container.blobs.contains(name)) {
    if (behaviour_.immutable) return failure(409, "BlobImmutableDueToPolicy");
    if (request.header("if-none-match") == "*") return failure(409, "BlobAlreadyExists");
  }
  Blob blob{request.body, request.header("content-type"), actual, std::to_string(++writes_), {}};
  if (request.parameter("comp") == "blocklist") {
    blob.bytes.clear();
    blob.type = request.header("x-ms-blob-content-type");
    blob.md5 = request.header("x-ms-blob-content-md5");
    constexpr std::string_view kOpen = "<Uncommitted>";
    for (std::size_t at = 0; (at = request.body.find(kOpen, at)) != std::string::npos;) {
      at += kOpen.size();
      const auto block =
          container.blocks.find(name + "\n" + request.body.substr(at, request.body.find('<', at) - at));
      if (block == container.blocks.end()) return failure(400, "InvalidBlockList");
      blob.bytes += block->second;
    }
  }
  for (const auto& [header, value] : request.headers) {
    constexpr std::string_view kMeta = "x-ms-meta-";
    if (header.starts_with(kMeta)) blob.metadata[header.substr(kMeta.size())] = value;
  }
  container.blobs[name] = std::move(blob);
  return reply(201);
}

ImposterReply BlobImposter::read(const ImposterRequest& request, const Blob& blob) {
  const std::string match = request.header("if-match");
  if (!match.empty() && match != "\"" + blob.etag + "\"") return failure(412, "ConditionNotMet");
  if (request.method == "GET" && behaviour_.access_tier == "Archive") return failure(409, "BlobArchived");
  std::vector<std::pair<std::string, std::string>> headers{
      {"ETag", "\"" + blob.etag + "\""},
      {"Content-Type", blob.type},
      {"x-ms-access-tier", behaviour_.access_tier},
      {"Last-Modified", to_http_date(system_clock().now())}};
  for (const auto& [name, value] : blob.metadata) headers.emplace_back("x-ms-meta-" + name, value);
  if (!blob.md5.empty()) headers.emplace_back("Content-MD5", blob.md5);
  const std::string range = request.header("range");
  if (range.empty()) {
    if (request.method == "HEAD") headers.emplace_back("Content-Length", std::to_string(blob.bytes.size()));
    return reply(200, std::move(headers), request.method == "HEAD" ? std::string() : blob.bytes);
  }
  std::size_t first = 0;
  std::size_t last = std::string::npos - 1;
  const char* const end = range.data() + range.size();
  const auto parsed = std::from_chars(range.data() + std::string_view("bytes=").size(), end, first);
  if (parsed.ptr + 1 < end) std::from_chars(parsed.ptr + 1, end, last);
  if (first >= blob.bytes.size()) return failure(416, "InvalidRange");
  return reply(206, std::move(headers), blob.bytes.substr(first, last - first + 1));
}

ImposterReply BlobImposter::list(const ImposterRequest& request, const Container& container) {
  const std::string prefix = request.parameter("prefix");
  const bool folders = request.parameter("delimiter") == "/";
  std::string marker = request.parameter("marker");
  std::size_t page = behaviour_.page;
  if (const std::string asked = request.parameter("maxresults"); !asked.empty())
    page = std::min<std::size_t>(page, std::stoul(asked));
  const bool only_marker = behaviour_.empty_pages && !marker.ends_with('\t');
  std::map<std::string, const Blob*> items;  // nullptr: a prefix or a directory
  std::set<std::string> directories;
  for (const auto& [name, blob] : container.blobs) {
    if (behaviour_.hierarchical) {
      for (std::size_t at = name.find('/'); at != std::string::npos; at = name.find('/', at + 1))
        directories.insert(name.substr(0, at));
    }
    if (!name.starts_with(prefix)) continue;
    const std::size_t slash = folders ? name.find('/', prefix.size()) : std::string::npos;
    items[slash == std::string::npos ? name : name.substr(0, slash + 1)] =
        slash == std::string::npos ? &blob : nullptr;
  }
  if (!folders) {
    for (const std::string& directory : directories) {
      if (directory.starts_with(prefix)) items.try_emplace(directory, nullptr);
    }
  }
  std::string body = "<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults><Blobs>";
  std::string next;
  if (only_marker) {
    next = marker + "\t";
  } else {
    if (marker.ends_with('\t')) marker.pop_back();
    std::size_t count = 0;
    std::string last;
    for (auto item = items.upper_bound(marker); item != items.end(); ++item) {
      if (count++ == page) {
        next = last;
        break;
      }
      const auto& [name, blob] = *item;
      last = name;
      if (blob == nullptr && name.ends_with('/')) {
        body += "<BlobPrefix><Name>" + escaped(name) + "</Name></BlobPrefix>";
        continue;
      }
      const std::string length = std::to_string(blob == nullptr ? 0 : blob->bytes.size());
      body += "<Blob><Name>" + escaped(name) + "</Name><Properties><Last-Modified>" +
              to_http_date(system_clock().now()) + "</Last-Modified><Etag>" +
              (blob == nullptr ? "0x1" : blob->etag) + "</Etag><Content-Length>" + length +
              "</Content-Length><Content-MD5>" + (blob == nullptr ? "" : blob->md5) +
              "</Content-MD5><AccessTier>" + behaviour_.access_tier + "</AccessTier></Properties><Metadata>" +
              (blob == nullptr ? "<hdi_isfolder>true</hdi_isfolder>" : "") + "</Metadata></Blob>";
    }
  }
  body += "</Blobs><NextMarker>" + escaped(next) + "</NextMarker></EnumerationResults>";
  return reply(200, {{"Content-Type", "application/xml"}}, body);
}

}  // namespace changevault::testing
