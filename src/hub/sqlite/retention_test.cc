#include "hub/sqlite/retention.h"

#include <numeric>

#include <gtest/gtest.h>

#include "base/manual_clock.h"
#include "base/random.h"
#include "hub/sqlite/sqlite_hub.h"
#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"

namespace changevault::testing {
namespace {

constexpr Timestamp kStart{1'736'949'600'000};

class RetentionTest : public ::testing::Test {
 protected:
  void open(SqliteRetention retention, std::int32_t partitions = 1) {
    hub_ = value(SqliteHub::create(path_, partitions, clock_, system_random(), {.retention = retention}));
    producer_ = value(hub_->producer());
  }
  void append(int events, std::size_t bytes = 100, std::optional<Timestamp> time = std::nullopt) {
    std::vector<Message> messages;
    for (int i = 0; i < events; ++i) messages.push_back({std::to_string(i), std::string(bytes, 'x'), time});
    ASSERT_OK(producer_->append(std::move(messages)));
  }
  std::int64_t kept() {
    std::int64_t events = 0;
    for (const PartitionBounds& bounds : value(hub_->bounds()))
      events += bounds.next.value - bounds.first.value;
    return events;
  }
  // The counter, after comparing it with the events themselves.
  std::int64_t bytes() {
    auto database = value(SqliteDatabase::open(path_, SqliteDatabase::Mode::kExisting, clock_));
    const std::int64_t counted = value(database->number("SELECT sum(bytes) FROM partitions"));
    EXPECT_EQ(counted, value(database->number("SELECT ifnull(sum(length(payload)), 0) FROM events")));
    EXPECT_EQ(kept(), value(database->number("SELECT count(*) FROM events")));
    return counted;
  }

  TempDir folder_;
  std::string path_ = folder_ / "hub.db";
  ManualClock clock_{kStart};
  std::unique_ptr<SqliteHub> hub_;
  std::unique_ptr<Producer> producer_;
};

TEST_F(RetentionTest, ByDefaultEverythingStays) {
  open({});
  append(10);
  clock_.advance(hours(24 * 3650));
  append(1);
  EXPECT_EQ(kept(), 11);
  EXPECT_EQ(bytes(), 1100);
}

TEST_F(RetentionTest, OldEventsGoAsNewOnesCome) {
  open({.age = hours(1)}, 3);
  append(30);
  clock_.advance(minutes(59));
  append(1);
  EXPECT_EQ(kept(), 31);
  clock_.advance(minutes(2));
  append(1);
  EXPECT_EQ(kept(), 2);
  bytes();
}

TEST_F(RetentionTest, ByAgeTheFrontStopsAtTheFirstYoungEvent) {
  open({.age = hours(1)});
  append(1, 1, kStart - hours(2));
  append(1, 1, kStart - minutes(1));
  append(1, 1, kStart - hours(3));  // went back: it stays as long as the one before it
  clock_.advance(seconds(2));
  append(1);
  EXPECT_EQ(value(hub_->bounds())[0].first, Sequence(1));
}

// After an import times may go back: how new the events were that went, what is left does not tell.
TEST_F(RetentionTest, HowNewTheEventsWereThatWentIsKept) {
  open({.bytes = 250});
  EXPECT_EQ(value(hub_->bounds())[0].gone, std::nullopt);
  append(1, 100, kStart - hours(3));
  append(1, 100, kStart - hours(1));
  clock_.advance(seconds(2));
  append(1, 100, kStart - hours(2));
  EXPECT_EQ(value(hub_->bounds())[0].gone, kStart - hours(3));
  clock_.advance(seconds(2));
  append(1, 200, kStart - hours(2));
  EXPECT_EQ(value(hub_->bounds())[0].first, Sequence(3));
  EXPECT_EQ(value(hub_->bounds())[0].gone, kStart - hours(1));
}

TEST_F(RetentionTest, BySizeTheOldestGoWhateverTheirPartition) {
  open({.bytes = 1000}, 2);
  append(8);
  EXPECT_EQ(bytes(), 800);
  clock_.advance(seconds(5));
  append(8);
  EXPECT_EQ(bytes(), 1000);
  clock_.advance(seconds(5));
  append(1, 5000);
  EXPECT_EQ(bytes(), 0) << "the newest event need not stay";
}

TEST_F(RetentionTest, ItLooksAtMostOnceASecond) {
  open({.bytes = 1000});
  append(20);
  EXPECT_EQ(bytes(), 1000);
  append(20);
  EXPECT_EQ(bytes(), 3000);
  clock_.advance(seconds(1));
  append(1);
  EXPECT_EQ(bytes(), 1000);
}

TEST_F(RetentionTest, ABacklogGoesPieceByPieceAndKeepsUpWithTheFilling) {
  open({});
  for (int i = 0; i < 20; ++i) append(1000);
  open({.age = seconds(1)});
  clock_.advance(hours(1));
  append(10);
  const std::int64_t after_one = kept();
  EXPECT_GT(after_one, 15'000) << "one append must not do it all";
  EXPECT_LT(after_one, 20'010);
  for (int i = 0; i < 30; ++i) append(1000);
  EXPECT_EQ(kept(), 30'010) << "all that was old is gone";
  bytes();
}

TEST_F(RetentionTest, AReaderThatWasOvertakenIsToldTheOldestThereIs) {
  open({.bytes = 500});
  auto consumer = value(hub_->join("g"));
  value(consumer->poll(milliseconds(0), {}));
  ASSERT_OK(consumer->seek(PartitionId(0), Sequence(0)));
  append(20);
  const auto poll = consumer->poll(milliseconds(0), {});
  EXPECT_ERROR(poll, ErrorCode::kNotFound);
  EXPECT_NE(poll.error().message.find("the oldest is 15"), std::string::npos) << poll.error().message;
}

TEST_F(RetentionTest, TimesAreFoundAmongWhatIsLeft) {
  open({.age = hours(1)});
  for (int minute = 0; minute < 100; ++minute) {
    append(100, 1);
    clock_.advance(minutes(1));
  }
  append(1, 1);
  const PartitionBounds bounds = value(hub_->bounds())[0];
  EXPECT_GT(bounds.first, Sequence(0));
  EXPECT_EQ(value(hub_->at_time(PartitionId(0), kStart)), bounds.first);
  for (const int minute : {50, 77, 99}) {
    EXPECT_EQ(value(hub_->at_time(PartitionId(0), kStart + minutes(minute))), Sequence(minute * 100));
  }
  EXPECT_EQ(value(hub_->at_time(PartitionId(0), kStart + hours(100))), bounds.next);
}

}  // namespace
}  // namespace changevault::testing
