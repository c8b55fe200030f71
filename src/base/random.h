// Randomness, handed in like time.
#pragma once

#include <cstdint>
#include <string>

namespace changevault {

// Thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t next() = 0;
  // 32 lower-case hex digits: names that nobody else makes.
  std::string nonce();
};

Random& system_random();

}  // namespace changevault
