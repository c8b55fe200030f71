#include "base/time.h"

#include <gtest/gtest.h>

#include "tests/support/generator.h"

namespace changevault {
namespace {

TEST(Time, PrintsMillisecondsOfUtc) {
  EXPECT_EQ(to_rfc3339({0}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_rfc3339({-1}), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(to_rfc3339({1736949787042}), "2025-01-15T14:03:07.042Z");
  EXPECT_EQ(to_rfc3339_seconds({1736949787042}), "2025-01-15T14:03:07Z");
  EXPECT_EQ(to_rfc3339({1709164800000}), "2024-02-29T00:00:00.000Z");
}

TEST(Time, IsAlwaysTwentyFourCharacters) {
  for (const std::int64_t ms : {INT64_MIN, std::int64_t{-62'167'219'200'001}, std::int64_t{0}, INT64_MAX}) {
    EXPECT_EQ(to_rfc3339({ms}).size(), 24U) << ms;
  }
  EXPECT_EQ(to_rfc3339({INT64_MIN}), "0000-01-01T00:00:00.000Z");
  EXPECT_EQ(to_rfc3339({INT64_MAX}), "9999-12-31T23:59:59.999Z");
}

TEST(Time, ReadsWhatOthersWrite) {
  const Timestamp expected{1736949787042};
  for (const char* text :
       {"2025-01-15T14:03:07.042Z", "2025-01-15t14:03:07.042z", "2025-01-15 14:03:07.042Z",
        "2025-01-15T14:03:07.0429999Z", "2025-01-15T15:03:07.042+01:00", "2025-01-15T08:33:07.042-05:30"}) {
    EXPECT_EQ(parse_rfc3339(text), expected) << text;
  }
  EXPECT_EQ(parse_rfc3339("2025-01-15T14:03:07Z"), (Timestamp{1736949787000}));
  EXPECT_EQ(parse_rfc3339("2025-01-15T14:03:07.5Z"), (Timestamp{1736949787500}));
}

TEST(Time, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "now", "2025-01-15", "2025-01-15T14:03:07", "2025-02-29T00:00:00Z", "2025-02-30T00:00:00Z",
        "2025-13-01T00:00:00Z", "2025-00-10T00:00:00Z", "2025-01-15T24:00:00Z", "2025-01-15T14:60:00Z",
        "2025-01-15T14:03:60Z", "2025-01-15T14:03:07.Z", "2025-01-15T14:03:07+1:00",
        "2025-01-15T14:03:07+24:00", "2025-01-15T14:03:07Zx", "2025/01/15T14:03:07Z", "-025-01-15T14:03:07Z",
        "2025-01-15T14:03:07\xE2\x80\x8BZ", "+025-01-15T14:03:07Z"}) {
    EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
  }
}

TEST(Time, ReadsBackWhateverItPrints) {
  constexpr std::uint64_t kSeed = 20250115;
  testing::Prng random(kSeed);
  for (int i = 0; i < 20'000; ++i) {
    const Timestamp time{static_cast<std::int64_t>(random.below(253'402'300'800'000 + 62'167'219'200'000)) -
                         62'167'219'200'000};
    ASSERT_EQ(parse_rfc3339(to_rfc3339(time)), time) << "seed " << kSeed << ": " << time.ms;
  }
}

TEST(Time, RefusesTimesThatItCouldNotPrint) {
  EXPECT_EQ(parse_rfc3339("0000-01-01T00:00:00.000+00:01"), std::nullopt);
  EXPECT_EQ(parse_rfc3339("9999-12-31T23:59:59.999-00:01"), std::nullopt);
  EXPECT_TRUE(parse_rfc3339("0000-01-01T00:01:00.000+00:01"));
  EXPECT_TRUE(parse_rfc3339("9999-12-31T23:58:59.999-00:01"));
}

TEST(Time, KnowsWhichDaysThereAre) {
  EXPECT_TRUE(from_date(2024, 2, 29));
  EXPECT_FALSE(from_date(2025, 2, 29));
  EXPECT_FALSE(from_date(1900, 2, 29));
  EXPECT_TRUE(from_date(2000, 2, 29));
  EXPECT_FALSE(from_date(2025, 4, 31));
  EXPECT_FALSE(from_date(2025, 0, 1));
  EXPECT_FALSE(from_date(2025, 1, 0));
  EXPECT_FALSE(from_date(10000, 1, 1));
  EXPECT_FALSE(from_date(-1, 1, 1));
}

TEST(Time, CivilTimeBeforeTheEpochIsNotNegative) {
  const CivilTime c = to_civil({-1});
  EXPECT_EQ(c.year, 1969);
  EXPECT_EQ(c.month, 12);
  EXPECT_EQ(c.day, 31);
  EXPECT_EQ(c.hour, 23);
  EXPECT_EQ(c.millisecond, 999);
}

TEST(Duration, ReadsEveryUnit) {
  EXPECT_EQ(parse_duration("90ms"), milliseconds(90));
  EXPECT_EQ(parse_duration("60s"), seconds(60));
  EXPECT_EQ(parse_duration("5min"), minutes(5));
  EXPECT_EQ(parse_duration("5m"), minutes(5));
  EXPECT_EQ(parse_duration("1h"), hours(1));
  EXPECT_EQ(parse_duration("2d"), hours(48));
  EXPECT_EQ(parse_duration("0s"), seconds(0));
}

TEST(Duration, RefusesTheRest) {
  for (const char* text :
       {"", "5", "s", "-5s", "5 s", "5sec", "1.5h", "99999999999999999999s", "9223372036854775807d", "+5s"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(Duration, PrintsTheShortestExactForm) {
  EXPECT_EQ(to_string(hours(48)), "2d");
  EXPECT_EQ(to_string(hours(25)), "25h");
  EXPECT_EQ(to_string(minutes(5)), "5min");
  EXPECT_EQ(to_string(seconds(61)), "61s");
  EXPECT_EQ(to_string(milliseconds(1)), "1ms");
  EXPECT_EQ(to_string(seconds(0)), "0ms");
}

}  // namespace
}  // namespace changevault
