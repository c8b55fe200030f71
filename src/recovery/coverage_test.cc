#include "recovery/coverage.h"

#include "codec/json.h"
#include "recovery/recovery_fixture.h"

namespace changevault {
namespace {

using testing::event_id;
using testing::kFirstHour;
using testing::kOrders;
using testing::kProducts;
using testing::TestArchive;
using testing::value;

Scope scope_of(const Namespace& ns, std::int64_t first, std::int64_t end) {
  Scope scope;
  scope.database = ns.database;
  scope.collection = ns.collection;
  scope.time = {Hour{kFirstHour.index + first}.start(), Hour{kFirstHour.index + end}.start()};
  return scope;
}

class CoverageTest : public ::testing::Test {
 protected:
  Result<Coverage> compare(const Scope& scope, const ArchiveSide& side) {
    CoverageOptions options;
    options.now = archive_.clock().now();
    options.max_cells = 1000;
    return find_gaps(scope, side, archive_.warehouse(), archive_.feed(), options);
  }
  // The one cell of the products' first hour.
  GapCell first_cell(std::int64_t sealed = 24) {
    const Coverage coverage = value(compare(scope_of(kProducts, 0, 1), archive_.side(24, sealed)));
    EXPECT_EQ(coverage.cells.size(), 1U);
    return coverage.cells.at(0);
  }
  static CellNumbers numbers(const GapCell& cell) { return cell.numbers; }

  TestArchive archive_;
};

TEST_F(CoverageTest, EveryHourOfEveryCollectionHasACell) {
  archive_.load(archive_.add(kProducts, kFirstHour, {{1}, {2}}));
  archive_.add(kOrders, kFirstHour.next(), {{3}});
  const Coverage coverage = value(compare({}, archive_.side(3, 2)));
  ASSERT_EQ(coverage.cells.size(), 6U);
  EXPECT_EQ(coverage.range, (TimeRange{kFirstHour.start(), Hour{kFirstHour.index + 3}.start()}));
  std::string states;
  for (const GapCell& cell : coverage.cells)
    states += to_string(coverage.ns(cell)) + " " + name(cell.state) + "\n";
  EXPECT_EQ(states,
            "inventory_db.products OK\ninventory_db.products QUIET\ninventory_db.products UNSEALED\n"
            "sales.orders QUIET\nsales.orders MISSING\nsales.orders UNSEALED\n");
  EXPECT_EQ(coverage.gaps(), 1);
  EXPECT_FALSE(coverage.quiet());
}

TEST_F(CoverageTest, PartialNamesWhatIsMissing) {
  archive_.load(archive_.add(kProducts, kFirstHour, {{1}, {2}, {3}}));
  archive_.lose(2);
  const GapCell cell = first_cell();
  EXPECT_EQ(cell.state, GapState::kPartial);
  EXPECT_EQ(numbers(cell), (CellNumbers{3, 2, 2, 1, 0, 0, 0}));
}

TEST_F(CoverageTest, SwappedEventsHaveTheSameCountAndAreFound) {
  archive_.load(archive_.add(kProducts, kFirstHour, {{1}, {2}, {3}}));
  archive_.change_rows([](auto& rows) { rows[0].event_id = event_id(99); });
  const GapCell cell = first_cell();
  EXPECT_EQ(cell.state, GapState::kExtra);
  EXPECT_EQ(numbers(cell), (CellNumbers{3, 3, 3, 1, 1, 0, 0}));
}

TEST_F(CoverageTest, DoubledRowsAreDuplicates) {
  archive_.load(archive_.add(kProducts, kFirstHour, {{1}, {2}}));
  archive_.change_rows([](auto& rows) { rows.push_back(rows[0]); });
  const GapCell cell = first_cell();
  EXPECT_EQ(cell.state, GapState::kDuplicate);
  EXPECT_EQ(numbers(cell), (CellNumbers{2, 3, 2, 0, 0, 1, 0}));
}

// The archive holds an event twice and so does the table: count and digest agree, the table is wrong all the
// same.
TEST_F(CoverageTest, ARepeatDoesNotHideADuplicate) {
  archive_.load(archive_.add(kProducts, kFirstHour, {{1}, {1}, {2}}));
  EXPECT_EQ(first_cell().state, GapState::kOk);
  EXPECT_EQ(numbers(first_cell()), (CellNumbers{3, 2, 2, 0, 0, 0, 1}));
  archive_.change_rows([](auto& rows) { rows.push_back(rows[0]); });
  EXPECT_EQ(first_cell().state, GapState::kDuplicate);
}

TEST_F(CoverageTest, AnEventRepeatedInALaterHourIsNoGap) {
  archive_.load(archive_.add(kProducts, kFirstHour, {{1}, {2}}));
  archive_.load(archive_.add(kProducts, kFirstHour.next(), {{2}}));
  const Coverage coverage = value(compare(scope_of(kProducts, 0, 2), archive_.side()));
  EXPECT_EQ(coverage.gaps(), 0);
  EXPECT_EQ(coverage.cells[1].state, GapState::kOk);
  EXPECT_EQ(numbers(coverage.cells[1]), (CellNumbers{1, 0, 0, 0, 0, 0, 1}));
}

// A row is where the archive holds its event, or it is missing there and too much here.
TEST_F(CoverageTest, ARowUnderAnotherHourIsMissingThereAndExtraHere) {
  archive_.load(archive_.add(kProducts, kFirstHour, {{1}, {2}}));
  archive_.change_rows([](auto& rows) { rows[0].enqueued_time = kFirstHour.next().start(); });
  const Coverage coverage = value(compare(scope_of(kProducts, 0, 2), archive_.side()));
  EXPECT_EQ(coverage.cells[0].state, GapState::kPartial);
  EXPECT_EQ(numbers(coverage.cells[0]), (CellNumbers{2, 1, 1, 1, 0, 0, 0}));
  EXPECT_EQ(coverage.cells[0].misplaced, 1);
  EXPECT_EQ(coverage.cells[1].state, GapState::kExtra);
  EXPECT_EQ(numbers(coverage.cells[1]), (CellNumbers{0, 1, 1, 0, 1, 0, 0}));
}

TEST_F(CoverageTest, AWholeCollectionUnderAnotherTimeOrNameIsMissing) {
  archive_.load(archive_.add(kProducts, kFirstHour, {{1}, {2}}));
  archive_.change_rows([](auto& rows) {
    for (auto& row : rows) row.enqueued_time = kFirstHour.start() + hours(5);
  });
  const GapCell moved = first_cell();
  EXPECT_EQ(moved.state, GapState::kMissing);
  EXPECT_EQ(moved.misplaced, 2);
  archive_.change_rows([](auto& rows) {
    for (auto& row : rows) {
      row.enqueued_time = kFirstHour.start();
      row.collection_name = "PRODUCTS";
    }
  });
  EXPECT_EQ(first_cell().state, GapState::kMissing);
}

// Freshly listed and not loaded, so it would be pending: but loading never puts right what stands elsewhere.
TEST_F(CoverageTest, WhatStandsElsewhereIsNotPending) {
  const ListedSegment& fresh = archive_.add(kProducts, kFirstHour, {{1}}, minutes(5));
  archive_.load(archive_.add(kOrders, kFirstHour, {{1}}));
  EXPECT_EQ(first_cell().state, GapState::kOk) << "the archive holds it there as well";
  archive_.change_rows([](auto& rows) { rows[0].enqueued_time = kFirstHour.next().start(); });
  EXPECT_EQ(first_cell().state, GapState::kMissing);
  archive_.lose(1);
  EXPECT_EQ(first_cell().state, GapState::kPending);
  archive_.load(fresh);
}

// The archive holds the event in both hours, so that each hour alone looks right.
TEST_F(CoverageTest, AnEventInTwoHoursOfTheArchiveStandsInOneRow) {
  archive_.load(archive_.add(kProducts, kFirstHour, {{1}, {2}}));
  archive_.load(archive_.add(kProducts, kFirstHour.next(), {{2}, {3}}));
  archive_.change_rows([](auto& rows) {
    rows.push_back(rows[1]);
    rows.back().enqueued_time = kFirstHour.next().start();
  });
  const Coverage coverage = value(compare(scope_of(kProducts, 0, 2), archive_.side()));
  EXPECT_EQ(coverage.cells[0].state, GapState::kOk);
  EXPECT_EQ(coverage.cells[1].state, GapState::kDuplicate);
  EXPECT_EQ(numbers(coverage.cells[1]), (CellNumbers{2, 2, 2, 0, 0, 1, 0}));
}

// The rows of the other hour are together those that the ledger counted: no file has to be read for that.
TEST_F(CoverageTest, ARepeatWhoseOtherHourIsDamagedIsProvenByItsNumbers) {
  const std::string key = archive_.add(kProducts, kFirstHour, {{1}, {2}}).facts.key;
  archive_.load(*archive_.listed().front());
  archive_.add(kProducts, kFirstHour.next(), {{2}});
  ASSERT_OK(archive_.store().remove(key));
  const Coverage coverage = value(compare(scope_of(kProducts, 1, 2), archive_.side()));
  EXPECT_EQ(coverage.cells[0].state, GapState::kOk);
  EXPECT_EQ(coverage.cells[0].numbers.repeats, 1);
  EXPECT_FALSE(coverage.cells[0].unreadable);
  EXPECT_TRUE(coverage.problems.empty());
}

// Nobody can say whether the other hour holds it: not OK for certain, and no gap by that alone.
TEST_F(CoverageTest, ARepeatWhoseOtherHourIsDamagedAndDiffersIsUncertain) {
  const std::string key = archive_.add(kProducts, kFirstHour, {{1}, {2}}).facts.key;
  archive_.load(*archive_.listed().front());
  archive_.change_rows([](auto& rows) { rows.erase(rows.begin()); });
  archive_.add(kProducts, kFirstHour.next(), {{2}});
  ASSERT_OK(archive_.store().remove(key));
  const Coverage coverage = value(compare(scope_of(kProducts, 1, 2), archive_.side()));
  EXPECT_EQ(coverage.gaps(), 0);
  EXPECT_TRUE(coverage.cells[0].unreadable);
  EXPECT_TRUE(coverage.uncertain());
}

class OutsideTest : public CoverageTest {
 protected:
  void SetUp() override {
    archive_.load(archive_.add(kProducts, kFirstHour, {{1}, {2}}));
    archive_.load(archive_.add(kProducts, kFirstHour.next(), {{3}}));
  }
  // A further row like the first one.
  void add_row(Timestamp time, std::int64_t id) {
    archive_.change_rows([&](auto& rows) {
      rows.push_back(rows[0]);
      rows.back().enqueued_time = time;
      rows.back().event_id = event_id(id);
    });
  }
  std::string states(const Scope& scope, const ArchiveSide& side) {
    const Coverage coverage = value(compare(scope, side));
    std::string out;
    std::int64_t gaps = 0;
    for (const OutsideCell& cell : coverage.outside) {
      gaps += is_gap(cell.state) ? 1 : 0;
      out += std::to_string(cell.rows.rows) + " " + name(cell.state) + " ";
    }
    EXPECT_EQ(coverage.gaps(), gaps);
    EXPECT_FALSE(coverage.quiet());
    return out;
  }
};

TEST_F(OutsideTest, RowsWithoutAUsableTimeBelongToNoHour) {
  EXPECT_EQ(states({}, archive_.side(2, 2)), "");
  add_row(TimeRange{}.to, 99);
  add_row(TimeRange{}.from, 98);
  EXPECT_EQ(states({}, archive_.side(2, 2)), "2 EXTRA ");
  add_row(TimeRange{}.to, 1);
  EXPECT_EQ(states({}, archive_.side(2, 2)), "3 DUPLICATE ");
  EXPECT_EQ(states(scope_of(kProducts, 0, 2), archive_.side(2, 2)), "") << "a range of time has none of them";
}

TEST_F(OutsideTest, RowsFromBeforeTheArchiveAreNoGapUnlessTheyAreCopies) {
  add_row(kFirstHour.start() - milliseconds(1), 99);
  EXPECT_EQ(states({}, archive_.side(2, 2)), "1 NOT_COVERED ");
  add_row(kFirstHour.start() - hours(100), 3);
  EXPECT_EQ(states({}, archive_.side(2, 2)), "2 DUPLICATE ");
  const Coverage asked = value(compare(scope_of(kProducts, -100, 2), archive_.side(2, 2)));
  EXPECT_EQ(asked.cells[0].state, GapState::kDuplicate) << "the same by its own hour";
  EXPECT_EQ(asked.cells[99].state, GapState::kNotCovered);
  EXPECT_EQ(asked.gaps(), 1);
}

TEST_F(OutsideTest, RowsBehindTheArchiveAreForeignOnceNothingIsOnItsWayThere) {
  const ArchiveSide side = archive_.side(2, 2);
  add_row(archive_.clock().now() - minutes(30), 99);
  EXPECT_EQ(states({}, side), "1 UNSEALED ");
  archive_.clock().advance(hours(2));
  EXPECT_EQ(states({}, side), "1 EXTRA ");
  const std::int64_t all = 10 * 24 + 3;
  Scope asked = scope_of(kProducts, 0, all);
  const Coverage by_hour = value(compare(asked, side));
  EXPECT_EQ(by_hour.gaps(), 1) << "the same by its own hour";
  EXPECT_EQ(by_hour.summary.at(GapState::kExtra), 1);
}

TEST_F(OutsideTest, RowsOfTheFutureAreForeign) {
  add_row(archive_.clock().now() + hours(2), 99);
  EXPECT_EQ(states({}, archive_.side(2, 2)), "1 EXTRA ");
}

TEST_F(OutsideTest, WhatWasArchivedMeanwhileIsNotForeign) {
  ArchiveSide side = archive_.side(2, 2);
  add_row(kFirstHour.start() + hours(30), 99);
  EXPECT_EQ(states({}, side), "1 EXTRA ");
  side.end_now = [] { return Result<std::optional<Hour>>(Hour{kFirstHour.index + 31}); };
  EXPECT_EQ(states({}, side), "");
}

TEST_F(CoverageTest, RowsOfACollectionThatTheArchiveDoesNotKnowAreExtra) {
  archive_.load(archive_.add(kProducts, kFirstHour, {{1}}));
  archive_.change_rows([](auto& rows) { rows[0].collection_name = "foreign"; });
  const Coverage sealed = value(compare(scope_of({"inventory_db", "foreign"}, 0, 1), archive_.side()));
  EXPECT_EQ(sealed.cells.at(0).state, GapState::kExtra);
  EXPECT_EQ(numbers(sealed.cells.at(0)).extra, 1);
  const Coverage open = value(compare(scope_of({"inventory_db", "foreign"}, 0, 1), archive_.side(24, 0)));
  EXPECT_EQ(open.cells.at(0).state, GapState::kUnsealed);
}

TEST_F(CoverageTest, RowsWithoutIdAreExtra) {
  archive_.load(archive_.add(kProducts, kFirstHour, {{1}}));
  archive_.change_rows([](auto& rows) {
    rows.push_back(rows[0]);
    rows[1].event_id.clear();
  });
  EXPECT_EQ(first_cell().state, GapState::kExtra);
}

TEST_F(CoverageTest, PendingOnlyWhileEverySegmentThatLacksIsFreshAndNotLoaded) {
  archive_.load(archive_.add(kProducts, kFirstHour, {{1}}));
  const ListedSegment& fresh = archive_.add(kProducts, kFirstHour, {{2}, {3}}, minutes(5), 100);
  EXPECT_EQ(first_cell(0).state, GapState::kPending);
  archive_.lose(1);
  EXPECT_EQ(first_cell(0).state, GapState::kMissing) << "the old segment's event is due";
  archive_.load(fresh);
  archive_.lose(2);
  EXPECT_EQ(first_cell(0).state, GapState::kPartial) << "it says that it is loaded";
}

TEST_F(CoverageTest, PendingEndsWithTheGraceTime) {
  archive_.add(kProducts, kFirstHour, {{1}}, minutes(59));
  EXPECT_EQ(first_cell().state, GapState::kPending);
  archive_.clock().advance(minutes(1));
  EXPECT_EQ(first_cell().state, GapState::kMissing);
}

TEST_F(CoverageTest, AbsenceInALostRangeIsNotQuiet) {
  archive_.load(archive_.add(kProducts, kFirstHour, {{1}}));
  ArchiveSide side = archive_.side();
  LostRange lost;
  lost.entry.from = kFirstHour.next().start();
  lost.entry.to = kFirstHour.next().start() + minutes(10);
  side.lost.push_back(lost);
  const Coverage coverage = value(compare(scope_of(kProducts, 0, 3), side));
  EXPECT_EQ(coverage.cells[0].state, GapState::kOk);
  EXPECT_EQ(coverage.cells[1].state, GapState::kLost);
  EXPECT_EQ(coverage.cells[2].state, GapState::kQuiet);
  EXPECT_EQ(coverage.gaps(), 1);
}

TEST_F(CoverageTest, HoursOfTheDayAreKept) {
  archive_.load(archive_.add(kProducts, kFirstHour, {{1}}));
  Scope scope = scope_of(kProducts, 0, 48);
  scope.hours_of_day = {2, 3};
  const Coverage coverage = value(compare(scope, archive_.side(48, 48)));
  ASSERT_EQ(coverage.cells.size(), 4U);
  EXPECT_EQ(coverage.cells[2].hour, Hour{kFirstHour.index + 26});
}

TEST_F(CoverageTest, WhatIsUnknownIsNoSuccess) {
  EXPECT_ERROR(compare({}, ArchiveSide{}), ErrorCode::kIndeterminate);
  archive_.load(archive_.add(kProducts, kFirstHour, {{1}}));
  const ArchiveSide side = archive_.side(3, 2);
  EXPECT_ERROR(compare(scope_of({"inventory_db", "prodcts"}, 0, 1), side), ErrorCode::kIndeterminate);
  EXPECT_ERROR(compare(scope_of(kProducts, 3, 5), side), ErrorCode::kIndeterminate);
  EXPECT_ERROR(compare(scope_of(kProducts, -5, 0), side), ErrorCode::kIndeterminate);
  EXPECT_EQ(value(compare(scope_of(kProducts, -1, 1), side)).cells[0].state, GapState::kNotCovered);
  const Coverage quiet = value(compare(scope_of(kProducts, 1, 2), side));
  EXPECT_TRUE(quiet.quiet());
}

TEST_F(CoverageTest, ScopesThatCountsCannotAnswerAreRefused) {
  archive_.load(archive_.add(kProducts, kFirstHour, {{1}}));
  Scope scope = scope_of(kProducts, 0, 1);
  scope.operations = {"delete"};
  EXPECT_ERROR(compare(scope, archive_.side()), ErrorCode::kUsage);
  EXPECT_ERROR(compare(scope_of(kProducts, 0, 2000), archive_.side(2000, 2000)), ErrorCode::kUsage);
}

// One damaged segment costs its own cell, and no more.
TEST_F(CoverageTest, ADamagedSegmentMarksItsCellAndTheOthersAreCompared) {
  const ListedSegment& segment = archive_.add(kProducts, kFirstHour, {{1}, {2}});
  archive_.load(archive_.add(kProducts, kFirstHour.next(), {{3}, {4}, {5}}));
  archive_.lose(4);
  std::string bytes = value(archive_.store().get(segment.facts.key));
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  archive_.store().corrupt(segment.facts.key, bytes);
  const Coverage coverage = value(compare(scope_of(kProducts, 0, 2), archive_.side()));
  EXPECT_TRUE(coverage.cells[0].unreadable);
  EXPECT_EQ(coverage.cells[0].state, GapState::kMissing);
  EXPECT_EQ(numbers(coverage.cells[0]), (CellNumbers{2, 0, 0, 2, 0, 0, 0}));
  EXPECT_FALSE(coverage.cells[1].unreadable);
  EXPECT_EQ(coverage.cells[1].state, GapState::kPartial);
  EXPECT_EQ(numbers(coverage.cells[1]).missing, 1);
  ASSERT_EQ(coverage.problems.size(), 1U);
  EXPECT_EQ(coverage.problems[0].error.object, segment.facts.key);
  EXPECT_EQ(coverage.problems[0].cell, 0U);
}

TEST_F(CoverageTest, AnUnreadableCellOfEqualCountsIsNotOk) {
  const ListedSegment& segment = archive_.add(kProducts, kFirstHour, {{1}, {2}});
  archive_.load(segment);
  archive_.change_rows([](auto& rows) { rows[0].event_id = event_id(99); });
  ASSERT_OK(archive_.store().remove(segment.facts.key));
  const GapCell cell = first_cell();
  EXPECT_TRUE(cell.unreadable);
  EXPECT_EQ(cell.state, GapState::kPartial);
}

// Nobody can say of such an hour that it is complete.
TEST_F(CoverageTest, HoursThatADamagedSlotSpeaksOfAreMarked) {
  archive_.load(archive_.add(kProducts, kFirstHour, {{1}}));
  ArchiveSide side = archive_.side(3, 3);
  side.problems.push_back(
      {Error(ErrorCode::kCorrupt, "damaged", "slot"), kFirstHour.next(), Hour{kFirstHour.index + 2}});
  const Coverage coverage = value(compare(scope_of(kProducts, 0, 3), side));
  EXPECT_EQ(coverage.cells[0].state, GapState::kOk);
  EXPECT_EQ(coverage.cells[1].state, GapState::kUnsealed);
  EXPECT_TRUE(coverage.cells[1].unreadable);
  EXPECT_EQ(coverage.cells[2].state, GapState::kQuiet);
  ASSERT_EQ(coverage.problems.size(), 1U);
  EXPECT_EQ(coverage.problems[0].cell, std::nullopt);
}

TEST_F(CoverageTest, JsonIsOneDocumentWithTheNumbers) {
  archive_.load(archive_.add({"odd\"db", "c"}, kFirstHour, {{1}, {2}}));
  archive_.lose(2);
  archive_.change_rows([](auto& rows) {
    rows.push_back(rows[0]);
    rows.back().event_id.clear();
    rows.back().enqueued_time = TimeRange{}.to;
  });
  const Coverage coverage = value(compare({}, archive_.side(1, 1)));
  std::string text;
  write_coverage_json(coverage, [&](std::string_view piece) { text += piece; });
  const Json json = Json::parse(text);
  EXPECT_EQ(json.at("range").at("from"), "2024-12-29T00:00:00Z");
  ASSERT_EQ(json.at("cells").size(), 1U);
  const Json& cell = json.at("cells").at(0);
  EXPECT_EQ(cell.at("database"), "odd\"db");
  EXPECT_EQ(cell.at("state"), "PARTIAL");
  EXPECT_EQ(cell.at("sealed"), true);
  EXPECT_EQ(cell.at("missing"), 1);
  EXPECT_EQ(json.at("summary").dump(), R"({"PARTIAL":1})");
  EXPECT_TRUE(json.at("problems").empty());
  ASSERT_EQ(json.at("outside").size(), 1U);
  EXPECT_EQ(json.at("outside").at(0).dump(),
            R"({"database":"odd\"db","collection":"c","time":"none","state":"EXTRA","rows":1,"copies":0,)"
            R"("earliest":null,"latest":null})");
  EXPECT_EQ(cell.at("misplaced"), 0);
  EXPECT_FALSE(cell.contains("unreadable"));
}

}  // namespace
}  // namespace changevault
