#include "tests/support/http_imposter.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace changevault::testing {
namespace {

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

void read_target(ImposterRequest& request) {
  const std::string_view target = request.target;
  const std::size_t mark = target.find('?');
  request.path = decoded(target.substr(0, mark));
  std::string_view rest = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    request.query[decoded(pair.substr(0, equals))] = decoded(pair.substr(std::min(equals + 1, pair.size())));
  }
}

ImposterRequest parse_head(std::string_view head) {
  ImposterRequest request;
  std::size_t line_end = head.find("\r\n");
  const std::string_view first = head.substr(0, line_end);
  const std::size_t space = first.find(' ');
  request.method = std::string(first.substr(0, space));
  request.target = std::string(first.substr(space + 1, first.rfind(' ') - space - 1));
  read_target(request);
  while (line_end < head.size()) {
    const std::size_t begin = line_end + 2;
    line_end = std::min(head.find("\r\n", begin), head.size());
    const std::string_view line = head.substr(begin, line_end - begin);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    request.headers[lower(std::string(line.substr(0, colon)))] = std::string(value);
  }
  return request;
}

bool send_all(int connection, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void reset(int connection) {
  const linger now{1, 0};
  ::setsockopt(connection, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

}  // namespace

std::string ImposterRequest::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}
std::string ImposterRequest::parameter(const std::string& name) const {
  const auto found = query.find(name);
  return found == query.end() ? std::string() : found->second;
}

HttpImposter::HttpImposter(Handler handler) : handler_(std::move(handler)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw std::runtime_error(std::string("cannot listen: ") + std::strerror(errno));
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

HttpImposter::~HttpImposter() {
  ended_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    for (const int connection : open_) ::shutdown(connection, SHUT_RDWR);
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
  ::close(listener_);
}

std::vector<ImposterRequest> HttpImposter::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}
void HttpImposter::forget_requests() {
  const std::lock_guard lock(mutex_);
  requests_.clear();
}

void HttpImposter::accept_all() {
  while (!ended_) {
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) {
      if (errno == EINTR) continue;
      return;
    }
    const int yes = 1;
    ::setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    ++connections_;
    const std::lock_guard lock(mutex_);
    open_.push_back(connection);
    threads_.emplace_back([this, connection] { serve(connection); });
  }
}

void HttpImposter::serve(int connection) {
  std::string bytes;
  std::array<char, 65536> buffer;
  const auto read_more = [&] {
    const ssize_t got = ::recv(connection, buffer.data(), buffer.size(), 0);
    if (got > 0) bytes.append(buffer.data(), static_cast<std::size_t>(got));
    return got > 0;
  };
  bool open = true;
  while (open && !ended_) {
    std::size_t end = 0;
    while (open && (end = bytes.find("\r\n\r\n")) == std::string::npos) open = read_more();
    if (!open) break;
    ImposterRequest request = parse_head(std::string_view(bytes).substr(0, end));
    const std::string length = request.header("content-length");
    const std::size_t body = length.empty() ? 0 : std::stoul(length);
    while (open && bytes.size() < end + 4 + body) open = read_more();
    if (!open) break;
    request.body = bytes.substr(end + 4, body);
    bytes.erase(0, end + 4 + body);
    open = answer(connection, request);
  }
  const std::lock_guard lock(mutex_);
  std::erase(open_, connection);
  ::close(connection);
}

bool HttpImposter::answer(int connection, const ImposterRequest& request) {
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    requests_.back().body.clear();
  }
  const ImposterReply reply = handler_(request);
  if (reply.how == ImposterReply::How::kReset) {
    reset(connection);
    return false;
  }
  if (reply.how == ImposterReply::How::kClose) return false;
  std::string head = "HTTP/1.1 " + std::to_string(reply.status) + " answer\r\n";
  bool has_length = false;
  for (const auto& [name, value] : reply.headers) {
    head += name + ": " + value + "\r\n";
    has_length |= lower(name) == "content-length";
  }
  if (!has_length) head += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n";
  if (!send_all(connection, head + "\r\n")) return false;
  if (request.method == "HEAD") return true;
  switch (reply.how) {
    case ImposterReply::How::kCut:
      send_all(connection, std::string_view(reply.body).substr(0, reply.body.size() / 2));
      return false;
    case ImposterReply::How::kDrip:
      for (const char c : reply.body) {
        if (ended_ || !send_all(connection, {&c, 1})) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
      return true;
    default:
      return send_all(connection, reply.body);
  }
}

}  // namespace changevault::testing
