// What every warehouse keeps to, and what only a file between processes can show.
#include <algorithm>
#include <deque>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

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

std::string id_of(int n) {
  return to_string(EventId::of_token("test", std::to_string(n)));
}

struct TestRecord {
  std::string event_id;
  Timestamp enqueued = kNoon;
  std::string operation = "insert";
  std::optional<std::string> database = "shop";
  std::optional<std::string> collection = "orders";
  std::int64_t sequence = 0;
  std::string document = R"({"a":1})";
  std::string partition = "0";
};

TestRecord record(int n, Timestamp enqueued = kNoon) {
  TestRecord out;
  out.event_id = id_of(n);
  out.enqueued = enqueued;
  out.sequence = n;
  return out;
}

IdComparison compare(Warehouse& warehouse, Hour hour, const std::vector<std::string>& ids) {
  const CellIds cell{hour, {"shop", "orders"}, ids};
  const std::vector<IdComparison> answers = value(warehouse.compare({&cell, 1}));
  EXPECT_EQ(answers.size(), 1U);
  return answers.at(0);
}

std::vector<TestRecord> records(int from, int to) {
  std::vector<TestRecord> out;
  for (int n = from; n < to; ++n) out.push_back(record(n));
  return out;
}

// Segments made by hand.
class TestFeed final : public RecordFeed {
 public:
  SegmentRef add(const std::string& key, std::vector<TestRecord> records) {
    const auto count = static_cast<std::int64_t>(records.size());
    segments_[key] = std::move(records);
    return {key, sha256_hex(key), PartitionId(3), Slot(7), count};
  }
  // The segment is damaged: found out behind its last record.
  void damage(const std::string& key) { damaged_.insert(key); }
  void before_read(std::function<void()> hook) { before_read_ = std::move(hook); }

  Result<void> read(const SegmentRef& segment, const EachRecord& each) override {
    if (before_read_) before_read_();
    for (const TestRecord& record : segments_.at(segment.key)) CV_TRY(each(view(record)));
    if (damaged_.contains(segment.key)) return Error(ErrorCode::kCorrupt, "sha256 differs", segment.key);
    return {};
  }

 private:
  static RecordView view(const TestRecord& record) {
    RecordView out;
    out.event_id = record.event_id;
    out.processed_timestamp = record.enqueued;
    out.partition_id = record.partition;
    out.offset = "17";
    out.sequence_number = record.sequence;
    out.enqueued_time = record.enqueued;
    out.operation_type = record.operation;
    if (record.database) out.database_name = *record.database;
    if (record.collection) out.collection_name = *record.collection;
    out.document_key = R"({"_id":1})";
    out.full_document = record.document;
    out.cluster_time = R"({"$timestamp":{"t":1,"i":2}})";
    out.raw_event = record.document;
    return out;
  }

  std::map<std::string, std::vector<TestRecord>> segments_;
  std::set<std::string> damaged_;
  std::function<void()> before_read_;
};

Digest digest_of(const std::vector<std::string>& ids) {
  Digest out;
  for (const std::string& id : ids) out += {1, EventId::of_text(id).high};
  return out;
}

std::int64_t count_rows(Warehouse& warehouse) {
  std::int64_t out = 0;
  for (const WarehouseCell& cell : value(warehouse.cells({}))) out += cell.rows;
  return out;
}

class WarehouseContract : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    warehouse_ = make();
    ASSERT_OK(warehouse_->prepare());
  }
  std::unique_ptr<Warehouse> make(WarehouseOptions options = {}) {
    if (std::string(GetParam()) == "memory") return std::make_unique<MemoryWarehouse>(system_clock());
    return value(DuckDbWarehouse::open(dir_ / "warehouse.duckdb", options, system_clock()));
  }
  Result<std::vector<LoadedSegment>> load(std::vector<SegmentRef> segments) {
    return warehouse_->load(segments, feed_);
  }
  WarehouseCell only_cell() {
    const auto cells = value(warehouse_->cells({}));
    EXPECT_EQ(cells.size(), 1U);
    return cells.empty() ? WarehouseCell{} : cells[0];
  }

  TempDir dir_;
  TestFeed feed_;
  std::unique_ptr<Warehouse> warehouse_;
};

TEST_P(WarehouseContract, PrepareMayBeRepeated) {
  value(load({feed_.add("a", records(0, 3))}));
  ASSERT_OK(warehouse_->prepare());
  EXPECT_EQ(count_rows(*warehouse_), 3);
}

TEST_P(WarehouseContract, WithoutATableEveryStepSaysSo) {
  TempDir other;
  const auto fresh = std::string(GetParam()) == "memory"
                         ? std::unique_ptr<Warehouse>(std::make_unique<MemoryWarehouse>(system_clock()))
                         : value(DuckDbWarehouse::open(other / "none.duckdb", {}, system_clock()));
  EXPECT_ERROR(fresh->cells({}), ErrorCode::kNotFound);
  EXPECT_ERROR(fresh->live_loads(), ErrorCode::kNotFound);
  EXPECT_ERROR(fresh->count_present({"x"}), ErrorCode::kNotFound);
  EXPECT_ERROR(fresh->load({}, feed_), ErrorCode::kNotFound);
  EXPECT_ERROR(fresh->stage("r1", {}, feed_, StageContent::kFacts), ErrorCode::kNotFound);
}

TEST_P(WarehouseContract, LoadsEachSegmentOnce) {
  const SegmentRef a = feed_.add("a", records(0, 5000));
  const auto first = value(load({a}));
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].rows, 5000);
  EXPECT_EQ(first[0].inserted, 5000);
  const auto again = value(load({a, feed_.add("b", records(5000, 5010))}));
  EXPECT_EQ(again[0].rows, 0);
  EXPECT_EQ(again[1].inserted, 10);
  EXPECT_EQ(count_rows(*warehouse_), 5010);
  EXPECT_EQ(value(warehouse_->live_loads()),
            (std::map<std::string, std::string>{{"a", sha256_hex("a")}, {"b", sha256_hex("b")}}));
  const auto ledger = value(warehouse_->load_records());
  ASSERT_EQ(ledger.size(), 2U);
  EXPECT_EQ(ledger[0].segment.key, "a");
  EXPECT_EQ(ledger[0].segment.partition, PartitionId(3));
  EXPECT_EQ(ledger[0].segment.slot, Slot(7));
  EXPECT_EQ(ledger[0].segment.records, 5000);
  EXPECT_EQ(ledger[0].inserted, 5000);
  EXPECT_TRUE(ledger[0].live);
}

TEST_P(WarehouseContract, TheSameSegmentTwiceInOneBatchLoadsOnce) {
  const SegmentRef a = feed_.add("a", records(0, 5));
  const auto loaded = value(load({a, a}));
  EXPECT_EQ(loaded[0].inserted, 5);
  EXPECT_EQ(loaded[1].rows, 0);
  EXPECT_EQ(value(warehouse_->load_records()).size(), 1U);
}

TEST_P(WarehouseContract, OtherBytesUnderALoadedNameAreCorrupt) {
  SegmentRef a = feed_.add("a", records(0, 5));
  value(load({a}));
  a.sha256 = sha256_hex("other");
  EXPECT_ERROR(load({a}), ErrorCode::kCorrupt);
  EXPECT_EQ(count_rows(*warehouse_), 5);
}

TEST_P(WarehouseContract, EachEventIdStandsOnceHoweverOftenItComes) {
  auto doubled = records(0, 10);
  doubled.push_back(record(3));                    // again in the file
  doubled.push_back(record(4, kNoon + hours(5)));  // again, in another hour
  const auto first = value(load({feed_.add("a", doubled), feed_.add("b", records(8, 12))}));
  EXPECT_EQ(first[0].rows, 12);
  EXPECT_EQ(first[0].inserted, 10);
  EXPECT_EQ(first[0].already_present, 2);
  EXPECT_EQ(first[1].inserted, 2);
  // Partly there already, by what is in the table.
  const auto second = value(load({feed_.add("c", records(10, 20)), feed_.add("d", records(0, 3))}));
  EXPECT_EQ(second[0].inserted, 8);
  EXPECT_EQ(second[0].already_present, 2);
  EXPECT_EQ(second[1].inserted, 0);
  EXPECT_EQ(second[1].already_present, 3);
  const WarehouseCell cell = only_cell();
  EXPECT_EQ(cell.rows, 20);
  EXPECT_EQ(cell.distinct, 20);
}

TEST_P(WarehouseContract, IdsAreComparedByTheirExactText) {
  auto odd = records(0, 3);
  odd[0].event_id = "0123456789ABCDEF0123456789ABCDEF";
  odd[1].event_id = "0123456789abcdef0123456789abcdef";
  odd[2].event_id = "an id with 'quotes\" and é";
  const auto loaded = value(load({feed_.add("a", odd)}));
  EXPECT_EQ(loaded[0].inserted, 3);
  EXPECT_EQ(value(load({feed_.add("b", odd)}))[0].inserted, 0);
  const WarehouseCell cell = only_cell();
  EXPECT_EQ(cell.distinct, 3);
  EXPECT_EQ(cell.digest,
            digest_of({odd[1].event_id, odd[2].event_id}).sum + ~digest_of({odd[0].event_id}).sum)
      << "capitals make another text, though the digits are the same";
  EXPECT_EQ(value(warehouse_->count_present({odd[0].event_id, odd[2].event_id, odd[2].event_id, "nowhere"})),
            2);
}

TEST_P(WarehouseContract, AFailedBatchLeavesNothing) {
  const SegmentRef a = feed_.add("a", records(0, 3000));
  const SegmentRef b = feed_.add("b", records(3000, 6000));
  feed_.damage("b");
  EXPECT_ERROR(load({a, b}), ErrorCode::kCorrupt);
  EXPECT_EQ(count_rows(*warehouse_), 0);
  EXPECT_TRUE(value(warehouse_->load_records()).empty());
  EXPECT_EQ(value(load({a}))[0].inserted, 3000);
}

TEST_P(WarehouseContract, T08_ARecordWithoutIdIsNotLoaded) {
  auto rows = records(0, 3);
  rows[1].event_id = "";
  EXPECT_ERROR(load({feed_.add("a", rows)}), ErrorCode::kValidation);
  EXPECT_EQ(count_rows(*warehouse_), 0);
  EXPECT_TRUE(value(warehouse_->live_loads()).empty()) << "what was refused does not count as loaded";
}

TEST_P(WarehouseContract, CellsAreByHourAndNamespace) {
  std::vector<TestRecord> rows = records(0, 4);
  rows[0].enqueued = kNoon + milliseconds(3'599'999);
  rows[1].enqueued = kNoon + hours(1);
  rows[2].database = std::nullopt;
  rows[2].collection = std::nullopt;
  rows[3].collection = "o'rders \"x\"; DROP";
  value(load({feed_.add("a", rows)}));
  const auto cells = value(warehouse_->cells({}));
  ASSERT_EQ(cells.size(), 4U);
  EXPECT_EQ(cells[0].ns, Namespace{});
  EXPECT_EQ(cells[0].hour, hour_of(kNoon));
  EXPECT_EQ(cells[1].ns.collection, "o'rders \"x\"; DROP");
  EXPECT_EQ(cells[2].ns, (Namespace{"shop", "orders"}));
  EXPECT_EQ(cells[2].digest, EventId::of_text(id_of(0)).high);
  EXPECT_EQ(cells[3].hour, hour_of(kNoon).next());

  Scope scope;
  scope.database = "shop";
  scope.collection = "o'*";
  EXPECT_EQ(value(warehouse_->cells(scope)).size(), 1U);
  scope.collection = "orders";
  EXPECT_EQ(value(warehouse_->cells(scope)).size(), 2U);
  scope.time = {kNoon + minutes(30), kNoon + minutes(31)};  // a part of an hour touches it whole
  const auto touched = value(warehouse_->cells(scope));
  ASSERT_EQ(touched.size(), 1U);
  EXPECT_EQ(touched[0].rows, 1);
  scope.time = {};
  scope.hours_of_day = std::pair(13, 13);
  EXPECT_EQ(value(warehouse_->cells(scope))[0].hour, hour_of(kNoon).next());
}

TEST_P(WarehouseContract, LoadedSlotsAddUpTheirSegments) {
  SegmentRef a = feed_.add("a", records(0, 3));
  SegmentRef b = feed_.add("b", records(3, 5));
  SegmentRef c = feed_.add("c", records(5, 6));
  c.slot = Slot(9);
  value(load({a, b, c}));
  std::vector<LoadedSlot> slots = value(warehouse_->loaded_slots());
  std::sort(slots.begin(), slots.end(), [](const auto& x, const auto& y) { return x.slot < y.slot; });
  const std::uint64_t both = EventId::of_text(a.sha256).high + EventId::of_text(b.sha256).high;
  EXPECT_EQ(slots, (std::vector<LoadedSlot>{{PartitionId(3), Slot(7), 2, both},
                                            {PartitionId(3), Slot(9), 1, EventId::of_text(c.sha256).high}}));
  EXPECT_EQ(value(warehouse_->loaded_among({"a", "c", "x"})), (std::set<std::string>{"a", "c"}));
  EXPECT_EQ(value(warehouse_->loaded_among({})), std::set<std::string>{});
}

TEST_P(WarehouseContract, TheMarkMovesWithEveryInsertionAndWithNothingElse) {
  const LoadMark fresh = value(warehouse_->load_mark());
  EXPECT_EQ(fresh.live_loads, 0);
  value(load({feed_.add("a", records(0, 3)), feed_.add("b", records(3, 5))}));
  const LoadMark loaded = value(warehouse_->load_mark());
  EXPECT_EQ(loaded.insertions, fresh.insertions + 1);
  EXPECT_EQ(loaded.live_loads, 2);
  EXPECT_EQ(value(warehouse_->load_mark()), loaded);
  const SegmentRef c = feed_.add("c", records(3, 8));
  value(load({c}));  // some are there: read twice, inserted once
  const LoadMark partly = value(warehouse_->load_mark());
  EXPECT_EQ(partly.insertions, loaded.insertions + 1);
  ASSERT_OK(warehouse_->stage("r1", {&c, 1}, feed_, StageContent::kFacts));
  ASSERT_OK(warehouse_->merge("r1", {&c, 1}, feed_));
  const LoadMark merged = value(warehouse_->load_mark());
  EXPECT_EQ(merged.insertions, partly.insertions + 1);
  EXPECT_EQ(merged.live_loads, 3);
  EXPECT_NE(merged, partly);
}

TEST_P(WarehouseContract, DigestsWrapAround) {
  std::vector<std::string> ids;
  for (int n = 0; n < 1000; ++n) ids.push_back(id_of(n));
  value(load({feed_.add("a", records(0, 1000))}));
  EXPECT_EQ(only_cell().digest, digest_of(ids).sum);
}

TEST_P(WarehouseContract, ComparesACellWithIds) {
  auto rows = records(0, 10);
  rows[9].enqueued = kNoon + hours(3);
  rows[8].collection = "other";
  value(load({feed_.add("a", rows)}));
  std::vector<std::string> ids = {id_of(2), id_of(2), id_of(9), "nowhere"};
  for (int n = 3; n < 9; ++n) ids.push_back(id_of(n));
  const auto compared = compare(*warehouse_, hour_of(kNoon), ids);
  EXPECT_EQ(compared.missing, 1);
  EXPECT_EQ(compared.elsewhere, 2);
  EXPECT_EQ(compared.duplicate, 0);
  EXPECT_EQ(compared.extra, 2);
  const std::vector<IdsAt> places = {{hour_of(kNoon), {"shop", "other"}, {id_of(8)}},
                                     {Hour{hour_of(kNoon).index + 3}, {"shop", "orders"}, {id_of(9)}}};
  EXPECT_EQ(compared.elsewhere_at, places);
  EXPECT_TRUE(compared.also_at.empty());
}

// Rows that stand where they belong, elsewhere, nowhere, twice and unasked, in cells that share ids: each
// answer is the one that the cell gets alone.
TEST_P(WarehouseContract, ComparesManyCellsAsItComparesOne) {
  auto rows = records(0, 40);
  for (std::size_t n = 0; n < rows.size(); ++n) {
    rows[n].enqueued = kNoon + hours(static_cast<std::int64_t>(n % 5));
    if (n % 7 == 3) rows[n].collection = "other";
    if (n % 11 == 5) rows[n].database.reset();
  }
  value(load({feed_.add("a", rows)}));
  std::vector<CellIds> cells;
  for (int hour = -1; hour < 6; ++hour) {
    for (const Namespace& ns : {Namespace{"shop", "orders"}, Namespace{"shop", "other"},
                                Namespace{"", "orders"}, Namespace{"shop", "it's"}}) {
      CellIds cell{Hour{hour_of(kNoon).index + hour}, ns, {}};
      for (int n = hour + 1; n < 44; n += 2 + hour % 3) cell.ids.push_back(id_of(n));
      if (hour == 2) cell.ids.push_back(id_of(3));
      cells.push_back(std::move(cell));
    }
  }
  const std::vector<IdComparison> together = value(warehouse_->compare(cells));
  ASSERT_EQ(together.size(), cells.size());
  std::int64_t missing = 0, elsewhere = 0, extra = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const IdComparison alone = value(warehouse_->compare({&cells[i], 1})).at(0);
    EXPECT_EQ(together[i], alone) << i;
    missing += alone.missing;
    elsewhere += alone.elsewhere;
    extra += alone.extra;
    const auto wanted = static_cast<std::int64_t>(std::set(cells[i].ids.begin(), cells[i].ids.end()).size());
    EXPECT_LE(alone.missing + alone.elsewhere, wanted);
  }
  EXPECT_GT(missing, 0);
  EXPECT_GT(elsewhere, 0);
  EXPECT_GT(extra, 0);
  EXPECT_TRUE(value(warehouse_->compare({})).empty());
}

TEST_P(WarehouseContract, RowsOutsideTheHoursAreCountedByCollectionAndSide) {
  auto rows = records(0, 6);
  rows[0].enqueued = kNoon - hours(30);
  rows[1].enqueued = kNoon - milliseconds(1);
  rows[2].enqueued = kNoon + hours(1);
  rows[3].enqueued = kNoon + hours(50);
  rows[3].collection = "other";
  value(load({feed_.add("a", rows)}));
  const TimeRange noon{kNoon, kNoon + hours(1)};
  const Namespace orders{"shop", "orders"};
  const OutsideRows before{orders, RowTime::kBefore, 2, 0, rows[0].enqueued, rows[1].enqueued};
  const OutsideRows after{orders, RowTime::kAfter, 1, 0, rows[2].enqueued, rows[2].enqueued};
  const OutsideRows other{{"shop", "other"}, RowTime::kAfter, 1, 0, rows[3].enqueued, rows[3].enqueued};
  EXPECT_EQ(value(warehouse_->outside({}, noon)), (std::vector{before, after, other}));
  Scope scope;
  scope.collection = "ord*";
  EXPECT_EQ(value(warehouse_->outside(scope, noon)), (std::vector{before, after}));
  scope.time.from = kNoon;  // nothing before it was asked for
  EXPECT_EQ(value(warehouse_->outside(scope, noon)), (std::vector{after}));
  scope.time = {};
  scope.hours_of_day = std::pair(13, 14);
  EXPECT_EQ(value(warehouse_->outside(scope, noon)), (std::vector{after}));
  EXPECT_TRUE(value(warehouse_->outside({}, {kNoon - hours(48), kNoon + hours(51)})).empty());
}

// A hub that was set back gives the same event at the same position once more, in another segment.
TEST_P(WarehouseContract, APositionMayRepeatInAnotherSegment) {
  const std::vector segments{feed_.add("a", records(0, 3)), feed_.add("b", records(1, 4))};
  ASSERT_OK(warehouse_->stage("r1", segments, feed_, StageContent::kFacts));
  const StageFacts facts = value(warehouse_->stage_facts("r1"));
  EXPECT_EQ(facts.rows, 6);
  EXPECT_EQ(facts.distinct, 4);
  EXPECT_EQ(facts.same_position_twice, 0);
  EXPECT_EQ(value(warehouse_->merge("r1", segments, feed_)).inserted, 4);
}

TEST_P(WarehouseContract, StageSaysWhatItHolds) {
  auto rows = records(0, 5);
  rows[1].operation = "delete";
  rows[2].event_id = "";
  rows[3].event_id = rows[4].event_id;  // a hub repeat: another position
  rows.push_back(rows[0]);              // the same position twice
  rows[0].enqueued = kNoon - minutes(5);
  ASSERT_OK(warehouse_->stage("r1", std::vector{feed_.add("a", rows)}, feed_, StageContent::kFacts));
  const StageFacts facts = value(warehouse_->stage_facts("r1"));
  EXPECT_EQ(facts.rows, 6);
  EXPECT_EQ(facts.distinct, 3);
  EXPECT_EQ(facts.null_ids, 1);
  EXPECT_EQ(facts.operations, (OperationCounts{{"insert", 5}, {"delete", 1}}));
  EXPECT_EQ(facts.same_position_twice, 1);
  EXPECT_EQ(facts.min_time, kNoon - minutes(5));
  EXPECT_EQ(facts.max_time, kNoon);
  EXPECT_EQ(facts.digest, digest_of({id_of(0), id_of(1), id_of(4), id_of(4), id_of(0)}).sum);
  EXPECT_EQ(value(warehouse_->stages()), std::vector<std::string>{"r1"});
  EXPECT_EQ(count_rows(*warehouse_), 0);
  // Anew: what was there is gone.
  ASSERT_OK(warehouse_->stage("r1", std::vector{feed_.add("b", {})}, feed_, StageContent::kFacts));
  const StageFacts empty = value(warehouse_->stage_facts("r1"));
  EXPECT_EQ(empty.rows, 0);
  EXPECT_EQ(empty.min_time, std::nullopt);
  ASSERT_OK(warehouse_->drop_stage("r1"));
  ASSERT_OK(warehouse_->drop_stage("r1"));
  EXPECT_TRUE(value(warehouse_->stages()).empty());
  EXPECT_ERROR(warehouse_->stage_facts("r1"), ErrorCode::kNotFound);
}

TEST_P(WarehouseContract, StageRefusesOddIdsAndKeepsNothingOfAFailure) {
  EXPECT_ERROR(warehouse_->stage("R1", {}, feed_, StageContent::kFacts), ErrorCode::kUsage);
  EXPECT_ERROR(warehouse_->stage("", {}, feed_, StageContent::kFacts), ErrorCode::kUsage);
  EXPECT_ERROR(warehouse_->drop_stage("x\"; DROP TABLE y; --"), ErrorCode::kUsage);
  ASSERT_OK(warehouse_->stage("r1", std::vector{feed_.add("a", records(0, 5))}, feed_, StageContent::kFacts));
  const SegmentRef bad = feed_.add("b", records(0, 9));
  feed_.damage("b");
  EXPECT_ERROR(warehouse_->stage("r1", std::vector{bad}, feed_, StageContent::kFacts), ErrorCode::kCorrupt);
  EXPECT_EQ(value(warehouse_->stage_facts("r1")).rows, 5);
}

TEST_P(WarehouseContract, MergeInsertsWhatIsMissingOnceAndForAll) {
  auto rows = records(0, 8);
  rows[5].event_id = "";                // never merged
  rows[6].event_id = rows[7].event_id;  // once
  const std::vector segments = {feed_.add("a", rows), feed_.add("b", records(20, 23))};
  ASSERT_OK(warehouse_->stage("r1", segments, feed_, StageContent::kFacts));
  EXPECT_EQ(value(warehouse_->merged("r1")), std::nullopt);
  value(load({feed_.add("live", records(0, 2))}));  // live loading came first for a part
  EXPECT_EQ(value(warehouse_->recheck("r1")).missing, 7);
  const MergeOutcome outcome = value(warehouse_->merge("r1", segments, feed_));
  EXPECT_EQ(outcome.inserted, 7);
  EXPECT_EQ(outcome.already_present, 2);
  const auto recheck = value(warehouse_->recheck("r1"));
  EXPECT_EQ(recheck.missing, 0);
  EXPECT_EQ(recheck.duplicate, 0);
  EXPECT_EQ(count_rows(*warehouse_), 9);
  // Again, also when the side table is gone.
  EXPECT_EQ(value(warehouse_->merge("r1", segments, feed_)).inserted, 7);
  ASSERT_OK(warehouse_->drop_stage("r1"));
  EXPECT_EQ(value(warehouse_->merge("r1", segments, feed_)).already_present, 2);
  EXPECT_EQ(count_rows(*warehouse_), 9);
  ASSERT_TRUE(value(warehouse_->merged("r1")).has_value());
  EXPECT_EQ(value(warehouse_->merged("r1"))->inserted, 7);
  // By segment, and not as loaded.
  std::map<std::string, std::int64_t> inserted;
  for (const LoadRecord& load : value(warehouse_->load_records())) {
    if (!load.live) inserted[load.segment.key + " " + load.recovery_id] = load.inserted;
  }
  EXPECT_EQ(inserted, (std::map<std::string, std::int64_t>{{"a r1", 4}, {"b r1", 3}}));
  EXPECT_EQ(value(warehouse_->live_loads()).size(), 1U);
  // The live load of a recovered segment still happens, and finds its rows there.
  EXPECT_EQ(value(load({segments[1]}))[0].already_present, 3);
}

TEST_P(WarehouseContract, MergeOfWhatIsAllThereInsertsNothing) {
  const std::vector segments = {feed_.add("a", records(0, 50))};
  value(load(segments));
  ASSERT_OK(warehouse_->stage("r2", segments, feed_, StageContent::kFacts));
  EXPECT_EQ(value(warehouse_->merge("r2", segments, feed_)).inserted, 0);
  EXPECT_EQ(value(warehouse_->merged("r2"))->already_present, 50);
}

TEST_P(WarehouseContract, MergeOfAFeedThatIsNotWhatWasStagedInsertsNothing) {
  const std::vector segments = {feed_.add("a", records(0, 5)), feed_.add("b", records(5, 9))};
  ASSERT_OK(warehouse_->stage("r1", segments, feed_, StageContent::kFacts));
  feed_.add("b", records(105, 109));
  EXPECT_ERROR(warehouse_->merge("r1", segments, feed_), ErrorCode::kValidation);
  feed_.add("b", records(5, 9));
  feed_.damage("b");
  EXPECT_ERROR(warehouse_->merge("r1", segments, feed_), ErrorCode::kCorrupt);
  EXPECT_EQ(count_rows(*warehouse_), 0);
  EXPECT_EQ(value(warehouse_->merged("r1")), std::nullopt);
}

TEST_P(WarehouseContract, MergeNeedsItsStageAndItsSegments) {
  const std::vector segments = {feed_.add("a", records(0, 5)), feed_.add("b", records(5, 9))};
  EXPECT_ERROR(warehouse_->merge("r1", segments, feed_), ErrorCode::kNotFound);
  ASSERT_OK(warehouse_->stage("r1", segments, feed_, StageContent::kFacts));
  EXPECT_ERROR(warehouse_->merge("r1", {}, feed_), ErrorCode::kUsage);
  EXPECT_ERROR(warehouse_->merge("r1", std::vector{segments[0]}, feed_), ErrorCode::kUsage);
  EXPECT_EQ(count_rows(*warehouse_), 0);
  EXPECT_EQ(value(warehouse_->merged("r1")), std::nullopt);
}

// Two loaders at once, by threads: all segments are asked for by both.
TEST_P(WarehouseContract, TwoThreadsLoadEachEventOnce) {
  std::vector<SegmentRef> segments;
  for (int s = 0; s < 6; ++s)
    segments.push_back(feed_.add("s" + std::to_string(s), records(s * 500, s * 500 + 600)));
  const auto second = make();
  const bool shared = std::string(GetParam()) == "memory";
  const auto run = [&](Warehouse& warehouse) {
    for (std::size_t i = 0; i < segments.size(); i += 2) {
      EXPECT_OK(warehouse.load(std::span(segments).subspan(i, 2), feed_));
    }
  };
  std::thread other([&] { run(shared ? *warehouse_ : *second); });
  run(*warehouse_);
  other.join();
  const WarehouseCell cell = only_cell();
  EXPECT_EQ(cell.rows, 3100);
  EXPECT_EQ(cell.distinct, 3100);
  EXPECT_EQ(value(warehouse_->load_records()).size(), 6U);
}

INSTANTIATE_TEST_SUITE_P(All, WarehouseContract, ::testing::Values("memory", "duckdb"),
                         [](const auto& param) { return std::string(param.param); });

// --- what only the file shows ---

class DuckDbFile : public ::testing::Test {
 protected:
  std::unique_ptr<Warehouse> make(WarehouseOptions options = {}) {
    return value(DuckDbWarehouse::open(path(), options, system_clock()));
  }
  std::string path() const { return dir_ / "warehouse.duckdb"; }
  // Runs `work` in a process of its own; its exit code.
  static pid_t start(const std::function<int()>& work) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(work());
    return child;
  }
  static int join(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }

  TempDir dir_;
  TestFeed feed_;
};

// Across a fork DuckDB's allocator holds more locks than the thread sanitizer can count: it ends the program.
#ifdef __SANITIZE_THREAD__
#define SKIP_WHERE_FORKS_ARE_FATAL() GTEST_SKIP() << "the thread sanitizer cannot follow DuckDB across a fork"
#else
#define SKIP_WHERE_FORKS_ARE_FATAL()
#endif

// The load records of a table that was dropped say nothing of the new one.
TEST_F(DuckDbFile, ATableMadeAnewIsLoadedAnew) {
  const auto warehouse = make();
  ASSERT_OK(warehouse->prepare());
  const SegmentRef segment = feed_.add("a", records(0, 30));
  ASSERT_OK(warehouse->load(std::vector{segment}, feed_));
  ASSERT_OK(warehouse->prepare());
  EXPECT_EQ(value(warehouse->live_loads()).size(), 1U);  // it stands: nothing to forget
  ASSERT_OK(warehouse->sql("DROP TABLE mongodb_changes"));
  ASSERT_OK(warehouse->prepare());
  EXPECT_TRUE(value(warehouse->live_loads()).empty());
  EXPECT_EQ(value(warehouse->load(std::vector{segment}, feed_)).at(0).inserted, 30);
  EXPECT_EQ(count_rows(*warehouse), 30);
}

TEST_F(DuckDbFile, TwoProcessesLoadEachEventOnce) {
  SKIP_WHERE_FORKS_ARE_FATAL();
  std::vector<SegmentRef> segments;
  for (int s = 0; s < 6; ++s)
    segments.push_back(feed_.add("s" + std::to_string(s), records(s * 500, s * 500 + 600)));
  ASSERT_OK(make()->prepare());
  const auto work = [&] {
    const auto warehouse = make();
    for (const SegmentRef& segment : segments) {
      if (!warehouse->load(std::vector{segment}, feed_)) return 1;
    }
    return 0;
  };
  const pid_t first = start(work);
  const pid_t second = start(work);
  EXPECT_EQ(join(first), 0);
  EXPECT_EQ(join(second), 0);
  const auto warehouse = make();
  const auto cells = value(warehouse->cells({}));
  ASSERT_EQ(cells.size(), 1U);
  EXPECT_EQ(cells[0].rows, 3100);
  EXPECT_EQ(cells[0].distinct, 3100);
  EXPECT_EQ(value(warehouse->load_records()).size(), 6U);
}

// The child dies inside its transaction, or right behind the commit: never in between for who reads then.
TEST_F(DuckDbFile, AKilledLoadLeavesAllOrNothing) {
  SKIP_WHERE_FORKS_ARE_FATAL();
  const SegmentRef a = feed_.add("a", records(0, 3000));
  const SegmentRef b = feed_.add("b", records(3000, 6000));
  ASSERT_OK(make()->prepare());
  EXPECT_EQ(join(start([&] {
              TestFeed feed = feed_;
              int reads = 0;
              feed.before_read([&] {
                if (++reads == 2) ::raise(SIGKILL);
              });
              return make()->load(std::vector{a, b}, feed) ? 0 : 1;
            })),
            1000 + SIGKILL);
  EXPECT_EQ(count_rows(*make()), 0);
  EXPECT_EQ(join(start([&] {
              const auto warehouse = make();
              return warehouse->load(std::vector{a, b}, feed_) ? ::raise(SIGKILL) : 1;
            })),
            1000 + SIGKILL);
  EXPECT_EQ(count_rows(*make()), 6000);
}

TEST_F(DuckDbFile, AnotherProcessThatHoldsTheFileIsNamed) {
  SKIP_WHERE_FORKS_ARE_FATAL();
  ASSERT_OK(make()->prepare());
  int ready[2];
  int leave[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(leave), 0);
  const SegmentRef a = feed_.add("a", records(0, 3));
  const pid_t holder = start([&] {
    TestFeed feed = feed_;
    feed.before_read([&] {
      char byte = 'x';
      if (::write(ready[1], &byte, 1) != 1 || ::read(leave[0], &byte, 1) != 1) ::_exit(7);
    });
    return make()->load(std::vector{a}, feed) ? 0 : 1;
  });
  char byte = 'x';
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  WarehouseOptions hasty;
  hasty.lock_timeout = milliseconds(50);
  const auto refused = make(hasty)->live_loads();
  EXPECT_ERROR(refused, ErrorCode::kBusy);
  EXPECT_TRUE(refused.error().retryable);
  EXPECT_NE(refused.error().message.find(std::to_string(holder)), std::string::npos)
      << refused.error().message;
  // Who has patience gets it.
  std::thread patient([&] { EXPECT_EQ(value(make()->live_loads()).size(), 1U); });
  ASSERT_EQ(::write(leave[1], &byte, 1), 1);
  patient.join();
  EXPECT_EQ(join(holder), 0);
  for (const int fd : {ready[0], ready[1], leave[0], leave[1]}) ::close(fd);
}

// Ids that stand twice are found by 64 bits and counted by their texts: in their own cells only.
TEST_F(DuckDbFile, RowsBeyondOnePerIdAreTakenOffTheirCell) {
  ASSERT_OK(make()->prepare());
  TestFeed feed;
  auto rows = records(0, 10);
  for (int n = 5; n < 10; ++n) rows[static_cast<std::size_t>(n)].enqueued = kNoon + hours(1);
  rows[9].event_id = "a foreign id";
  const SegmentRef a = feed.add("a", rows);
  value(make()->load({&a, 1}, feed));
  // Two more of the first and of the foreign one; the second once more, but in the other hour; two without
  // id.
  const std::string table = "mongodb_changes";
  const auto copy = [&](const std::string& id, const std::string& hours) {
    value(make()->sql("INSERT INTO " + table + " SELECT * REPLACE (enqueued_time + INTERVAL (" + hours +
                      ") HOUR AS enqueued_time) FROM " + table + " WHERE event_id = '" + id + "' LIMIT 1"));
  };
  for (int n = 0; n < 2; ++n) {
    copy(rows[0].event_id, "0");
    copy(rows[9].event_id, "0");
  }
  copy(rows[1].event_id, "1");
  value(make()->sql("INSERT INTO " + table + " SELECT * REPLACE (NULL AS event_id) FROM " + table +
                    " LIMIT 2"));
  const auto cells = value(make()->cells({}));
  std::int64_t all = 0;
  std::int64_t distinct = 0;
  std::int64_t nulls = 0;
  for (const WarehouseCell& cell : cells) {
    all += cell.rows;
    distinct += cell.distinct;
    nulls += cell.null_ids;
  }
  ASSERT_EQ(cells.size(), 2U);
  EXPECT_EQ(all, 17);
  EXPECT_EQ(nulls, 2);
  EXPECT_EQ(distinct, 11) << "the copy in the other hour is one of that hour's ids";
}

TEST_F(DuckDbFile, AnEmptyFileBesideALogIsNotAnEmptyWarehouse) {
  ASSERT_OK(make()->prepare());
  std::ofstream(path() + ".wal") << "something";
  std::ofstream(path(), std::ios::trunc).flush();
  EXPECT_ERROR(make()->live_loads(), ErrorCode::kCorrupt);
  EXPECT_ERROR(make()->prepare(), ErrorCode::kCorrupt);
}

TEST_F(DuckDbFile, AForeignFileIsCorrupt) {
  std::ofstream(path()) << std::string(10'000, 'x');
  EXPECT_ERROR(make()->prepare(), ErrorCode::kCorrupt);
}

TEST_F(DuckDbFile, JsonAndTextsComeBackAsTheyWent) {
  auto rows = records(0, 1);
  rows[0].document =
      "{\"n\":123456789012345678901234567890,\"d\":1.10,\"e\":1e400,\"s\":\"\\u00e9 "
      "\xF0\x9F\x98\x80\",\"n\":2}";
  const auto warehouse = make();
  ASSERT_OK(warehouse->prepare());
  value(warehouse->load(std::vector{feed_.add("a", rows)}, feed_));
  const SqlTable table = value(warehouse->sql(
      "SELECT raw_event, full_document, \"offset\", sequence_number, enqueued_time, update_description, "
      "_snowflake_ingested_at IS NOT NULL, document_key->>'$._id' FROM mongodb_changes"));
  ASSERT_EQ(table.rows.size(), 1U);
  const std::vector<std::optional<std::string>> expected = {
      rows[0].document, rows[0].document, "17", "0", "2025-01-15 12:00:00", std::nullopt, "true", "1"};
  EXPECT_EQ(table.rows[0], expected);
}

TEST_F(DuckDbFile, SqlShowsEveryTypeAsText) {
  const auto warehouse = make();
  ASSERT_OK(warehouse->prepare());
  const SqlTable table = value(warehouse->sql(
      "SELECT 1 AS a, [1, 2] AS list, {'x': 1, 'y': 'z'} AS s, TIMESTAMPTZ '2025-01-15 14:00:00+02' AS t, "
      "NULL AS n, 170141183460469231731687303715884105727 AS big, 1.50 AS d, DATE '2025-01-15' AS day, 3 AS "
      "a"));
  EXPECT_EQ(table.columns, (std::vector<std::string>{"a", "list", "s", "t", "n", "big", "d", "day", "a"}));
  EXPECT_EQ(table.types[1], "INTEGER[]");
  EXPECT_EQ(table.types[3], "TIMESTAMP WITH TIME ZONE");
  const std::vector<std::optional<std::string>> expected = {"1",
                                                            "[1, 2]",
                                                            "{'x': 1, 'y': z}",
                                                            "2025-01-15 12:00:00+00",
                                                            std::nullopt,
                                                            "170141183460469231731687303715884105727",
                                                            "1.50",
                                                            "2025-01-15",
                                                            "3"};
  ASSERT_EQ(table.rows.size(), 1U);
  EXPECT_EQ(table.rows[0], expected);
  EXPECT_EQ(table.rows_changed, -1);
}

TEST_F(DuckDbFile, SqlRunsSeveralStatementsAndCountsChanges) {
  const auto warehouse = make();
  ASSERT_OK(warehouse->prepare());
  EXPECT_EQ(value(warehouse->sql("CREATE TABLE t (x INTEGER); INSERT INTO t SELECT * FROM range(5000)"))
                .rows_changed,
            5000);
  const SqlTable all = value(warehouse->sql("SELECT x FROM t ORDER BY x"));
  ASSERT_EQ(all.rows.size(), 5000U);
  EXPECT_EQ(all.rows[4999][0], "4999");
  const SqlTable none = value(warehouse->sql("SELECT x FROM t WHERE x < 0"));
  EXPECT_TRUE(none.rows.empty());
  EXPECT_EQ(none.types, std::vector<std::string>{"INTEGER"});
  EXPECT_EQ(value(warehouse->sql("DELETE FROM t WHERE x < 10")).rows_changed, 10);
  EXPECT_EQ(value(warehouse->sql("DESCRIBE t")).rows.size(), 1U);
  for (const char* bad : {"SELECT * FROM nowhere", "SELEC 1", "", ";", "SELECT 1/'x'"}) {
    const auto refused = warehouse->sql(bad);
    EXPECT_ERROR(refused, ErrorCode::kUsage);
    EXPECT_EQ(refused.error().message.find('\n'), std::string::npos);
  }
}

TEST_F(DuckDbFile, MergedRowsComeFromTheFeedAndNotFromTheSideTable) {
  const auto warehouse = make();
  ASSERT_OK(warehouse->prepare());
  const std::vector segments = {feed_.add("a", records(0, 5)), feed_.add("b", records(5, 9))};
  value(warehouse->load(std::vector{segments[0]}, feed_));
  const auto documents = [&](const std::string& table) {
    return *value(warehouse->sql("SELECT count(full_document) || ' ' || count(raw_event) FROM " + table))
                .rows.at(0)
                .at(0);
  };
  ASSERT_OK(warehouse->stage("r1", segments, feed_, StageContent::kFacts));
  EXPECT_EQ(documents("mongodb_changes_recovery_r1"), "0 0");
  ASSERT_OK(warehouse->stage("r1", segments, feed_, StageContent::kWhole));
  EXPECT_EQ(documents("mongodb_changes_recovery_r1"), "9 9");
  value(warehouse->sql("UPDATE mongodb_changes_recovery_r1 SET raw_event = '{}', operation_type = 'delete'"));
  int readings = 0;
  feed_.before_read([&] { ++readings; });
  EXPECT_EQ(value(warehouse->merge("r1", segments, feed_)).inserted, 4);
  EXPECT_EQ(readings, 1);  // the other segment brings nothing
  EXPECT_EQ(documents("mongodb_changes"), "9 9");
  EXPECT_EQ(*value(warehouse->sql("SELECT count(*) FROM mongodb_changes WHERE raw_event::VARCHAR = '{}' OR "
                                  "operation_type = 'delete'"))
                 .rows.at(0)
                 .at(0),
            "0");
}

TEST_F(DuckDbFile, OddTableNamesAreQuoted) {
  WarehouseOptions options;
  options.table = R"("my schema"."ch""anges; DROP TABLE x")";
  const auto warehouse = make(options);
  ASSERT_OK(warehouse->prepare());
  const std::vector segments = {feed_.add("a", records(0, 5))};
  EXPECT_EQ(value(warehouse->load(segments, feed_))[0].inserted, 5);
  ASSERT_OK(warehouse->stage("r1", segments, feed_, StageContent::kFacts));
  EXPECT_EQ(value(warehouse->merge("r1", segments, feed_)).already_present, 5);
  EXPECT_EQ(value(warehouse->stages()), std::vector<std::string>{"r1"});
  for (const char* bad : {"", "a.b.c", "a.", "\"open", "a\"b"}) {
    options.table = bad;
    EXPECT_ERROR(DuckDbWarehouse::open(path(), options, system_clock()), ErrorCode::kUsage);
  }
}

TEST_F(DuckDbFile, ATableOfSomethingElseIsRefused) {
  const auto warehouse = make();
  ASSERT_OK(warehouse->prepare());
  value(warehouse->sql("ALTER TABLE mongodb_changes RENAME _snowflake_ingested_at TO _ingested_at"));
  ASSERT_OK(warehouse->prepare());
  EXPECT_EQ(value(warehouse->load(std::vector{feed_.add("a", records(0, 2))}, feed_))[0].inserted, 2);
  value(warehouse->sql("ALTER TABLE mongodb_changes ADD COLUMN more INTEGER"));
  EXPECT_ERROR(warehouse->prepare(), ErrorCode::kUsage);
  EXPECT_ERROR(warehouse->cells({}), ErrorCode::kUsage);
  value(warehouse->sql("DROP TABLE mongodb_changes; CREATE TABLE mongodb_changes (x INTEGER)"));
  EXPECT_ERROR(warehouse->prepare(), ErrorCode::kUsage);
}

TEST_F(DuckDbFile, ACopyUnderAnotherHourIsADuplicate) {
  const auto warehouse = make();
  ASSERT_OK(warehouse->prepare());
  value(warehouse->load(std::vector{feed_.add("a", records(0, 3))}, feed_));
  value(
      warehouse->sql("INSERT INTO mongodb_changes SELECT * REPLACE (enqueued_time + INTERVAL 1 HOUR AS "
                     "enqueued_time) FROM mongodb_changes WHERE event_id <> '" +
                     id_of(0) + "'"));
  const Hour next = hour_of(kNoon).next();
  const auto copies = compare(*warehouse, next, {});
  EXPECT_EQ(copies.duplicate, 2);
  EXPECT_EQ(copies.extra, 2);
  for (const WarehouseCell& cell : value(warehouse->cells({}))) EXPECT_EQ(cell.shared, 2);
  // Seen from where they belong: they stand there, and once more.
  const auto wanted = compare(*warehouse, hour_of(kNoon), {id_of(0), id_of(1), id_of(2)});
  EXPECT_EQ(wanted.duplicate, 0);
  EXPECT_EQ(wanted.elsewhere, 0);
  ASSERT_EQ(wanted.also_at.size(), 1U);
  EXPECT_EQ(wanted.also_at[0].hour, next);
  EXPECT_EQ(wanted.also_at[0].ids.size(), 2U);
  value(warehouse->sql("DELETE FROM mongodb_changes WHERE enqueued_time < TIMESTAMP '2025-01-15 13:00:00'"));
  EXPECT_EQ(compare(*warehouse, next, {}).duplicate, 0);
}

TEST_F(DuckDbFile, RowsThatOthersWroteAreCounted) {
  const auto warehouse = make();
  ASSERT_OK(warehouse->prepare());
  value(warehouse->load(std::vector{feed_.add("a", records(0, 3))}, feed_));
  value(warehouse->sql("INSERT INTO mongodb_changes SELECT * FROM mongodb_changes WHERE event_id = '" +
                       id_of(0) +
                       "'; INSERT INTO mongodb_changes (enqueued_time, database_name, collection_name) "
                       "VALUES (TIMESTAMP '2025-01-15 12:30:00', 'shop', 'orders')"));
  const auto cells = value(warehouse->cells({}));
  ASSERT_EQ(cells.size(), 1U);
  EXPECT_EQ(cells[0].rows, 5);
  EXPECT_EQ(cells[0].distinct, 3);
  EXPECT_EQ(cells[0].null_ids, 1);
  const auto compared = compare(*warehouse, hour_of(kNoon), {id_of(0), id_of(1), id_of(2)});
  EXPECT_EQ(compared.duplicate, 1);
  EXPECT_EQ(compared.extra, 1);
  ASSERT_OK(warehouse->stage("r1", std::vector{feed_.add("a", records(0, 3))}, feed_, StageContent::kFacts));
  EXPECT_EQ(value(warehouse->recheck("r1")).duplicate, 1);
}

// What no hour can hold, and copies wherever they stand.
TEST_F(DuckDbFile, RowsOfNoHourAndTheirCopiesAreCounted) {
  const auto warehouse = make();
  ASSERT_OK(warehouse->prepare());
  value(warehouse->load(std::vector{feed_.add("a", records(0, 5))}, feed_));
  const auto copy = [&](const std::string& columns, const std::string& which) {
    value(warehouse->sql("INSERT INTO mongodb_changes SELECT * REPLACE (" + columns +
                         ") FROM mongodb_changes WHERE " + which));
  };
  copy("NULL AS enqueued_time, 'x' AS event_id", "event_id = '" + id_of(0) + "'");
  copy("TIMESTAMP 'infinity' AS enqueued_time", "event_id = '" + id_of(1) + "'");
  copy("TIMESTAMP '-infinity' AS enqueued_time, NULL AS event_id", "event_id = '" + id_of(2) + "' LIMIT 1");
  copy("TIMESTAMP '9999-12-31 23:59:59' AS enqueued_time, 'y' AS event_id", "event_id = '" + id_of(3) + "'");
  copy("TIMESTAMP '0001-01-01 00:00:00' AS enqueued_time", "event_id = 'y'");
  copy("NULL AS database_name, NULL AS collection_name", "event_id = 'x'");
  const TimeRange noon{kNoon, kNoon + hours(1)};
  const auto found = value(warehouse->outside({}, noon));
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0].ns, Namespace{});
  EXPECT_EQ(found[0].rows, 1);
  EXPECT_EQ(found[0].copies + found[1].copies, 2) << "one of the two x, and the infinite one";
  EXPECT_EQ(found[1].ns, (Namespace{"shop", "orders"}));
  EXPECT_EQ(found[1].time, RowTime::kNone);
  EXPECT_EQ(found[1].rows, 3);
  EXPECT_EQ(found[1].earliest, std::nullopt);
  EXPECT_EQ(found[2].time, RowTime::kBefore);
  EXPECT_EQ(found[2].rows, 1);
  EXPECT_EQ(found[3].time, RowTime::kAfter);
  EXPECT_EQ(found[2].copies + found[3].copies, 1) << "of y one is no copy";
  Scope scope;
  scope.database = "shop";
  scope.collection = "orders";
  EXPECT_EQ(value(warehouse->outside(scope, noon)).size(), 3U);
  scope.time.from = kNoon;  // rows without a usable time belong to no range
  const auto later = value(warehouse->outside(scope, noon));
  ASSERT_EQ(later.size(), 1U);
  EXPECT_EQ(later[0].time, RowTime::kAfter);
  EXPECT_EQ(later[0].copies, 1) << "the other one is not in question, so it comes first";
  // They are found from the cell whose events they are.
  const auto compared = compare(*warehouse, hour_of(kNoon), {id_of(1), "y", "x"});
  EXPECT_EQ(compared.elsewhere, 2);
  ASSERT_EQ(compared.also_at.size(), 1U);
  EXPECT_EQ(compared.also_at[0].hour, std::nullopt);
}

}  // namespace
}  // namespace changevault
