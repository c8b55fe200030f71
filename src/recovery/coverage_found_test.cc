#include "recovery/coverage_found.h"

#include <gtest/gtest.h>

#include "archive/segment_feed.h"
#include "base/manual_clock.h"
#include "store/memory/memory_store.h"
#include "tests/support/archive_fixture.h"
#include "warehouse/memory/memory_warehouse.h"

namespace changevault {
namespace {

using testing::at;
using testing::value;

const Namespace kOrders{"shop", "orders"};

// Files of another program on 2025-01-15 and the rows of a warehouse; an event is known by its number.
class CoverageFound : public ::testing::Test {
 protected:
  struct Event {
    int number;
    Timestamp time;
  };

  void SetUp() override { ASSERT_OK(warehouse_.prepare()); }

  static std::string key(int hour, const std::string& name) {
    return "changestreams/shop/orders/2025/01/15/" + hour_digits(hour_of(at(hour, 0))) + "-" + name;
  }
  static std::string id(int number) { return to_string(EventId::of_token("t", std::to_string(number))); }
  void put(int hour, const std::string& name, const std::vector<Event>& events,
           const std::string& behind = "") {
    std::string text;
    for (const Event& event : events)
      text += R"({"event_id":")" + id(event.number) + R"(","enqueued_time":")" + to_rfc3339(event.time) +
              R"(","operation_type":"insert","database_name":"shop","collection_name":"orders",)" +
              R"("raw_event":{"n":1}})" + "\n";
    EXPECT_EQ(value(store_.put_if_absent(key(hour, name), text + behind)), PutOutcome::kCreated);
  }
  void load(const std::vector<Event>& events) {
    std::vector<MemoryWarehouse::Row> rows = warehouse_.rows();
    for (const Event& event : events) {
      MemoryWarehouse::Row row;
      row.event_id = id(event.number);
      row.enqueued_time = event.time;
      row.operation_type = "insert";
      row.database_name = "shop";
      row.collection_name = "orders";
      row.raw_event = R"({"n":1})";
      rows.push_back(row);
    }
    warehouse_.set_rows(std::move(rows));
  }

  FoundArchive read(const Scope& scope) {
    FoundOptions options;
    options.source_id = "default";
    options.now = clock_.now();
    return value(FoundArchive::read(store_, layout_, scope, options));
  }
  Coverage compare(const FoundArchive& archive, const Scope& scope = {}) {
    const Scope everything;
    SegmentFeed feed(store_, everything);
    feed.complete_with("default");
    CoverageOptions options;
    options.now = clock_.now();
    return value(find_gaps(scope, archive_side(archive, layout_, scope), warehouse_, feed, options));
  }
  static std::string states(const Coverage& coverage) {
    std::string out;
    for (const GapCell& cell : coverage.cells)
      out += (out.empty() ? "" : " ") + std::string(name(cell.state)) + (cell.unreadable ? "!" : "");
    return out;
  }
  std::vector<std::string> to_recover(const FoundArchive& archive, const Coverage& coverage) {
    std::vector<std::string> keys;
    for (const ListedSegment& segment : segments_to_recover(archive, layout_, coverage).segments)
      keys.push_back(segment.facts.key);
    return keys;
  }

  ManualClock clock_{at(23, 0)};
  MemoryStore store_{clock_};
  MemoryWarehouse warehouse_{clock_};
  KeyLayout layout_{"changestreams"};
};

// Nothing says that the files are all there were: no hour is ever OK or QUIET.
TEST_F(CoverageFound, WhatIsThereIsUnsealedAndWhatIsNotIsMissing) {
  put(1, "a.jsonl", {{1, at(1, 0)}, {2, at(1, 1)}});
  put(2, "a.jsonl", {{3, at(2, 0)}, {4, at(2, 1)}});
  put(4, "a.jsonl", {{5, at(4, 0)}});
  load({{1, at(1, 0)}, {2, at(1, 1)}, {3, at(2, 0)}});
  const FoundArchive archive = read({});
  const Coverage coverage = compare(archive);
  EXPECT_EQ(states(coverage), "UNSEALED PARTIAL UNSEALED MISSING");
  EXPECT_EQ(to_recover(archive, coverage), (std::vector{key(2, "a.jsonl"), key(4, "a.jsonl")}));
}

TEST_F(CoverageFound, AScopesHoursReachAsFarAsItSays) {
  put(2, "a.jsonl", {{1, at(2, 0)}});
  Scope scope;
  scope.time = {at(1, 0), at(5, 0)};
  EXPECT_EQ(states(compare(read(scope), scope)), "UNSEALED MISSING UNSEALED UNSEALED");
}

// Late records lie in the next hour's folder.
TEST_F(CoverageFound, AFileOfTwoHoursIsCountedInBothAndRecoveredForEither) {
  put(2, "a.jsonl", {{1, at(1, 59)}, {2, at(2, 0)}});
  put(1, "a.jsonl", {{3, at(1, 0)}});
  load({{2, at(2, 0)}, {3, at(1, 0)}});
  const FoundArchive archive = read({});
  const Coverage coverage = compare(archive);
  EXPECT_EQ(states(coverage), "PARTIAL UNSEALED");
  EXPECT_EQ(coverage.cells[0].numbers.missing, 1);
  EXPECT_EQ(coverage.cells[0].numbers.archive, 2);
  EXPECT_EQ(to_recover(archive, coverage), (std::vector{key(1, "a.jsonl"), key(2, "a.jsonl")}));
}

TEST_F(CoverageFound, ADamagedFileCostsItsHoursAndIsNotRecoveredFrom) {
  put(1, "a.jsonl", {{1, at(1, 0)}}, "{\"no\": record}\n");
  put(2, "a.jsonl", {{2, at(2, 0)}});
  const FoundArchive archive = read({});
  const Coverage coverage = compare(archive);
  EXPECT_TRUE(coverage.cells[0].unreadable);
  EXPECT_FALSE(coverage.cells[1].unreadable);
  ASSERT_EQ(coverage.problems.size(), 1U);
  EXPECT_EQ(coverage.problems[0].error.object, key(1, "a.jsonl"));
  EXPECT_EQ(to_recover(archive, coverage), std::vector{key(2, "a.jsonl")});
  EXPECT_EQ(segments_to_recover(archive, layout_, coverage).left_out, std::vector<std::size_t>{0});
}

// They may come from a file that is gone: shown, and no gap.
TEST_F(CoverageFound, RowsThatTheFilesDoNotHoldAreNoGap) {
  put(1, "a.jsonl", {{1, at(1, 0)}});
  load({{1, at(1, 0)}, {9, at(1, 5)}});
  const Coverage coverage = compare(read({}));
  EXPECT_EQ(coverage.gaps(), 0);
  EXPECT_EQ(coverage.cells[0].numbers.extra, 1);
}

}  // namespace
}  // namespace changevault
