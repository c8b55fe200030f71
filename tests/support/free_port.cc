#include "tests/support/free_port.h"

#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/random.h"

namespace changevault::testing {
namespace {

constexpr int kFirst = 20'000;
constexpr int kCount = 12'000;  // Linux hands out those from 32,768 on
constexpr int kTries = 1'000;

// A bound socket, or -1.
int bind_port(int port) {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (probe >= 0 && ::bind(probe, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return probe;
  if (probe >= 0) ::close(probe);
  return -1;
}

}  // namespace

std::vector<int> free_ports(int count) {
  std::vector<int> ports;
  std::vector<int> probes;  // held until all are found, so that none is found twice
  for (int tries = 0; static_cast<int>(ports.size()) < count && tries < kTries; ++tries) {
    const int port = kFirst + static_cast<int>(system_random().next() % kCount);
    const int probe = bind_port(port);
    if (probe < 0) continue;
    probes.push_back(probe);
    ports.push_back(port);
  }
  for (const int probe : probes) ::close(probe);
  if (static_cast<int>(ports.size()) < count) throw std::runtime_error("no free ports");
  return ports;
}

}  // namespace changevault::testing
