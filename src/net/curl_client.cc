#include "net/curl_client.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <utility>

#include <curl/curl.h>

#include "base/ascii.h"
#include "base/mutex.h"
#include "net/url_text.h"

namespace changevault {
namespace {

constexpr long kSlowBytesPerSecond = 1024;
constexpr std::size_t kLargestReserve = std::size_t{256} << 20;
constexpr std::size_t kLargestRefusal = std::size_t{1} << 20;  // the body of an answer that is not 2xx

// Once in a process, before any thread uses the library.
void start_library() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (started != CURLE_OK) throw std::runtime_error("libcurl cannot be started");
}

struct Receiver {
  CURL* curl;
  const HttpRequest& request;
  HttpResponse response{};
  int sent = 0;            // how often the library began to send it
  bool no_memory = false;  // an exception must not pass through the library's frames
};

// The library sends a request again by itself where a kept connection was closed without an answer. The first
// one may have had its effect, and whoever asked has to know: it is sent once.
int before_sending(void* of, char*, char*, int, int) {
  return ++static_cast<Receiver*>(of)->sent == 1 ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

std::size_t take_bytes(Receiver& receiver, std::string_view bytes) {
  long status = 0;
  curl_easy_getinfo(receiver.curl, CURLINFO_RESPONSE_CODE, &status);
  const bool good = status >= 200 && status <= 299;
  if (receiver.request.on_body && good) return receiver.request.on_body(bytes) ? bytes.size() : 0;
  std::string& body = receiver.response.body;
  if (!good && body.size() + bytes.size() > kLargestRefusal) return 0;
  body.append(bytes);
  return bytes.size();
}

std::size_t take_body(char* data, std::size_t one, std::size_t count, void* to) {
  auto& receiver = *static_cast<Receiver*>(to);
  try {
    return take_bytes(receiver, {data, one * count});
  } catch (const std::bad_alloc&) {
    receiver.no_memory = true;
    return 0;
  }
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r' || text.back() == '\n'))
    text.remove_suffix(1);
  return text;
}

void add_header(Receiver& receiver, std::string_view line) {
  HttpResponse& response = receiver.response;
  if (line.starts_with("HTTP/")) {  // also behind an interim answer, whose headers count for nothing
    response.headers.clear();
    return;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  response.headers.push_back({to_lower(line.substr(0, colon)), std::string(trimmed(line.substr(colon + 1)))});
  const HttpHeader& header = response.headers.back();
  const bool has_body = !receiver.request.on_body && receiver.request.method != "HEAD";
  if (!has_body || header.name != "content-length") return;
  response.body.reserve(
      std::min<std::size_t>(std::strtoull(header.value.c_str(), nullptr, 10), kLargestReserve));
}

std::size_t take_header(char* data, std::size_t one, std::size_t count, void* to) {
  auto& receiver = *static_cast<Receiver*>(to);
  try {
    add_header(receiver, {data, one * count});
  } catch (const std::bad_alloc&) {
    receiver.no_memory = true;
    return 0;
  }
  return one * count;
}

// What cannot change by itself.
bool is_lasting(CURLcode code) {
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_OUT_OF_MEMORY:
    case CURLE_TOO_MANY_REDIRECTS:
      return true;
    default:
      return false;
  }
}

Error failure(CURLcode code, const char* words, const std::string& url) {
  const std::string detail = words[0] != '\0' ? words : curl_easy_strerror(code);
  Error error(ErrorCode::kUnreachable, "no answer: " + detail, shown_url(url), {}, !is_lasting(code));
  if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE) {
    error.hint =
        "the server's certificate is not trusted here; name the file that holds its authority in "
        "SSL_CERT_FILE";
  }
  if (code == CURLE_COULDNT_CONNECT)
    error.hint = "check that the service runs at this address, and this machine's network and proxies";
  if (code == CURLE_COULDNT_RESOLVE_HOST) error.hint = "check the account's name and this machine's network";
  return error;
}

}  // namespace

class CurlClient::Handle {
 public:
  Handle() : curl_(curl_easy_init()) {
    if (curl_ == nullptr) throw std::runtime_error("libcurl has no handle to give");
  }
  ~Handle() { curl_easy_cleanup(curl_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  Result<HttpResponse> send(const HttpRequest& request, const CurlOptions& options) {
    Receiver receiver{curl_, request};
    curl_easy_reset(curl_);  // keeps connections, cached names and sessions
    char words[CURL_ERROR_SIZE] = {};
    curl_easy_setopt(curl_, CURLOPT_ERRORBUFFER, words);
    set_options(options, request);
    set_request(request);
    curl_easy_setopt(curl_, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl_, CURLOPT_HEADERDATA, &receiver);
    curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &receiver);
    curl_easy_setopt(curl_, CURLOPT_PREREQFUNCTION, before_sending);
    curl_easy_setopt(curl_, CURLOPT_PREREQDATA, &receiver);
    curl_slist* const headers = header_list(request);
    curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, headers);
    const CURLcode code = curl_easy_perform(curl_);
    curl_slist_free_all(headers);
    curl_easy_setopt(curl_, CURLOPT_ERRORBUFFER, nullptr);
    if (receiver.no_memory) throw std::bad_alloc();
    if (code == CURLE_ABORTED_BY_CALLBACK) std::snprintf(words, sizeof words, "the connection was closed");
    if (code != CURLE_OK) return failure(code, words, request.url);
    long status = 0;
    curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
    receiver.response.status = static_cast<int>(status);
    return std::move(receiver.response);
  }

 private:
  void set_options(const CurlOptions& options, const HttpRequest& request) {
    const Duration connect =
        request.connect_timeout.ms > 0 ? request.connect_timeout : options.connect_timeout;
    curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl_, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl_, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl_, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl_, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect.ms));
    curl_easy_setopt(curl_, CURLOPT_TIMEOUT_MS, static_cast<long>(options.longest.ms));
    curl_easy_setopt(curl_, CURLOPT_LOW_SPEED_LIMIT, kSlowBytesPerSecond);
    curl_easy_setopt(curl_, CURLOPT_LOW_SPEED_TIME,
                     static_cast<long>(std::max<std::int64_t>(1, options.stall_timeout.ms / 1000)));
    curl_easy_setopt(curl_, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(curl_, CURLOPT_BUFFERSIZE, 256L << 10);
    curl_easy_setopt(curl_, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
    curl_easy_setopt(curl_, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl_, CURLOPT_SSL_VERIFYHOST, 2L);
    if (!options.ca_file.empty()) curl_easy_setopt(curl_, CURLOPT_CAINFO, options.ca_file.c_str());
    curl_easy_setopt(curl_, CURLOPT_USERAGENT, options.user_agent.c_str());
    if (request.direct) curl_easy_setopt(curl_, CURLOPT_NOPROXY, "*");
  }

  void set_request(const HttpRequest& request) {
    curl_easy_setopt(curl_, CURLOPT_URL, request.url.c_str());
    if (request.method == "HEAD") {
      curl_easy_setopt(curl_, CURLOPT_NOBODY, 1L);
    } else if (request.method == "PUT" || request.method == "POST") {
      curl_easy_setopt(curl_, CURLOPT_POST, 1L);
      curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, request.body.empty() ? "" : request.body.data());
      curl_easy_setopt(curl_, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    } else if (request.method != "GET") {
      curl_easy_setopt(curl_, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
  }

  // What libcurl would add by itself is taken away: a request is what its maker signed.
  static curl_slist* header_list(const HttpRequest& request) {
    curl_slist* list = nullptr;
    bool has_type = false;
    for (const HttpHeader& header : request.headers) {
      has_type |= header.name == "Content-Type";
      // A header without a value is written with ';' here, else it would be left out.
      const std::string line = header.value.empty() ? header.name + ";" : header.name + ": " + header.value;
      list = curl_slist_append(list, line.c_str());
    }
    list = curl_slist_append(list, "Expect:");
    if (!has_type) list = curl_slist_append(list, "Content-Type:");
    return list;
  }

  CURL* curl_;
};

CurlClient::CurlClient(CurlOptions options) : options_(std::move(options)) {
  start_library();
}
CurlClient::~CurlClient() = default;

std::unique_ptr<CurlClient::Handle> CurlClient::take() {
  const MutexLock lock(mutex_);
  if (idle_.empty()) return std::make_unique<Handle>();
  std::unique_ptr<Handle> handle = std::move(idle_.back());
  idle_.pop_back();
  return handle;
}

void CurlClient::give_back(std::unique_ptr<Handle> handle) {
  const MutexLock lock(mutex_);
  idle_.push_back(std::move(handle));
}

Result<HttpResponse> CurlClient::send(const HttpRequest& request) {
  std::unique_ptr<Handle> handle = take();
  Result<HttpResponse> response = handle->send(request, options_);
  give_back(std::move(handle));
  return response;
}

}  // namespace changevault
