#include "tests/support/azurite.h"

#include <filesystem>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"

namespace changevault::testing {
namespace {

constexpr const char* kMain = CHANGEVAULT_DEPS "/azurite/node_modules/azurite/dist/src/blob/main.js";
constexpr const char* kKey =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
constexpr Duration kStart = minutes(2);

int free_port() {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  const bool found = ::bind(probe, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                     ::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &length) == 0;
  ::close(probe);
  if (!found) throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

std::string& trouble() {
  static std::string words;
  return words;
}

}  // namespace

std::string Azurite::why_not() {
  return trouble().empty() ? "Azurite is not installed (scripts/setup test)" : trouble();
}

Azurite* Azurite::shared(Protocol protocol) {
  static std::unique_ptr<Azurite> of_http;
  static std::unique_ptr<Azurite> of_https;
  static bool tried[2] = {false, false};
  auto& one = protocol == Protocol::kHttp ? of_http : of_https;
  bool& once = tried[protocol == Protocol::kHttp ? 0 : 1];
  if (!once) {
    once = true;
    try {
      if (std::filesystem::exists(kMain)) one.reset(new Azurite(protocol));
    } catch (const std::runtime_error& error) {  // a node that is too old, no node at all
      trouble() = error.what();
    }
  }
  return one.get();
}

Azurite::Azurite(Protocol protocol) {
  const bool tls = protocol == Protocol::kHttps;
  const std::string port = std::to_string(free_port());
  endpoint_ = (tls ? "https://127.0.0.1:" : "http://127.0.0.1:") + port + "/devstoreaccount1";
  std::vector<std::string> argv{"node", kMain,        "--blobHost",     "127.0.0.1", "--blobPort",
                                port,   "--location", folder_ / "data", "--silent",  "--disableTelemetry"};
  if (tls) {
    const Outcome made = run({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
                              folder_ / "key.pem", "-out", folder_ / "cert.pem", "-days", "30", "-subj",
                              "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"});
    if (made.exit_code != 0) throw std::runtime_error("openssl makes no certificate: " + made.err);
    argv.insert(argv.end(),
                {"--oauth", "basic", "--cert", folder_ / "cert.pem", "--key", folder_ / "key.pem"});
  }
  ProcessOptions options;
  options.deadline = hours(2);
  server_.emplace(Process::start(argv, options));
  const Duration until = system_clock().steady() + kStart;
  while (server_->out_so_far().find("successfully listens") == std::string::npos) {
    if (server_->ended_within(milliseconds(50)) || system_clock().steady() > until)
      throw std::runtime_error("Azurite does not start: " + server_->out_so_far() + server_->err_so_far());
  }
}

// SIGTERM: it saves what it holds and goes.
Azurite::~Azurite() {
  server_->kill(SIGTERM);
  server_->ended_within(seconds(10));
}

std::string Azurite::connection_string() const {
  return "DefaultEndpointsProtocol=" + endpoint_.substr(0, endpoint_.find(':')) +
         ";AccountName=devstoreaccount1;AccountKey=" + kKey + ";BlobEndpoint=" + endpoint_ + ";";
}

std::string Azurite::new_container() {
  return "t" + system_random().nonce();
}

}  // namespace changevault::testing
