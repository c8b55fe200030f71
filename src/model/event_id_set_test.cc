#include "model/event_id_set.h"

#include <random>
#include <set>

#include <gtest/gtest.h>

namespace changevault {
namespace {

std::set<EventId> content(const EventIdSet& ids) {
  std::set<EventId> out;
  ids.for_each([&](const EventId& id) { EXPECT_TRUE(out.insert(id).second); });
  return out;
}

TEST(EventIdSet, HoldsWhatAnOrderedSetHolds) {
  // Few different ids, so that many meet, in the forms that others give them: numbers in a row, only high
  // bits, only low ones, hashes, the one of zeros.
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937_64 dice(seed);
    const std::uint64_t different = 1 + dice() % 3000;
    EventIdSet ids;
    std::set<EventId> reference;
    for (int step = 0; step < 6000; ++step) {
      const std::uint64_t n = dice() % different;
      const EventId forms[] = {{0, n}, {n, 0}, {n << 52, n}, {n * 0x9E3779B97F4A7C15U, ~n}};
      const EventId id = forms[seed % 4];
      switch (dice() % 5) {
        case 0:
        case 1:
          ASSERT_EQ(ids.insert(id), reference.insert(id).second) << seed;
          break;
        case 2:
          ASSERT_EQ(ids.contains(id), reference.contains(id)) << seed;
          break;
        default:
          ASSERT_EQ(ids.erase(id), reference.erase(id) > 0) << seed;
      }
      ASSERT_EQ(ids.size(), reference.size()) << seed;
    }
    EXPECT_EQ(content(ids), reference) << seed;
    for (const EventId& id : reference) EXPECT_TRUE(ids.erase(id));
    EXPECT_TRUE(ids.empty());
    EXPECT_TRUE(content(ids).empty());
  }
}

TEST(EventIdSet, TheIdOfZerosIsOneAsAnyOther) {
  EventIdSet ids;
  EXPECT_FALSE(ids.contains({}));
  EXPECT_FALSE(ids.erase({}));
  EXPECT_TRUE(ids.insert({}));
  EXPECT_FALSE(ids.insert({}));
  EXPECT_TRUE(ids.contains({}));
  EXPECT_EQ(ids.size(), 1U);
  EXPECT_EQ(content(ids), std::set<EventId>{EventId{}});
  EXPECT_TRUE(ids.erase({}));
  EXPECT_TRUE(ids.empty());
}

TEST(EventIdSet, NumbersInARowAreSpread) {
  // A million of them take a moment; a table that keeps them side by side would take hours.
  EventIdSet ids;
  for (std::uint64_t n = 1; n <= 1'000'000; ++n) ids.insert({n << 40, 0});
  EXPECT_EQ(ids.size(), 1'000'000U);
  for (std::uint64_t n = 1; n <= 1'000'000; n += 7) ASSERT_TRUE(ids.contains({n << 40, 0}));
}

}  // namespace
}  // namespace changevault
