#include "model/hour.h"

#include <gtest/gtest.h>

namespace changevault {
namespace {

TEST(Hour, HoldsItsStartAndNotItsEnd) {
  const Hour hour = hour_of(*parse_rfc3339("2025-01-15T14:30:00Z"));
  EXPECT_EQ(hour_of(hour.start()), hour);
  EXPECT_EQ(hour_of(hour.end() - milliseconds(1)), hour);
  EXPECT_EQ(hour_of(hour.end()), hour.next());
  EXPECT_EQ(hour_of(hour.start() - milliseconds(1)).next(), hour);
}

TEST(Hour, RoundsDownBeforeTheEpochToo) {
  EXPECT_EQ(hour_of({-1}), (Hour{-1}));
  EXPECT_EQ(hour_of({-3'600'000}), (Hour{-1}));
  EXPECT_EQ(hour_of({-3'600'001}), (Hour{-2}));
  EXPECT_EQ(hour_of({0}), (Hour{0}));
}

TEST(Hour, PrintsAsSealsAndNamesWriteIt) {
  const Hour hour = hour_of(*parse_rfc3339("2025-01-05T04:30:00Z"));
  EXPECT_EQ(to_string(hour), "2025-01-05T04:00:00Z");
  EXPECT_EQ(date_path(hour), "2025/01/05");
  EXPECT_EQ(hour_digits(hour), "04");
}

TEST(Hour, ReadsOnlyWholeHours) {
  const Hour hour = hour_of(*parse_rfc3339("2025-01-05T04:00:00Z"));
  EXPECT_EQ(parse_hour(to_string(hour)), hour);
  EXPECT_EQ(parse_hour("2025-01-05T04:00:01Z"), std::nullopt);
  EXPECT_EQ(parse_hour("2025-01-05T04:00:00.001Z"), std::nullopt);
  EXPECT_EQ(parse_hour("2025-01-05T24:00:00Z"), std::nullopt);
  EXPECT_EQ(parse_hour("14"), std::nullopt);
}

TEST(TimeRange, IsHalfOpen) {
  const Hour hour{100};
  const TimeRange range{hour.start(), hour.end()};
  EXPECT_TRUE(range.contains(hour.start()));
  EXPECT_FALSE(range.contains(hour.end()));
  EXPECT_TRUE(range.touches(hour));
  EXPECT_FALSE(range.touches(hour.next()));
  EXPECT_TRUE(range.covers(hour));
  EXPECT_FALSE((TimeRange{hour.start() + milliseconds(1), hour.end()}.covers(hour)));
  EXPECT_TRUE((TimeRange{hour.start() + milliseconds(1), hour.end()}.touches(hour)));
}

TEST(TimeRange, OverlapsByInclusiveTimesOfRecords) {
  const TimeRange range{{1000}, {2000}};
  EXPECT_TRUE(range.overlaps({0}, {1000}));
  EXPECT_FALSE(range.overlaps({0}, {999}));
  EXPECT_TRUE(range.overlaps({1999}, {5000}));
  EXPECT_FALSE(range.overlaps({2000}, {5000}));
}

TEST(TimeRange, UnboundedTakesAll) {
  const TimeRange all;
  EXPECT_FALSE(all.bounded());
  EXPECT_TRUE(all.covers(Hour{0}));
  EXPECT_FALSE((TimeRange{{0}, Timestamp{INT64_MAX}}.bounded()));
  EXPECT_TRUE((TimeRange{{0}, {1}}.bounded()));
}

}  // namespace
}  // namespace changevault
