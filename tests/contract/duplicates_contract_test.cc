// Rows that stand more than once: what every warehouse does about them.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/hash.h"
#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"
#include "warehouse/duckdb/duckdb_warehouse.h"
#include "warehouse/memory/memory_warehouse.h"

namespace changevault {
namespace {

using testing::TempDir;
using testing::value;

constexpr Timestamp kNoon{1'736'942'400'000};  // 2025-01-15T12:00:00Z
const Hour kHour = hour_of(kNoon);

std::string id_of(int n) {
  return to_string(EventId::of_token("test", std::to_string(n)));
}

// One segment of a collection: events `from` to `to`, a second apart from `start` on.
class NumberedFeed final : public RecordFeed {
 public:
  NumberedFeed(std::string collection, int from, int to, Timestamp start)
      : collection_(std::move(collection)), from_(from), to_(to), start_(start) {}
  Result<void> read(const SegmentRef&, const EachRecord& each) override {
    for (int n = from_; n < to_; ++n) {
      const std::string id = id_of(n);
      RecordView record;
      record.event_id = id;
      record.processed_timestamp = start_;
      record.partition_id = "0";
      record.offset = "7";
      record.sequence_number = n;
      record.enqueued_time = start_ + seconds(n);
      record.operation_type = "insert";
      record.database_name = "shop";
      record.collection_name = collection_;
      record.document_key = R"({"_id":1})";
      if (n % 2 == 0) record.full_document = R"({"a":1})";
      record.raw_event = R"({"operationType":"insert"})";
      CV_TRY(each(record));
    }
    return {};
  }

 private:
  std::string collection_;
  int from_;
  int to_;
  Timestamp start_;
};

class DuplicatesContract : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (std::string(GetParam()) == "memory") {
      auto memory = std::make_unique<MemoryWarehouse>(system_clock());
      memory_ = memory.get();
      warehouse_ = std::move(memory);
    } else {
      warehouse_ = value(DuckDbWarehouse::open(dir_ / "warehouse.duckdb", {}, system_clock()));
    }
    ASSERT_OK(warehouse_->prepare());
    load("orders", 0, 20, kNoon);
    load("users", 20, 30, kNoon + hours(1));
  }

  void load(const std::string& collection, int from, int to, Timestamp start) {
    NumberedFeed feed(collection, from, to, start);
    const SegmentRef segment{collection, sha256_hex(collection), PartitionId(0), Slot(1), to - from};
    ASSERT_OK(warehouse_->load({&segment, 1}, feed));
  }
  // Adds copies of these events' first rows, as a program that does not ask would.
  void copy(int from, int to, int times = 1, const std::string& set = {}) {
    for (int i = 0; i < times; ++i) {
      for (int n = from; n < to; ++n) copy_one(id_of(n), set);
    }
  }
  std::int64_t rows() {
    std::int64_t out = 0;
    for (const WarehouseCell& cell : value(warehouse_->cells({}))) out += cell.rows;
    return out;
  }
  std::int64_t rows_of(int n) {
    if (memory_ == nullptr)
      return std::stoll(
          *value(warehouse_->sql("SELECT count(*) FROM mongodb_changes WHERE event_id = '" + id_of(n) + "'"))
               .rows.at(0)
               .at(0));
    const auto all = memory_->rows();
    return std::count_if(all.begin(), all.end(), [&](const auto& row) { return row.event_id == id_of(n); });
  }
  // "enqueued", "null id", "document": what of the copy is other.
  void copy_one(const std::string& id, const std::string& other) {
    if (memory_ != nullptr) {
      std::vector<MemoryWarehouse::Row> all = memory_->rows();
      MemoryWarehouse::Row row = *std::find_if(
          all.begin(), all.end(), [&](const auto& candidate) { return candidate.event_id == id; });
      if (other == "enqueued") row.enqueued_time = row.enqueued_time + hours(1);
      if (other == "null id") row.event_id.clear();
      if (other == "document") row.full_document = R"({"a":2})";
      all.push_back(row);
      memory_->set_rows(std::move(all));
      return;
    }
    std::string columns = "* REPLACE (now()::TIMESTAMP AS _snowflake_ingested_at";
    if (other == "enqueued") columns += ", enqueued_time + INTERVAL 1 HOUR AS enqueued_time";
    if (other == "null id") columns += ", NULL AS event_id";
    if (other == "document") columns += ", '{\"a\":2}' AS full_document";
    ASSERT_OK(warehouse_->sql("INSERT INTO mongodb_changes SELECT " + columns +
                              ") FROM mongodb_changes WHERE event_id = '" + id + "' LIMIT 1"));
  }
  // All parts of the side table.
  std::int64_t remove_all(const std::string& id) {
    std::int64_t removed = 0;
    const DuplicateStage stage = value(warehouse_->duplicate_stage(id));
    for (std::int64_t part = 0; part < stage.parts; ++part)
      removed += value(warehouse_->remove_duplicates(id, part));
    return removed;
  }

  TempDir dir_;
  std::unique_ptr<Warehouse> warehouse_;
  MemoryWarehouse* memory_ = nullptr;  // where it is that one
};

TEST_P(DuplicatesContract, WithoutAnyThereIsNothing) {
  const DuplicateFacts facts = value(warehouse_->duplicates({}, 5));
  EXPECT_TRUE(facts.cells.empty());
  EXPECT_EQ(facts.sum, DuplicateSum());
  ASSERT_OK(warehouse_->stage_duplicates("r1", {}, 10));
  EXPECT_EQ(value(warehouse_->duplicate_stage("r1")).parts, 0);
  ASSERT_OK(warehouse_->drop_stage("r1"));
}

TEST_P(DuplicatesContract, FindsEqualAndUnequalRowsByCell) {
  copy(0, 3);
  copy(2, 3, 2);
  copy(5, 6, 1, "document");
  copy(6, 7, 1, "enqueued");
  copy(8, 9, 3, "null id");
  const DuplicateFacts facts = value(warehouse_->duplicates({}, 2));
  EXPECT_EQ(facts.sum.ids, 3);
  EXPECT_EQ(facts.sum.rows, 8);
  std::uint64_t digest = 0;
  for (const int n : {0, 1, 2}) digest += EventId::of_text(id_of(n)).high;
  EXPECT_EQ(facts.sum.digest, digest);
  ASSERT_EQ(facts.cells.size(), 2U);
  EXPECT_EQ(facts.cells[0], (DuplicateCell{kHour, {"shop", "orders"}, 3, 8, 2, 3}));
  EXPECT_EQ(facts.cells[1], (DuplicateCell{Hour{kHour.index + 1}, {"shop", "orders"}, 0, 0, 1, 1}));
  ASSERT_EQ(facts.examples.size(), 2U);
  ASSERT_EQ(facts.unequal.size(), 2U);
  for (const DuplicateExample& example : facts.unequal) {
    EXPECT_EQ(example.rows, 2);
    EXPECT_EQ(example.differs, example.event_id == id_of(5) ? "full_document" : "enqueued_time");
  }
}

TEST_P(DuplicatesContract, AScopeTakesItsOwn) {
  copy(0, 3);
  copy(25, 30);
  copy(6, 7, 1, "enqueued");
  Scope scope;
  scope.collection = "us*";
  EXPECT_EQ(value(warehouse_->duplicates(scope, 0)).sum.ids, 5);
  scope = {};
  scope.time = {kHour.start(), kHour.end()};
  EXPECT_EQ(value(warehouse_->duplicates(scope, 0)).sum.ids, 3);
  scope.time = {kHour.end(), kHour.next().end()};
  const DuplicateFacts next = value(warehouse_->duplicates(scope, 0));
  EXPECT_EQ(next.sum.ids, 5);
  ASSERT_EQ(next.cells.size(), 3U) << "an event of two hours is looked at in both";
  scope = {};
  scope.hours_of_day = {13, 13};
  EXPECT_EQ(value(warehouse_->duplicates(scope, 0)).sum.ids, 5);
  scope.database = "other";
  EXPECT_TRUE(value(warehouse_->duplicates(scope, 0)).cells.empty());
}

TEST_P(DuplicatesContract, RemovesAllButTheFirstPartByPart) {
  copy(0, 12);
  copy(3, 4, 20);
  copy(15, 16, 1, "document");
  const std::int64_t before = rows();
  ASSERT_OK(warehouse_->stage_duplicates("r1", {}, 5));
  const DuplicateStage stage = value(warehouse_->duplicate_stage("r1"));
  EXPECT_EQ(stage.sum, value(warehouse_->duplicates({}, 0)).sum);
  EXPECT_GE(stage.parts, 2);
  EXPECT_LE(stage.parts, 8);
  EXPECT_EQ(value(warehouse_->stages()), std::vector<std::string>{"r1"});
  const std::int64_t first = value(warehouse_->remove_duplicates("r1", 0));
  EXPECT_GT(first, 0);
  EXPECT_EQ(rows(), before - first);
  EXPECT_EQ(value(warehouse_->duplicate_stage("r1")).removed, first);
  EXPECT_EQ(value(warehouse_->remove_duplicates("r1", 0)), first) << "said again, done once";
  EXPECT_EQ(rows(), before - first);
  EXPECT_EQ(value(warehouse_->recheck("r1")).missing, 0);
  EXPECT_GT(value(warehouse_->recheck("r1")).duplicate, 0);
  EXPECT_EQ(remove_all("r1"), 32);
  EXPECT_EQ(rows(), before - 32);
  for (int n = 0; n < 30; ++n) EXPECT_EQ(rows_of(n), n == 15 ? 2 : 1) << n;
  const Warehouse::Recheck check = value(warehouse_->recheck("r1"));
  EXPECT_EQ(check.missing, 0);
  EXPECT_EQ(check.duplicate, 0);
  EXPECT_ERROR(warehouse_->remove_duplicates("r1", 99), ErrorCode::kUsage);
  ASSERT_OK(warehouse_->drop_stage("r1"));
  EXPECT_ERROR(warehouse_->remove_duplicates("r1", 0), ErrorCode::kNotFound);
  EXPECT_TRUE(value(warehouse_->stages()).empty());
}

TEST_P(DuplicatesContract, WhatChangedSinceIsNotRemoved) {
  copy(0, 4);
  ASSERT_OK(warehouse_->stage_duplicates("r1", {}, 100));
  const std::int64_t before = rows();
  copy(2, 3, 1, "document");
  EXPECT_ERROR(warehouse_->remove_duplicates("r1", 0), ErrorCode::kStalePlan);
  EXPECT_EQ(rows(), before + 1);
  EXPECT_EQ(value(warehouse_->duplicate_stage("r1")).removed, 0);
  copy(2, 3, 1);
  EXPECT_ERROR(warehouse_->remove_duplicates("r1", 0), ErrorCode::kStalePlan);
}

TEST_P(DuplicatesContract, GroupsOfIdsAreCountedApart) {
  const std::vector<std::vector<std::string>> groups{
      {id_of(0), id_of(1), id_of(99)}, {}, {id_of(25)}, {id_of(98)}};
  EXPECT_EQ(value(warehouse_->count_present_of(groups)), (std::vector<std::int64_t>{2, 0, 1, 0}));
}

INSTANTIATE_TEST_SUITE_P(Drivers, DuplicatesContract, ::testing::Values("memory", "duckdb"),
                         [](const auto& param) { return std::string(param.param); });

}  // namespace
}  // namespace changevault
