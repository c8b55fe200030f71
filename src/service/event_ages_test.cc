#include "service/event_ages.h"

#include <gtest/gtest.h>

#include "base/manual_clock.h"
#include "hub/faulty_hub.h"
#include "hub/memory/memory_hub.h"

namespace changevault {
namespace {

constexpr PartitionId kP0{0};
constexpr PartitionId kP1{1};
constexpr Timestamp kNow{1'736'899'200'000};

GroupPosition position(MemoryHub& hub, std::optional<std::int64_t> next) {
  const auto all = hub.bounds();
  return {kP0, next ? std::optional(Sequence(*next)) : std::nullopt, all->front()};
}

TEST(EventAgesTest, AReaderIsAsOldAsItsNextEvent) {
  ManualClock clock{kNow};
  MemoryHub hub(1, clock);
  for (int n = 0; n < 3; ++n) hub.append(kP0, "event", kNow - seconds(90 - 30 * n));
  EventAges ages(hub);
  EXPECT_EQ(ages.lag_of(position(hub, std::nullopt)), seconds(90))
      << "a new group would begin with the first";
  EXPECT_EQ(ages.lag_of(position(hub, 1)), seconds(60));
  EXPECT_EQ(ages.lag_of(position(hub, 3)), Duration{});
  hub.trim(kP0, Sequence(2));
  EXPECT_EQ(ages.lag_of(position(hub, 1)), std::nullopt) << "it is gone";
  EXPECT_EQ(ages.of(kP0, Sequence(2))->time, kNow - seconds(30));
}

// The hub's clock stands at the newest event then, not at the time of the import.
TEST(EventAgesTest, BehindAnImportTheHubsClockCounts) {
  ManualClock clock{kNow};
  MemoryHub hub(2, clock);
  hub.append(kP0, "event", kNow - hours(48), false);
  hub.append(kP1, "event", kNow - hours(47), false);
  EXPECT_EQ(EventAges(hub).lag_of(position(hub, 0)), hours(1));
}

TEST(EventAgesTest, NoEventIsOlderThanTheClockAllows) {
  ManualClock clock{kNow};
  MemoryHub hub(1, clock);
  hub.append(kP0, "event", kNow + seconds(5));
  EXPECT_EQ(EventAges(hub).lag_of(position(hub, 0)), Duration{});
}

TEST(EventAgesTest, AHubThatFailsIsAskedOnce) {
  ManualClock clock{kNow};
  MemoryHub inner(1, clock);
  inner.append(kP0, "event", kNow);
  int asked = 0;
  FaultyHub hub(inner, [&](HubOperation operation, const std::string&) {
    asked += operation == HubOperation::kRead ? 1 : 0;
    return operation == HubOperation::kRead ? Fault::kFailBefore : Fault::kNone;
  });
  EventAges ages(hub);
  for (int n = 0; n < 3; ++n) EXPECT_FALSE(ages.of(kP0, Sequence(0)));
  EXPECT_EQ(asked, 1);
}

}  // namespace
}  // namespace changevault
