// A recovery that is killed, refused, cut off and overtaken at every one of its steps: nothing wrong is ever
// merged, and what was begun can be ended.
#include <algorithm>
#include <functional>
#include <map>

#include "recovery/audit.h"
#include "recovery/executor.h"
#include "recovery/recovery_fixture.h"
#include "recovery/remains.h"
#include "store/faulty_store.h"
#include "warehouse/faulty_warehouse.h"

namespace changevault {
namespace {

using testing::event_id;
using testing::kFirstHour;
using testing::kProducts;
using testing::TestArchive;
using testing::value;

struct Killed {};

class RecoveryFault : public ::testing::Test {
 protected:
  // Six events in two segments; the warehouse has the events `present`.
  RecoveryFault() : RecoveryFault({5}) {}
  explicit RecoveryFault(const std::vector<std::int64_t>& present) {
    archive_.load(archive_.add(kProducts, kFirstHour, {{1}, {2, "update"}, {3}}));
    archive_.load(archive_.add(kProducts, kFirstHour, {{4}, {5, "delete"}, {1}}, hours(48), 100));
    for (const std::int64_t id : {1, 2, 3, 4, 5}) {
      if (std::find(present.begin(), present.end(), id) == present.end()) archive_.lose(id);
    }
  }

  RecoveryPlan plan() {
    PlanRequest request;
    request.now = archive_.clock().now();
    request.id = make_recovery_id(request.now, archive_.random());
    request.scope.database = "inventory_db";
    request.scope.time = {kFirstHour.start(), kFirstHour.end()};
    request.segments = archive_.listed();
    request.actor = actor_;
    SegmentFeed feed(archive_.store(), request.scope);
    return value(make_plan(request, feed, archive_.warehouse(), nullptr));
  }

  // One chunk, or one for each segment.
  static ExecutorOptions in_chunks() {
    ExecutorOptions options;
    options.chunk_text_bytes = 1;
    return options;
  }
  static ExecutorOptions stage_only() {
    ExecutorOptions options;
    options.stage_only = true;
    return options;
  }

  Result<std::optional<Remains>> remains_of(const std::string& id) {
    return find_remains(archive_.store(), archive_.layout(), archive_.warehouse(), id);
  }
  Executor executor() { return Executor(parts(archive_.store(), archive_.warehouse())); }
  Executor::Parts parts(ObjectStore& store, Warehouse& warehouse) {
    return {store, archive_.layout(), warehouse, archive_.clock(), archive_.random()};
  }

  // How often each event stands in the warehouse: "1:1 2:1 …".
  std::string rows() {
    std::map<std::string, int> counts;
    for (const auto& row : archive_.warehouse().rows()) ++counts[row.event_id];
    std::string text;
    for (const std::int64_t id : {1, 2, 3, 4, 5}) {
      if (counts.contains(event_id(id))) {
        text += std::to_string(id) + ":" + std::to_string(counts[event_id(id)]) + " ";
      }
    }
    return text;
  }
  std::vector<std::string> steps(const std::string& id) {
    std::vector<std::string> names;
    for (const JournalEntry& entry : value(read_journal(archive_.store(), archive_.layout(), id))) {
      names.emplace_back(name(entry.step));
    }
    return names;
  }

  void expect_refused(const RecoveryPlan& made, const Result<RecoveryResult>& result, ErrorCode code) {
    EXPECT_ERROR(result, code);
    EXPECT_NE(result.error().message.find("nothing was merged"), std::string::npos) << result.error().message;
    EXPECT_EQ(rows(), kBefore);
    EXPECT_EQ(value(archive_.warehouse().merged(made.id)), std::nullopt);
    EXPECT_TRUE(value(archive_.warehouse().stages()).empty());
    EXPECT_EQ(steps(made.id).back(), "failed");
  }

  // Ends what was begun, whatever happened to it, and proves the outcome.
  void end_and_check(const RecoveryPlan& made, const std::string& what) {
    Result<RecoveryResult> ended = executor().resume(made.id, actor_, {});
    if (!ended && ended.error().code == ErrorCode::kNotFound) ended = executor().run(made, {});
    if (!ended && ended.error().code == ErrorCode::kStalePlan) {
      EXPECT_EQ(rows(), kBefore) << what << ": it says that it failed";
      ended = executor().run(plan(), {});
    }
    ASSERT_TRUE(ended.has_value()) << what << ": " << ended.error().to_string();
    EXPECT_EQ(ended->state, RecoveryState::kDone) << what;
    EXPECT_EQ(ended->inserted, 4) << what;
    EXPECT_EQ(ended->staged, 6) << what;
    EXPECT_EQ(rows(), kAfter) << what;
    EXPECT_TRUE(value(archive_.warehouse().stages()).empty()) << what;
    const RecoveryResult again = value(executor().run(plan(), {}));
    EXPECT_EQ(again.inserted, 0) << what;
    EXPECT_EQ(rows(), kAfter) << what;
  }

  static constexpr const char* kBefore = "5:1 ";
  static constexpr const char* kFirstChunk = "1:1 2:1 3:1 5:1 ";  // of two
  static constexpr const char* kAfter = "1:1 2:1 3:1 4:1 5:1 ";
  TestArchive archive_;
  Actor actor_{"ada", "host", "changevault 0.1.0"};
};

TEST_F(RecoveryFault, WhatIsMissingComesBackOnce) {
  const RecoveryPlan made = plan();
  EXPECT_EQ(made.new_rows(), 4);
  const RecoveryResult result = value(executor().run(made, {}));
  EXPECT_EQ(result.state, RecoveryState::kDone);
  EXPECT_EQ(result.expected, 6);
  EXPECT_EQ(result.staged, 6);
  EXPECT_EQ(result.inserted, 4);
  EXPECT_EQ(result.already_present, 1);
  EXPECT_EQ(rows(), kAfter);
  EXPECT_EQ(steps(made.id),
            (std::vector<std::string>{"started", "staged", "validated", "merged", "checked", "done"}));
  EXPECT_TRUE(value(archive_.warehouse().stages()).empty());

  const std::vector<PastRecovery> audit = value(past_recoveries(archive_.store(), archive_.layout()));
  ASSERT_EQ(audit.size(), 1U);
  EXPECT_EQ(audit[0].id, made.id);
  EXPECT_EQ(audit[0].state(), "done");
  EXPECT_EQ(audit[0].plan, made);
  const auto& done = std::get<DoneStep>(audit[0].journal.back().step);
  EXPECT_EQ(done.actor, actor_);
  EXPECT_EQ(done.inserted, 4);
}

TEST_F(RecoveryFault, RunAgainItInsertsNothing) {
  const RecoveryPlan made = plan();
  EXPECT_OK(executor().run(made, {}));
  EXPECT_ERROR(executor().run(made, {}), ErrorCode::kStalePlan);
  EXPECT_EQ(value(executor().resume(made.id, actor_, {})).inserted, 4) << "it says again what it did";
  EXPECT_EQ(value(executor().run(plan(), {})).inserted, 0);
  EXPECT_EQ(rows(), kAfter);
}

TEST_F(RecoveryFault, InChunksTheSameComesBackOnce) {
  const RecoveryPlan made = plan();
  int merges = 0;
  FaultyWarehouse warehouse(archive_.warehouse(), [&](WarehouseOperation step, const std::string&) {
    merges += step == WarehouseOperation::kMerge ? 1 : 0;
    return Fault::kNone;
  });
  const RecoveryResult result =
      value(Executor(parts(archive_.store(), warehouse)).run(made, {}, in_chunks()));
  EXPECT_EQ(merges, 2);
  EXPECT_EQ(result.state, RecoveryState::kDone);
  EXPECT_EQ(result.chunks, (std::vector<std::string>{made.id + "_c001", made.id + "_c002"}));
  EXPECT_EQ(result.staged, 6);
  EXPECT_EQ(result.inserted, 4);
  EXPECT_EQ(result.already_present, 2) << "5 was there; 1 came with the first chunk";
  EXPECT_EQ(rows(), kAfter);
  EXPECT_TRUE(value(archive_.warehouse().stages()).empty());
  EXPECT_EQ(steps(made.id),
            (std::vector<std::string>{"started", "staged", "validated", "merged", "checked", "done"}));
}

TEST_F(RecoveryFault, DamageInTheLastChunkStopsAll) {
  const RecoveryPlan made = plan();
  ASSERT_OK(archive_.store().remove(made.segments[1].key));
  expect_refused(made, executor().run(made, {}, in_chunks()), ErrorCode::kValidation);
}

TEST_F(RecoveryFault, ChunksAreCutByTheirText) {
  RecoveryPlan made = plan();
  made.segments.assign(5, made.segments[0]);
  ExecutorOptions options;
  options.text_bytes = [](const PlannedSegment&) { return 40; };
  options.chunk_text_bytes = 100;
  EXPECT_EQ(cut_into_chunks(made, options), (std::vector<std::int64_t>{2, 2, 1}));
  options.chunk_text_bytes = 10;
  EXPECT_EQ(cut_into_chunks(made, options), (std::vector<std::int64_t>{1, 1, 1, 1, 1}));
  options.chunk_text_bytes = 200;
  EXPECT_EQ(cut_into_chunks(made, options), (std::vector<std::int64_t>{5}));
}

TEST(RecoveryChunks, LongRowsWeighMore) {
  EXPECT_EQ(merge_weight(65'536, 1), 65'536);
  EXPECT_EQ(merge_weight(65'537, 1), 4 * 65'537);
  EXPECT_EQ(merge_weight(100 * 65'536, 100), 100 * 65'536);
  EXPECT_EQ(merge_weight(0, 0), 0);
}

TEST_F(RecoveryFault, StagedOnlyWaitsForItsResume) {
  for (const bool chunked : {false, true}) {
    archive_.change_rows(
        [](auto& rows) { std::erase_if(rows, [](const auto& row) { return row.event_id != event_id(5); }); });
    archive_.clock().advance(seconds(1));
    const RecoveryPlan made = plan();
    ExecutorOptions options = chunked ? in_chunks() : ExecutorOptions{};
    options.stage_only = true;
    const RecoveryResult staged = value(executor().run(made, {}, options));
    EXPECT_EQ(staged.state, RecoveryState::kStaged);
    EXPECT_EQ(staged.staged, 6);
    EXPECT_EQ(rows(), kBefore);
    EXPECT_EQ(value(archive_.warehouse().stages()), staged.chunks);
    EXPECT_EQ(steps(made.id).back(), "waiting");
    // It is staged anew from proven bytes, since people may have changed the side tables meanwhile.
    int reads = 0;
    FaultyStore counting(archive_.store(), [&](StoreOperation, const std::string& key) {
      reads += key.ends_with(".jsonl.gz") ? 1 : 0;
      return Fault::kNone;
    });
    const RecoveryResult done =
        value(Executor(parts(counting, archive_.warehouse())).resume(made.id, actor_, {}));
    EXPECT_GT(reads, 0);
    EXPECT_EQ(done.state, RecoveryState::kDone);
    EXPECT_EQ(done.inserted, 4);
    EXPECT_EQ(rows(), kAfter);
    EXPECT_TRUE(value(archive_.warehouse().stages()).empty());
  }
}

TEST_F(RecoveryFault, StagedRowsThatChangedMeanwhileAreNotMerged) {
  const RecoveryPlan made = plan();
  value(executor().run(made, {}, stage_only()));
  FaultyWarehouse warehouse(archive_.warehouse(),
                            [](WarehouseOperation, const std::string&) { return Fault::kWrongAnswer; });
  expect_refused(made, Executor(parts(archive_.store(), warehouse)).resume(made.id, actor_, {}),
                 ErrorCode::kValidation);
}

TEST_F(RecoveryFault, StagedAndItsSideTableGoneIsStagedAnew) {
  const RecoveryPlan made = plan();
  value(executor().run(made, {}, stage_only()));
  ASSERT_OK(archive_.warehouse().drop_stage(made.id));
  EXPECT_EQ(value(executor().resume(made.id, actor_, {})).inserted, 4);
  EXPECT_EQ(rows(), kAfter);
}

TEST_F(RecoveryFault, AStagedOneCanBeGivenUp) {
  const RecoveryPlan made = plan();
  value(executor().run(made, {}, stage_only()));
  EXPECT_OK(executor().discard(made.id, actor_));
  EXPECT_EQ(rows(), kBefore);
  EXPECT_TRUE(value(archive_.warehouse().stages()).empty());
  EXPECT_EQ(steps(made.id).back(), "failed");
  EXPECT_ERROR(executor().resume(made.id, actor_, {}), ErrorCode::kStalePlan);
  EXPECT_ERROR(executor().discard(made.id, actor_), ErrorCode::kStalePlan);
}

// It died behind the last entry of its journal.
TEST_F(RecoveryFault, SideTablesOfOneThatIsOverAreDroppedByDiscard) {
  const RecoveryPlan made = plan();
  FaultyWarehouse warehouse(archive_.warehouse(), [&](WarehouseOperation step, const std::string&) {
    return step == WarehouseOperation::kDropStage ? Fault::kFailBefore : Fault::kNone;
  });
  EXPECT_EQ(value(Executor(parts(archive_.store(), warehouse)).run(made, {})).state, RecoveryState::kDone);
  ASSERT_FALSE(value(archive_.warehouse().stages()).empty());
  const auto over = executor().discard(made.id, actor_);
  EXPECT_ERROR(over, ErrorCode::kStalePlan);
  EXPECT_NE(over.error().message.find("dropped now"), std::string::npos) << over.error().message;
  EXPECT_TRUE(value(archive_.warehouse().stages()).empty());
  EXPECT_EQ(rows(), kAfter);
}

// A stop before the merge of a plan that can be begun only once.
TEST_F(RecoveryFault, StoppedBeforeTheMergeItCanBeLeftToBeResumed) {
  const RecoveryPlan made = plan();
  std::stop_source stop;
  FaultyWarehouse warehouse(archive_.warehouse(), [&](WarehouseOperation step, const std::string&) {
    if (step == WarehouseOperation::kStageFacts) stop.request_stop();
    return Fault::kNone;
  });
  ExecutorOptions options;
  options.resumable = true;
  const auto stopped = Executor(parts(archive_.store(), warehouse)).run(made, stop.get_token(), options);
  EXPECT_ERROR(stopped, ErrorCode::kCancelled);
  EXPECT_NE(stopped.error().hint.find("--resume " + made.id), std::string::npos) << stopped.error().hint;
  EXPECT_EQ(rows(), kBefore);
  const RecoveryResult ended = value(executor().resume(made.id, actor_, {}));
  EXPECT_EQ(ended.inserted, 4);
  EXPECT_FALSE(ended.done_before);
  EXPECT_EQ(rows(), kAfter);
  EXPECT_TRUE(value(archive_.warehouse().stages()).empty());
  EXPECT_TRUE(value(executor().resume(made.id, actor_, {})).done_before);
}

// The merge reads the archive, and can be stopped there: then nothing of it happened.
TEST_F(RecoveryFault, StoppedInsideItsFirstMergeNothingIsMerged) {
  std::stop_source stop;
  FaultyWarehouse warehouse(archive_.warehouse(), [&](WarehouseOperation step, const std::string&) {
    if (step == WarehouseOperation::kMerge) stop.request_stop();
    return Fault::kNone;
  });
  const auto stopped =
      Executor(parts(archive_.store(), warehouse)).run(plan(), stop.get_token(), in_chunks());
  EXPECT_ERROR(stopped, ErrorCode::kCancelled);
  EXPECT_NE(stopped.error().message.find("nothing was merged"), std::string::npos);
  EXPECT_EQ(rows(), kBefore);
  EXPECT_TRUE(value(archive_.warehouse().stages()).empty());
}

TEST_F(RecoveryFault, OneThatIsMergedInPartSaysSoWhenItIsGivenUp) {
  const RecoveryPlan made = plan();
  std::stop_source stop;
  int merges = 0;
  FaultyWarehouse warehouse(archive_.warehouse(), [&](WarehouseOperation step, const std::string&) {
    if (step == WarehouseOperation::kMerge && ++merges == 2) stop.request_stop();
    return Fault::kNone;
  });
  const auto stopped = Executor(parts(archive_.store(), warehouse)).run(made, stop.get_token(), in_chunks());
  EXPECT_ERROR(stopped, ErrorCode::kCancelled);
  EXPECT_NE(stopped.error().hint.find("--resume " + made.id), std::string::npos) << stopped.error().hint;
  EXPECT_EQ(rows(), kFirstChunk);
  ASSERT_OK(executor().discard(made.id, actor_));
  EXPECT_EQ(steps(made.id).back(), "failed");
  const auto journal = value(read_journal(archive_.store(), archive_.layout(), made.id));
  EXPECT_TRUE(std::get<FailedStep>(journal.back().step).merged);
  EXPECT_NE(std::get<FailedStep>(journal.back().step).message.find("1 of "), std::string::npos);
  EXPECT_TRUE(value(archive_.warehouse().stages()).empty());
  EXPECT_EQ(rows(), kFirstChunk);
  archive_.clock().advance(seconds(1));
  value(executor().run(plan(), {}));
  EXPECT_EQ(rows(), kAfter);
}

TEST_F(RecoveryFault, T20_DamageBetweenPlanAndStageStopsAll) {
  for (const bool gone : {false, true}) {
    const RecoveryPlan made = plan();
    const std::string key = made.segments[1].key;
    const std::string bytes = value(archive_.store().get(key));
    if (gone) {
      ASSERT_OK(archive_.store().remove(key));
    } else {
      std::string flipped = bytes;
      flipped[flipped.size() - 20] = static_cast<char>(flipped[flipped.size() - 20] ^ 4);
      archive_.store().corrupt(key, flipped);
    }
    expect_refused(made, executor().run(made, {}), ErrorCode::kValidation);
    if (gone) {
      value(archive_.store().put_if_absent(key, bytes));
    } else {
      archive_.store().corrupt(key, bytes);
    }
  }
}

// Another file of the same form: every record is true, but it is not the file that the ledger names.
TEST_F(RecoveryFault, AnotherSegmentUnderTheSameNameIsRefused) {
  const RecoveryPlan made = plan();
  archive_.store().corrupt(made.segments[0].key, value(archive_.store().get(made.segments[1].key)));
  expect_refused(made, executor().run(made, {}), ErrorCode::kValidation);
}

TEST_F(RecoveryFault, APlanThatExpectsOtherRowsIsRefused) {
  RecoveryPlan made = plan();
  made.expected.digest += 1;
  expect_refused(made, executor().run(made, {}), ErrorCode::kValidation);
}

TEST_F(RecoveryFault, AStageThatIsNotTheScanIsRefused) {
  const std::vector<std::pair<const char*, std::function<void(StageFacts&)>>> distortions{
      {"rows", [](StageFacts& f) { ++f.rows; }},
      {"digest", [](StageFacts& f) { f.digest ^= 1; }},
      {"distinct", [](StageFacts& f) { --f.distinct; }},
      {"operations", [](StageFacts& f) { --f.operations["insert"], ++f.operations["update"]; }},
      {"null", [](StageFacts& f) { f.null_ids = 1; }},
      {"first time", [](StageFacts& f) { f.min_time = kFirstHour.start() - milliseconds(1); }},
      {"last time", [](StageFacts& f) { f.max_time = kFirstHour.end(); }},
      {"no time", [](StageFacts& f) { f.max_time.reset(); }},
      {"twice", [](StageFacts& f) { f.same_position_twice = 1; }},
  };
  for (const auto& [what, distort] : distortions) {
    SCOPED_TRACE(what);
    FaultyWarehouse warehouse(archive_.warehouse(),
                              [](WarehouseOperation, const std::string&) { return Fault::kWrongAnswer; });
    warehouse.distort = distort;
    const RecoveryPlan made = plan();
    Executor distorted(parts(archive_.store(), warehouse));
    expect_refused(made, distorted.run(made, {}), ErrorCode::kValidation);
  }
}

TEST_F(RecoveryFault, T10_LiveLoadingMayBeFirst) {
  const RecoveryPlan made = plan();
  FaultyWarehouse warehouse(archive_.warehouse(), [&](WarehouseOperation step, const std::string&) {
    if (step == WarehouseOperation::kMerge) {
      archive_.load(archive_.add(kProducts, kFirstHour.next(), {{1}, {2}}, minutes(1)));
    }
    return Fault::kNone;
  });
  Executor overtaken(parts(archive_.store(), warehouse));
  const RecoveryResult result = value(overtaken.run(made, {}));
  EXPECT_EQ(result.state, RecoveryState::kDone);
  EXPECT_EQ(result.inserted, 2);
  EXPECT_EQ(result.already_present, 3);
  EXPECT_EQ(rows(), kAfter);
}

TEST_F(RecoveryFault, ARowThatStandsTwiceIsNotCalledDone) {
  archive_.change_rows([](auto& rows) { rows.push_back(rows[0]); });
  const RecoveryPlan made = plan();
  const RecoveryResult result = value(executor().run(made, {}));
  EXPECT_EQ(result.state, RecoveryState::kFailed);
  EXPECT_EQ(result.check.duplicate, 1);
  EXPECT_EQ(result.check.missing, 0);
  EXPECT_TRUE(
      std::get<FailedStep>(value(read_journal(archive_.store(), archive_.layout(), made.id)).back().step)
          .merged);
}

TEST_F(RecoveryFault, StoppedBeforeTheMergeChangesNothing) {
  const RecoveryPlan made = plan();
  std::stop_source stop;
  FaultyWarehouse warehouse(archive_.warehouse(), [&](WarehouseOperation step, const std::string&) {
    if (step == WarehouseOperation::kStageFacts) stop.request_stop();
    return Fault::kNone;
  });
  Executor stopped(parts(archive_.store(), warehouse));
  expect_refused(made, stopped.run(made, stop.get_token()), ErrorCode::kCancelled);
}

TEST_F(RecoveryFault, TwoOfTheSamePlanAreFenced) {
  const RecoveryPlan made = plan();
  bool second_started = false;
  FaultyWarehouse warehouse(archive_.warehouse(), [&](WarehouseOperation step, const std::string&) {
    if (step == WarehouseOperation::kStage && !std::exchange(second_started, true)) {
      EXPECT_EQ(value(executor().resume(made.id, actor_, {})).state, RecoveryState::kDone);
    }
    return Fault::kNone;
  });
  Executor first(parts(archive_.store(), warehouse));
  EXPECT_ERROR(first.run(made, {}), ErrorCode::kFenced);
  EXPECT_EQ(rows(), kAfter);
  EXPECT_EQ(steps(made.id).back(), "done");
}

TEST_F(RecoveryFault, AHoleInTheJournalIsNamedAndNothingIsWritten) {
  const RecoveryPlan made = plan();
  ASSERT_EQ(value(executor().run(made, {}, stage_only())).state, RecoveryState::kStaged);
  const std::string before = rows();
  const std::string folder = archive_.layout().recovery_chain(made.id);
  const std::string gone = folder + "000000000001.json";
  ASSERT_OK(archive_.store().remove(gone));
  const auto keys = [&] {
    std::vector<std::string> out;
    for (const ObjectInfo& object : value(archive_.store().list(folder)).objects) out.push_back(object.key);
    return out;
  };
  const std::vector<std::string> standing = keys();
  const auto refused = executor().resume(made.id, actor_, {});
  EXPECT_ERROR(refused, ErrorCode::kCorrupt);
  EXPECT_EQ(refused.error().object, gone);
  EXPECT_NE(refused.error().hint.find("--discard"), std::string::npos) << refused.error().hint;
  EXPECT_EQ(keys(), standing);
  EXPECT_EQ(rows(), before);
  // Its side tables can be dropped all the same; the journal is left as it is.
  EXPECT_ERROR(executor().discard(made.id, actor_), ErrorCode::kCorrupt);
  const auto remains = value(remains_of(made.id));
  ASSERT_TRUE(remains);
  EXPECT_EQ(remains->side_tables, std::vector<std::string>{made.id});
  EXPECT_EQ(remains->damage.object, gone);
  EXPECT_OK(drop_side_tables(archive_.warehouse(), *remains));
  EXPECT_TRUE(value(archive_.warehouse().stages()).empty());
  EXPECT_EQ(keys(), standing);
}

// Whatever of its papers is gone or damaged: each side table is found, and each row that it has inserted.
TEST_F(RecoveryFault, WhatADamagedRecoveryLeftIsFound) {
  const RecoveryPlan made = plan();
  std::stop_source stop;
  int merges = 0;
  FaultyWarehouse warehouse(archive_.warehouse(), [&](WarehouseOperation step, const std::string&) {
    if (step == WarehouseOperation::kMerge && ++merges == 2) stop.request_stop();
    return Fault::kNone;
  });
  EXPECT_ERROR(Executor(parts(archive_.store(), warehouse)).run(made, stop.get_token(), in_chunks()),
               ErrorCode::kCancelled);
  EXPECT_FALSE(value(remains_of(made.id))) << "it is whole: resume or discard it";
  const std::size_t tables = value(archive_.warehouse().stages()).size();
  ASSERT_GT(tables, 1U);
  const std::string plan_key = archive_.layout().recovery_plan(made.id);
  const std::string plan_bytes = value(archive_.store().get(plan_key));
  const auto expect_found = [&](ErrorCode code, const std::string& what) {
    const auto remains = value(remains_of(made.id));
    ASSERT_TRUE(remains) << what;
    EXPECT_EQ(remains->damage.code, code) << what;
    EXPECT_EQ(remains->side_tables.size(), tables) << what;
    EXPECT_EQ(remains->merged_parts, 1) << what;
    EXPECT_GT(remains->inserted, 0) << what;
  };
  archive_.store().corrupt(plan_key, plan_bytes.substr(0, plan_bytes.size() / 2));
  expect_found(ErrorCode::kCorrupt, "damaged plan");
  ASSERT_OK(archive_.store().remove(plan_key));
  expect_found(ErrorCode::kNotFound, "no plan");
  ASSERT_OK(archive_.store().put_if_absent(plan_key, plan_bytes, {}));
  for (const ObjectInfo& object :
       value(archive_.store().list(archive_.layout().recovery_chain(made.id))).objects) {
    if (object.key != plan_key) ASSERT_OK(archive_.store().remove(object.key));
  }
  expect_found(ErrorCode::kNotFound, "all slots gone");
  ASSERT_OK(archive_.store().remove(plan_key));
  expect_found(ErrorCode::kNotFound, "nothing in the store");
  EXPECT_OK(drop_side_tables(archive_.warehouse(), *value(remains_of(made.id))));
  EXPECT_TRUE(value(archive_.warehouse().stages()).empty());
  EXPECT_ERROR(remains_of("20250116t081500z_00000000"), ErrorCode::kNotFound);
}

TEST_F(RecoveryFault, AMergeWhoseOutcomeIsUnknownIsLeftForResume) {
  const RecoveryPlan made = plan();
  int merges = 0;
  FaultyWarehouse warehouse(archive_.warehouse(), [&](WarehouseOperation step, const std::string&) {
    if (step == WarehouseOperation::kMerge) return ++merges, Fault::kFailAfter;
    return step == WarehouseOperation::kMerged && merges > 0 ? Fault::kFailBefore : Fault::kNone;
  });
  Executor cut_off(parts(archive_.store(), warehouse));
  EXPECT_ERROR(cut_off.run(made, {}), ErrorCode::kIndeterminate);
  EXPECT_EQ(steps(made.id).back(), "validated");
  end_and_check(made, "resumed");
}

// Each call to store and warehouse in turn is the one at which the process dies, or that fails.
enum class What { kKill, kFailBefore, kFailAfter };

class RecoveryFaultAt : public RecoveryFault {
 protected:
  // The outcome, or nothing where the process died; false where the recovery ended before its `at`th call.
  bool run_with_fault(const RecoveryPlan& made, What what, int at, bool chunked, std::string& where) {
    int calls = 0;
    bool reached = false;
    const auto fault = [&](const std::string& call) {
      if (reached || calls++ != at) return Fault::kNone;
      reached = true;
      where = call;
      if (what == What::kKill) throw Killed{};
      return what == What::kFailBefore ? Fault::kFailBefore : Fault::kFailAfter;
    };
    FaultyWarehouse warehouse(archive_.warehouse(), [&](WarehouseOperation operation, const std::string&) {
      return fault(name(operation));
    });
    FaultyStore store(archive_.store(), [&](StoreOperation, const std::string& key) { return fault(key); });
    try {
      const Result<RecoveryResult> result =
          Executor(parts(store, warehouse)).run(made, {}, chunked ? in_chunks() : ExecutorOptions{});
      if (result.has_value()) {
        EXPECT_EQ(result->state, RecoveryState::kDone) << where;
        EXPECT_EQ(rows(), kAfter) << where;
      } else if (result.error().message.find("nothing was merged") != std::string::npos) {
        EXPECT_EQ(rows(), kBefore) << where << ": " << result.error().to_string();
      }
    } catch (const Killed&) {
      EXPECT_EQ(what, What::kKill);
    }
    const std::string now = rows();
    EXPECT_TRUE(now == kBefore || now == kAfter || (chunked && now == kFirstChunk))
        << where << ": half a merge: " << now;
    return reached;
  }
};

class EveryCall : public RecoveryFaultAt, public ::testing::WithParamInterface<std::tuple<What, bool>> {};

TEST_P(EveryCall, LeavesNothingWrongAndCanBeEnded) {
  const auto [what, chunked] = GetParam();
  int at = 0;
  for (;; ++at) {
    archive_.change_rows(
        [](auto& rows) { std::erase_if(rows, [](const auto& row) { return row.event_id != event_id(5); }); });
    archive_.clock().advance(seconds(1));
    const RecoveryPlan made = plan();
    std::string where;
    if (!run_with_fault(made, what, at, chunked, where)) break;
    end_and_check(made, "call " + std::to_string(at) + ", " + where);
    if (HasFatalFailure()) return;
  }
  EXPECT_GE(at, 15) << "the faults did not reach the recovery";
}

std::string name_of(const ::testing::TestParamInfo<std::tuple<What, bool>>& tested) {
  const auto [what, chunked] = tested.param;
  const std::string chunks = chunked ? "InChunks" : "";
  switch (what) {
    case What::kKill:
      return "Killed" + chunks;
    case What::kFailBefore:
      return "FailsBefore" + chunks;
    case What::kFailAfter:
      return "FailsAfter" + chunks;
  }
  return "Unknown";
}
INSTANTIATE_TEST_SUITE_P(RecoveryFault, EveryCall,
                         ::testing::Combine(::testing::Values(What::kKill, What::kFailBefore,
                                                              What::kFailAfter),
                                            ::testing::Bool()),
                         name_of);

}  // namespace
}  // namespace changevault
