#include "hub/memory/memory_hub.h"

#include <gtest/gtest.h>

#include "base/manual_clock.h"
#include "tests/support/expect.h"

namespace changevault::testing {
namespace {

constexpr Timestamp kStart{1'736'949'600'000};
constexpr PartitionId kZero{0};
constexpr PartitionId kOne{1};

class MemoryHubTest : public ::testing::Test {
 protected:
  std::unique_ptr<Consumer> reader() {
    auto consumer = value(hub_.join("g"));
    EXPECT_EQ(value(consumer->poll(milliseconds(0), {})).assigned.size(), 2U);
    EXPECT_OK(consumer->seek(kZero, Sequence(0)));
    EXPECT_OK(consumer->seek(kOne, Sequence(0)));
    return consumer;
  }

  ManualClock clock_{kStart};
  MemoryHub hub_{2, clock_};
};

TEST_F(MemoryHubTest, AppendsWithAChosenTime) {
  EXPECT_EQ(hub_.append(kOne, "a", kStart - hours(1)), Sequence(0));
  EXPECT_EQ(hub_.append(kOne, "b", kStart - hours(2)), Sequence(1));
  EXPECT_EQ(value(hub_.read(kOne, Sequence(1)))->events[0].broker_time, kStart - hours(2));
  EXPECT_TRUE(value(hub_.clock()).live);
  hub_.append(kOne, "c", kStart - hours(3), false);
  EXPECT_EQ(value(hub_.clock()).now, kStart - hours(1));
}

TEST_F(MemoryHubTest, RevokedAndLostPartitionsBringNothingMore) {
  auto consumer = reader();
  hub_.append(kZero, "a", kStart);
  hub_.append(kOne, "b", kStart);
  hub_.revoke("g", kZero);
  EXPECT_EQ(value(consumer->poll(seconds(1), {})).revoked, std::vector{kZero});
  EXPECT_EQ(value(consumer->poll(seconds(1), {})).batch->partition, kOne);
  hub_.lose("g", kOne);
  EXPECT_EQ(value(consumer->poll(seconds(1), {})).lost, std::vector{kOne});
  EXPECT_TRUE(value(consumer->poll(seconds(1), {})).idle());
  EXPECT_ERROR(consumer->seek(kOne, Sequence(0)), ErrorCode::kUsage);
  hub_.assign("g", kOne);
  EXPECT_EQ(value(consumer->poll(seconds(1), {})).assigned, std::vector{kOne});
  EXPECT_OK(consumer->seek(kOne, Sequence(0)));
  EXPECT_EQ(value(consumer->poll(seconds(1), {})).batch->events.size(), 1U);
}

TEST_F(MemoryHubTest, TrimmedPositionsAreNotFound) {
  for (int i = 0; i < 4; ++i) hub_.append(kZero, "x", kStart);
  auto consumer = reader();
  hub_.trim(kZero, Sequence(3));
  EXPECT_ERROR(consumer->poll(seconds(1), {}), ErrorCode::kNotFound);
  EXPECT_FALSE(value(hub_.read(kZero, Sequence(2))));
  EXPECT_OK(consumer->seek(kZero, Sequence(3)));
  EXPECT_EQ(value(consumer->poll(seconds(1), {})).batch->events.size(), 1U);
}

TEST_F(MemoryHubTest, PositionsWithoutEventsArePassed) {
  hub_.append(kZero, "a", kStart);
  hub_.skip(kZero, 2);
  hub_.append(kZero, "b", kStart);
  hub_.skip(kZero, 1);
  auto consumer = reader();
  const Poll poll = value(consumer->poll(seconds(1), {}));
  ASSERT_EQ(poll.batch->events.size(), 2U);
  EXPECT_EQ(poll.batch->events[1].sequence, Sequence(3));
  EXPECT_EQ(poll.batch->next, Sequence(5));
  EXPECT_TRUE(poll.batch->at_end);
  EXPECT_FALSE(value(hub_.read(kZero, Sequence(1))));
}

TEST_F(MemoryHubTest, AReplacedHubHasAnotherIdentityAndNoEvents) {
  hub_.append(kZero, "a", kStart);
  auto consumer = reader();
  for (int end = 0; end < 2; ++end) value(consumer->poll(seconds(1), {}));
  hub_.replace("another");
  EXPECT_EQ(value(hub_.describe()).identity, "another");
  EXPECT_EQ(value(hub_.bounds())[0].next, Sequence(0));
  EXPECT_ERROR(consumer->poll(seconds(1), {}), ErrorCode::kValidation);
}

}  // namespace
}  // namespace changevault::testing
