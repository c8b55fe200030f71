// Rows of which a few fill the memory that the warehouse may use: events of many MiB. A database reads the
// rows of a group 2,048 at a time, and such a group of them can be far larger than the memory.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/hash.h"
#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"
#include "warehouse/duckdb/duckdb_session.h"
#include "warehouse/duckdb/duckdb_warehouse.h"

namespace changevault {
namespace {

using testing::TempDir;
using testing::value;

constexpr std::int64_t kMiB = std::int64_t{1} << 20;
constexpr Timestamp kNoon{1'736'942'400'000};

// Segments of numbered events with documents of one size.
class WideFeed final : public RecordFeed {
 public:
  SegmentRef add(const std::string& key, int from, int to, std::int64_t bytes) {
    segments_[key] = {from, to, bytes};
    return {key, sha256_hex(key), PartitionId(0), Slot(1), to - from};
  }
  // From the `reading`-th reading on (the first is 1), the last record's document is another one.
  void change_from_reading(int reading) { change_from_ = reading; }

  Result<void> read(const SegmentRef& segment, const EachRecord& each) override {
    ++readings_;
    const Part part = segments_.at(segment.key);
    for (int n = part.from; n < part.to; ++n) {
      const bool changed = change_from_ > 0 && readings_ >= change_from_ && n + 1 == part.to;
      const std::string id = to_string(EventId::of_token("wide", std::to_string(n)));
      const std::string line =
          "\"" + std::string(static_cast<std::size_t>(part.bytes), changed ? '!' : 'x') + "\"";
      RecordView view;
      view.event_id = id;
      view.enqueued_time = kNoon;
      view.partition_id = "0";
      view.sequence_number = n;
      view.operation_type = "insert";
      view.full_document = line;
      view.raw_event = line;
      view.line = line;
      CV_TRY(each(view));
    }
    return {};
  }

 private:
  struct Part {
    int from = 0;
    int to = 0;
    std::int64_t bytes = 0;
  };
  std::map<std::string, Part> segments_;
  int change_from_ = 0;
  int readings_ = 0;
};

class DuckDbWideRows : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_OK(make()->prepare()); }
  std::unique_ptr<Warehouse> make(std::int64_t memory = 64 * kMiB) {
    WarehouseOptions options;
    options.memory_limit = memory;
    options.lock_timeout = seconds(5);
    return value(DuckDbWarehouse::open(dir_ / "warehouse.duckdb", options, system_clock()));
  }
  std::string answer(const std::string& statement) {
    return value(make()->sql(statement)).rows.at(0).at(0).value_or("NULL");
  }
  void expect_rows(const std::string& count) {
    EXPECT_EQ(answer("SELECT count(*) FROM mongodb_changes"), count);
    EXPECT_EQ(answer("SELECT count(DISTINCT event_id) FROM mongodb_changes"), count);
  }

  TempDir dir_;
  WideFeed feed_;
};

// Small loads add up to a table that is larger than the memory: no row of an earlier one is lost.
TEST_F(DuckDbWideRows, ManySmallLoadsKeepEveryRow) {
  for (int n = 0; n < 24; ++n) {
    const SegmentRef segment = feed_.add("s" + std::to_string(n), n, n + 1, 4 * kMiB);
    ASSERT_OK(make()->load(std::vector{segment}, feed_));
    ASSERT_EQ(answer("SELECT count(*) FROM mongodb_changes"), std::to_string(n + 1));
  }
  expect_rows("24");
  EXPECT_EQ(answer("SELECT sum(rows_inserted)::BIGINT FROM changevault_loads"), "24");
}

TEST_F(DuckDbWideRows, ASegmentLargerThanTheMemoryIsLoaded) {
  const SegmentRef segment = feed_.add("large", 0, 40, 4 * kMiB);
  const auto loaded = value(make()->load(std::vector{segment}, feed_));
  EXPECT_EQ(loaded.at(0).inserted, 40);
  EXPECT_EQ(loaded.at(0).rows, 40);
  expect_rows("40");
  EXPECT_EQ(answer("SELECT count(*) FROM changevault_loads WHERE kind = 'live'"), "1");
}

TEST_F(DuckDbWideRows, WhatIsThereAlreadyIsNotInsertedAgain) {
  ASSERT_OK(make()->load(std::vector{feed_.add("some", 10, 13, 4 * kMiB)}, feed_));
  const auto loaded = value(make()->load(std::vector{feed_.add("large", 0, 40, 4 * kMiB)}, feed_));
  EXPECT_EQ(loaded.at(0).inserted, 37);
  EXPECT_EQ(loaded.at(0).already_present, 3);
  expect_rows("40");
}

// The bytes were proven by the first reading; what a later one gives must be the same.
TEST_F(DuckDbWideRows, RowsThatDifferFromTheProvenReadingAreNotLoaded) {
  const SegmentRef segment = feed_.add("large", 0, 40, 4 * kMiB);
  feed_.change_from_reading(3);
  EXPECT_ERROR(make()->load(std::vector{segment}, feed_), ErrorCode::kCorrupt);
  EXPECT_EQ(answer("SELECT count(*) FROM mongodb_changes WHERE starts_with(raw_event::VARCHAR, '\"!')"), "0");
  EXPECT_EQ(answer("SELECT count(*) FROM changevault_loads"), "0");
  feed_.change_from_reading(0);
  ASSERT_OK(make()->load(std::vector{segment}, feed_));
  expect_rows("40");
}

// A merge is one transaction, so it may want more; then nothing of it happened.
TEST_F(DuckDbWideRows, AMergeWithoutRoomInsertsNothingAndSaysWhatHelps) {
  const SegmentRef segment = feed_.add("large", 0, 40, 4 * kMiB);
  ASSERT_OK(make()->stage("r1", std::vector{segment}, feed_, StageContent::kFacts));
  const StageFacts facts = value(make()->stage_facts("r1"));
  EXPECT_EQ(facts.rows, 40);
  const auto refused = make()->merge("r1", std::vector{segment}, feed_);
  EXPECT_ERROR(refused, ErrorCode::kUnreachable);
  EXPECT_NE(refused.error().hint.find("warehouse.memory"), std::string::npos) << refused.error().hint;
  EXPECT_EQ(value(make()->merged("r1")), std::nullopt);
  expect_rows("0");
  EXPECT_EQ(value(make(1024 * kMiB)->merge("r1", std::vector{segment}, feed_)).inserted, 40);
  EXPECT_EQ(value(make()->recheck("r1")).missing, 0);
  ASSERT_OK(make()->drop_stage("r1"));
  expect_rows("40");
}

TEST(DuckDbFailure, OutOfMemoryIsNoLostRace) {
  for (const char* message :
       {"TransactionContext Error: Failed to commit: failed to pin block of size 15.9 MiB (246.9 MiB/256.0 "
        "MiB used)",
        "TransactionContext Error: Failed to commit: Failed to create checkpoint because of error: could not "
        "allocate block of size 15.9 MiB (247.2 MiB/256.0 MiB used)"}) {
    const Error error = duckdb_failure(DUCKDB_ERROR_TRANSACTION, message);
    EXPECT_EQ(error.code, ErrorCode::kUnreachable);
    EXPECT_FALSE(error.retryable);
    EXPECT_NE(error.hint.find("warehouse.memory"), std::string::npos) << error.hint;
    EXPECT_NE(error.hint.find("load.batch_bytes"), std::string::npos) << error.hint;
  }
  const Error race =
      duckdb_failure(DUCKDB_ERROR_TRANSACTION, "TransactionContext Error: Conflict on update!");
  EXPECT_EQ(race.code, ErrorCode::kBusy);
  EXPECT_TRUE(race.retryable);
}

}  // namespace
}  // namespace changevault
