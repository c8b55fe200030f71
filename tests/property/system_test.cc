// Random histories of the whole system: published, archived, killed, loaded, lost, recovered, with second
// owners, a hub that forgets, and one that is replaced. At every point what the ledger lists is each event
// once; at the end the warehouse holds every archived event once.
#include <cstdlib>
#include <random>

#include <gtest/gtest.h>

#include "tests/property/system_world.h"

namespace changevault {
namespace {

using testing::SystemWorld;

// Under a sanitizer a history takes twenty times as long.
#ifdef __SANITIZE_ADDRESS__
constexpr int kHistories = 6;
#else
constexpr int kHistories = 40;
#endif
constexpr int kSteps = 60;

// Histories that once went wrong.
constexpr std::uint64_t kFoundSeeds[] = {121755098, 171591320, 226840487, 228574081, 718043790};

void live_through(std::uint64_t seed, int& deaths) {
  SCOPED_TRACE("CHANGEVAULT_TEST_SEED=" + std::to_string(seed));
  std::string history;
  try {
    SystemWorld world(seed);
    for (int step = 0; step < kSteps && !::testing::Test::HasFailure(); ++step) {
      history += world.step() + " > ";
      if (!::testing::Test::HasFailure()) world.check_archive();
    }
    if (!::testing::Test::HasFailure()) {
      history += "settle";
      world.settle();
    }
    deaths += world.deaths();
  } catch (const std::exception& error) {
    ADD_FAILURE() << error.what();
  }
  ASSERT_FALSE(::testing::Test::HasFailure()) << history;
}

TEST(SystemProperty, NothingIsLostOrDoubled) {
  int deaths = 0;
  if (const char* const seed = std::getenv("CHANGEVAULT_TEST_SEED")) {
    live_through(std::stoull(seed), deaths);
    return;
  }
  for (const std::uint64_t seed : kFoundSeeds) {
    live_through(seed, deaths);
    if (HasFailure()) return;
  }
  std::random_device entropy;
  for (int i = 0; i < kHistories && !HasFailure(); ++i) live_through(entropy() % 1'000'000'000, deaths);
  if (HasFailure()) return;
  EXPECT_GT(deaths, kHistories / 3);
}

}  // namespace
}  // namespace changevault
