// An HTTP server of a test's own, on loopback: it answers as it is told, or misbehaves as servers and
// networks do.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace changevault::testing {

struct ImposterRequest {
  std::string method;
  std::string target;                          // as it was sent
  std::string path;                            // decoded
  std::map<std::string, std::string> query;    // decoded
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  std::string header(const std::string& name) const;
  std::string parameter(const std::string& name) const;
};

struct ImposterReply {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
  enum class How {
    kWhole,
    kReset,  // no answer: the connection is reset
    kClose,  // no answer: the connection is closed as an idle one is
    kCut,    // the head of the answer and half of its body, then the end
    kDrip,   // the body a byte at a time, one each 100 ms
  } how = How::kWhole;
};

// Each connection has a thread. Ends with the object, whatever is still open.
class HttpImposter {
 public:
  // Called on the connections' threads, several at once.
  using Handler = std::function<ImposterReply(const ImposterRequest&)>;
  explicit HttpImposter(Handler handler);
  ~HttpImposter();
  HttpImposter(const HttpImposter&) = delete;
  HttpImposter& operator=(const HttpImposter&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::vector<ImposterRequest> requests() const;
  std::size_t connections() const { return connections_; }
  void forget_requests();

 private:
  void accept_all();
  void serve(int connection);
  bool answer(int connection, const ImposterRequest& request);

  Handler handler_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> ended_{false};
  std::atomic<std::size_t> connections_{0};
  mutable std::mutex mutex_;
  std::vector<ImposterRequest> requests_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace changevault::testing
