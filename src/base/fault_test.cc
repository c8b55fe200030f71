#include "base/fault.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/manual_clock.h"
#include "tests/support/expect.h"

namespace changevault {
namespace {

std::vector<Fault> draw(std::uint64_t seed, RandomFaults::Odds odds, int calls) {
  ManualClock clock({0});
  RandomFaults faults(seed, clock, odds);
  std::vector<Fault> out;
  for (int i = 0; i < calls; ++i) out.push_back(faults.next());
  return out;
}

TEST(RandomFaults, TheSameSeedGivesTheSameFaults) {
  const RandomFaults::Odds odds{100, 100, 100, 100, 0, 0, 0};
  EXPECT_EQ(draw(7, odds, 1000), draw(7, odds, 1000));
  EXPECT_NE(draw(7, odds, 1000), draw(8, odds, 1000));
}

TEST(RandomFaults, EachKindComesAsOftenAsItsOdds) {
  ManualClock clock({0});
  RandomFaults faults(1, clock, {200, 100, 50, 25, 100, 10, 0});
  for (int i = 0; i < 10'000; ++i) faults.next();
  const auto about = [&](Mishap mishap, std::int64_t times) {
    EXPECT_GT(faults.count(mishap), times * 7 / 10);
    EXPECT_LT(faults.count(mishap), times * 13 / 10);
  };
  about(Mishap::kFailBefore, 2000);
  about(Mishap::kFailAfter, 1000);
  about(Mishap::kPartial, 500);
  about(Mishap::kWrongAnswer, 250);
  about(Mishap::kSlow, 1000);
  about(Mishap::kTimeout, 100);
  EXPECT_EQ(faults.count(Mishap::kCrash), 0);
}

TEST(RandomFaults, SlowAndTimedOutMoveTheClock) {
  ManualClock clock({0});
  RandomFaults slow(1, clock, {.slow = 1000}, seconds(2), seconds(30));
  EXPECT_EQ(slow.next(), Fault::kNone);
  EXPECT_EQ(clock.now(), Timestamp{2'000});
  RandomFaults late(1, clock, {.timeout = 1000}, seconds(2), seconds(30));
  EXPECT_EQ(late.next(), Fault::kFailAfter);
  EXPECT_EQ(clock.now(), Timestamp{32'000});
}

TEST(RandomFaults, AfterACrashNothingIsAnsweredUntilItLivesAgain) {
  ManualClock clock({0});
  RandomFaults faults(1, clock, {.crash = 1000});
  EXPECT_THROW(faults.next(), RandomFaults::Crash);
  EXPECT_THROW(faults.next(), RandomFaults::Crash);
  std::jthread([&] { EXPECT_EQ(faults.next(), Fault::kFailBefore); }).join();
  EXPECT_EQ(faults.count(Mishap::kCrash), 1);
  faults.calm();
  EXPECT_EQ(faults.next(), Fault::kNone);
}

TEST(CallWith, TheEffectIsThereOrNotAsTheFaultSays) {
  int effects = 0;
  const auto call = [&]() -> Result<int> { return ++effects; };
  EXPECT_ERROR(call_with(Fault::kFailBefore, "put", "k", call), ErrorCode::kUnreachable);
  EXPECT_EQ(effects, 0);
  const Result<int> lost = call_with(Fault::kFailAfter, "put", "k", call);
  EXPECT_ERROR(lost, ErrorCode::kUnreachable);
  EXPECT_TRUE(lost.error().retryable);
  EXPECT_EQ(lost.error().object, "k");
  EXPECT_EQ(effects, 1);
  EXPECT_EQ(testing::value(call_with(Fault::kNone, "put", "k", call)), 2);
}

}  // namespace
}  // namespace changevault
