#include "base/random.h"

#include <stdexcept>

#include <openssl/rand.h>

#include "base/hash.h"

namespace changevault {
namespace {

class SystemRandom final : public Random {
 public:
  std::uint64_t next() override {
    std::uint64_t value = 0;
    if (RAND_bytes(reinterpret_cast<unsigned char*>(&value), sizeof value) != 1) {
      throw std::runtime_error("OpenSSL has no randomness");
    }
    return value;
  }
};

}  // namespace

std::string Random::nonce() {
  return to_hex(next()) + to_hex(next());
}

Random& system_random() {
  static SystemRandom random;
  return random;
}

}  // namespace changevault
