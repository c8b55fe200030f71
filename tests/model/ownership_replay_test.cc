// The classes that write the ledger go through the schedules of the model, and after every step the store
// holds what the model says.
#include "tests/model/ownership_replay.h"

#include <cstdlib>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "tests/model/ownership_search.h"

namespace changevault::model {
namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr int kDepth = 4;
constexpr int kWalks = 30;
#else
constexpr int kDepth = 7;
constexpr int kWalks = 300;
#endif
constexpr Limits kLimits{.events = 4, .slots = 12, .crashes = 3, .lost_answers = 2};

// Empty where the program went the same way.
std::string replay(const std::vector<Step>& schedule) {
  Replay program(kLimits);
  State state;
  std::string history;
  for (const Step& step : schedule) {
    apply(state, step, Broken::kNone, kLimits);
    history += "  " + to_string(step) + "\n";
    const std::string wrong = program.step(step, state);
    if (!wrong.empty()) return wrong + "\nafter\n" + history;
  }
  return {};
}

// All there is, up to a depth: every state by its shortest schedule.
TEST(OwnershipReplay, EveryShortSchedule) {
  std::vector<std::vector<Step>> schedules;
  const SearchResult found =
      Search(kLimits, Broken::kNone).run(kDepth, [&](const State&, std::int64_t at, const Search& search) {
        schedules.push_back(search.schedule_to(at));
      });
  ASSERT_EQ(found.violation, "");
  ASSERT_GT(schedules.size(), 50U);
  for (const std::vector<Step>& schedule : schedules) ASSERT_EQ(replay(schedule), "");
  fmt::print("  {} schedules of up to {} steps\n", schedules.size(), kDepth);
}

std::vector<Step> walk(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Step> out;
  State state;
  while (out.size() < 45) {
    std::vector<Step> next = enabled(state, kLimits);
    // Most of what may be condemned at any time is not, else nothing else happens.
    const Step step = next[random() % next.size()];
    if (step.action == Action::kCondemn && random() % 3 != 0) continue;
    apply(state, step, Broken::kNone, kLimits);
    EXPECT_EQ(violation(state), "");
    out.push_back(step);
  }
  return out;
}

TEST(OwnershipReplay, LongSchedulesAtRandom) {
  const char* const given = std::getenv("CHANGEVAULT_TEST_SEED");
  std::random_device entropy;
  const std::uint64_t seed = given != nullptr ? std::stoull(given) : entropy() % 1'000'000'000;
  std::size_t steps = 0;
  for (std::uint64_t i = 0; i < (given != nullptr ? 1 : kWalks); ++i) {
    const std::vector<Step> schedule = walk(seed + i);
    ASSERT_EQ(replay(schedule), "") << "CHANGEVAULT_TEST_SEED=" << seed + i;
    steps += schedule.size();
  }
  fmt::print("  {} steps\n", steps);
}

}  // namespace
}  // namespace changevault::model
