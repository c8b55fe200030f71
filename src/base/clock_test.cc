#include "base/clock.h"

#include <gtest/gtest.h>

#include "base/manual_clock.h"
#include "base/random.h"

namespace changevault {
namespace {

TEST(ManualClock, SleepingMovesIt) {
  ManualClock clock({1000});
  std::stop_source stop;
  EXPECT_TRUE(clock.sleep(seconds(2), stop.get_token()));
  EXPECT_EQ(clock.now(), (Timestamp{3000}));
  EXPECT_EQ(clock.steady(), seconds(2));
  stop.request_stop();
  EXPECT_FALSE(clock.sleep(seconds(1), stop.get_token()));
}

TEST(ManualClock, TheDateMayGoBackTheIntervalNever) {
  ManualClock clock({5000});
  clock.advance(seconds(1));
  clock.set({0});
  EXPECT_EQ(clock.now(), (Timestamp{0}));
  EXPECT_EQ(clock.steady(), seconds(1));
}

// Ends at once, or the test runs into its time limit.
TEST(SystemClock, AStopEndsASleepOfAYear) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(system_clock().sleep(hours(24 * 365), stop.get_token()));
}

TEST(SystemClock, SteadyNeverGoesBack) {
  Duration last = system_clock().steady();
  for (int i = 0; i < 1000; ++i) {
    const Duration now = system_clock().steady();
    ASSERT_GE(now, last);
    last = now;
  }
  EXPECT_GT(system_clock().now(), *from_date(2024, 1, 1));
}

TEST(Random, NoncesAreLongAndDifferent) {
  const std::string first = system_random().nonce();
  EXPECT_EQ(first.size(), 32U);
  EXPECT_EQ(first.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(first, system_random().nonce());
}

}  // namespace
}  // namespace changevault
