// A removal of rows that stand more than once, killed, refused and cut off at every one of its calls: no row
// that is the only one of its event is ever lost, and what was begun can be ended.
#include "recovery/removal.h"

#include <algorithm>
#include <map>

#include "recovery/audit.h"
#include "recovery/recovery_fixture.h"
#include "recovery/remains.h"
#include "store/faulty_store.h"
#include "warehouse/faulty_warehouse.h"

namespace changevault {
namespace {

using testing::event_id;
using testing::kFirstHour;
using testing::kOrders;
using testing::kProducts;
using testing::TestArchive;
using testing::value;

struct Killed {};

// Twelve events of two collections; 1 to 6 stand twice or more, 7 stands with two contents, 8 is a stranger
// beside.
class World {
 public:
  World() {
    archive_.load(archive_.add(kProducts, kFirstHour, {{1}, {2, "update"}, {3}, {4}, {7}}));
    archive_.load(archive_.add(kOrders, kFirstHour, {{5}, {6, "delete"}, {9}, {10}, {11}, {12}}));
    archive_.change_rows([](auto& rows) {
      std::vector<MemoryWarehouse::Row> more;
      for (const auto& row : rows) {
        for (const int id : {1, 2, 3, 4, 5, 6}) {
          if (row.event_id == event_id(id)) more.insert(more.end(), static_cast<std::size_t>(id), row);
        }
        if (row.event_id == event_id(7)) {
          more.push_back(row);
          more.back().full_document = "{}";
        }
      }
      MemoryWarehouse::Row stranger = rows[0];
      stranger.event_id = event_id(8);
      more.push_back(stranger);
      rows.insert(rows.end(), more.begin(), more.end());
    });
  }

  FoundDuplicates find(const Scope& scope = {}) {
    const std::string id = make_recovery_id(archive_.clock().now(), archive_.random());
    return value(plan_removal({id, scope, archive_.clock().now(), actor_}, archive_.warehouse(), 3));
  }
  Remover remover(ObjectStore* store = nullptr, Warehouse* warehouse = nullptr) {
    return Remover({store != nullptr ? *store : archive_.store(), archive_.layout(),
                    warehouse != nullptr ? *warehouse : archive_.warehouse(), archive_.clock(),
                    archive_.random()});
  }
  std::map<std::string, int> rows_by_id() const {
    std::map<std::string, int> out;
    for (const auto& row : archive_.warehouse().rows()) ++out[row.event_id];
    return out;
  }
  // Whatever happened, each event has a row, and what is no matter of it is as it was.
  void expect_nothing_lost() const {
    const auto rows = rows_by_id();
    for (int id = 1; id <= 12; ++id) EXPECT_TRUE(rows.contains(event_id(id))) << id;
    EXPECT_EQ(rows.at(event_id(7)), 2);
    EXPECT_EQ(rows.at(event_id(8)), 1);
  }
  void expect_removed() const {
    expect_nothing_lost();
    for (const auto& [id, rows] : rows_by_id()) EXPECT_EQ(rows, id == event_id(7) ? 2 : 1);
  }
  JournalStep last_step(const std::string& id) {
    return value(read_journal(archive_.store(), archive_.layout(), id)).back().step;
  }

  static RemovalOptions small_parts() { return {.rows_of_part = 4}; }

  mutable TestArchive archive_;
  const Actor actor_{"ada", "host", "changevault test"};
};

TEST(Removal, KeepsOneRowOfEachEventAndSaysSo) {
  World world;
  const FoundDuplicates found = world.find();
  EXPECT_EQ(found.plan.sum.ids, 6);
  EXPECT_EQ(found.plan.to_remove(), 21);
  EXPECT_EQ(found.plan.unequal_rows(), 2);
  ASSERT_EQ(found.unequal.size(), 1U);
  EXPECT_EQ(found.unequal[0].differs, "full_document");
  const RemovalResult result = value(world.remover().run(found.plan, {}, World::small_parts()));
  EXPECT_EQ(result.state, RecoveryState::kDone);
  EXPECT_EQ(result.removed, 21);
  world.expect_removed();
  EXPECT_TRUE(value(world.archive_.warehouse().stages()).empty());
  const JournalStep last = world.last_step(found.plan.id);
  const auto* const done = std::get_if<DoneStep>(&last);
  ASSERT_NE(done, nullptr);
  EXPECT_EQ(done->removed, 21);
  const auto past = value(past_recoveries(world.archive_.store(), world.archive_.layout()));
  ASSERT_EQ(past.size(), 1U);
  EXPECT_EQ(past[0].state(), "done");
  EXPECT_EQ(past[0].removal, found.plan);
  // Again: nothing is there to be removed, and the plan was carried out.
  EXPECT_ERROR(world.remover().run(found.plan, {}), ErrorCode::kStalePlan);
  EXPECT_EQ(value(world.remover().resume(found.plan, world.actor_, {})).removed, 21);
  EXPECT_EQ(world.find().plan.to_remove(), 0);
}

TEST(Removal, AScopeLeavesTheOthersAlone) {
  World world;
  Scope scope;
  scope.database = kOrders.database;
  const FoundDuplicates found = world.find(scope);
  EXPECT_EQ(found.plan.to_remove(), 11);
  EXPECT_EQ(value(world.remover().run(found.plan, {})).removed, 11);
  EXPECT_EQ(world.rows_by_id().at(event_id(4)), 5);
  scope.operations = {"delete"};
  EXPECT_ERROR(plan_removal({"r", scope, {}, {}}, world.archive_.warehouse(), 0), ErrorCode::kUsage);
}

TEST(Removal, AWarehouseThatChangedSinceThePlanIsLeftAlone) {
  World world;
  const FoundDuplicates found = world.find();
  world.archive_.change_rows([](auto& rows) { rows.push_back(rows[0]); });
  const auto before = world.rows_by_id();
  EXPECT_ERROR(world.remover().run(found.plan, {}), ErrorCode::kStalePlan);
  EXPECT_EQ(world.rows_by_id(), before);
  EXPECT_TRUE(value(world.archive_.warehouse().stages()).empty());
  EXPECT_TRUE(std::holds_alternative<FailedStep>(world.last_step(found.plan.id)));
}

TEST(Removal, WhatChangesBetweenTwoPartsIsLeftAlone) {
  World world;
  const FoundDuplicates found = world.find();
  int calls = 0;
  FaultyWarehouse warehouse(world.archive_.warehouse(),
                            [&](WarehouseOperation operation, const std::string&) {
                              if (operation == WarehouseOperation::kRemove && ++calls == 3) {
                                world.archive_.change_rows([](auto& rows) {
                                  for (auto& row : rows) row.raw_event += " ";
                                });
                              }
                              return Fault::kNone;
                            });
  EXPECT_ERROR(world.remover(nullptr, &warehouse).run(found.plan, {}, World::small_parts()),
               ErrorCode::kStalePlan);
  world.expect_nothing_lost();
  EXPECT_EQ(value(find_remains(world.archive_.store(), world.archive_.layout(), world.archive_.warehouse(),
                               found.plan.id)),
            std::nullopt)
      << "its papers are whole";
  EXPECT_GT(value(world.remover().discard(found.plan, world.actor_)), 0);
  EXPECT_TRUE(value(world.archive_.warehouse().stages()).empty());
  EXPECT_ERROR(world.remover().resume(found.plan, world.actor_, {}), ErrorCode::kStalePlan);
}

TEST(Removal, StoppedBetweenPartsItGoesOn) {
  World world;
  const FoundDuplicates found = world.find();
  std::stop_source stop;
  Remover stopping = world.remover();
  stopping.on_progress([&](std::int64_t done, std::int64_t) {
    if (done == 2) stop.request_stop();
  });
  EXPECT_ERROR(stopping.run(found.plan, stop.get_token(), World::small_parts()), ErrorCode::kCancelled);
  world.expect_nothing_lost();
  EXPECT_LT(world.find().plan.to_remove(), 21);
  EXPECT_EQ(value(world.remover().resume(found.plan, world.actor_, {})).removed, 21);
  world.expect_removed();
}

TEST(Removal, TwoOfTheSamePlanAreFenced) {
  World world;
  const FoundDuplicates found = world.find();
  bool other = false;
  FaultyWarehouse warehouse(
      world.archive_.warehouse(), [&](WarehouseOperation operation, const std::string&) {
        if (operation == WarehouseOperation::kRemove && !other) {
          other = true;
          EXPECT_EQ(value(world.remover().resume(found.plan, world.actor_, {})).state, RecoveryState::kDone);
        }
        return Fault::kNone;
      });
  EXPECT_FALSE(world.remover(nullptr, &warehouse).run(found.plan, {}, World::small_parts()).has_value());
  world.expect_removed();
  EXPECT_TRUE(std::holds_alternative<DoneStep>(world.last_step(found.plan.id)));
}

class RemovalCalls : public ::testing::TestWithParam<const char*> {};

// Each call in turn dies before it, dies behind it, gets no answer, loses its answer.
TEST_P(RemovalCalls, NothingIsLostAndItCanBeEnded) {
  const std::string how = GetParam();
  int reached = 0;
  for (int at = 0; !::testing::Test::HasFailure(); ++at) {
    SCOPED_TRACE(how + " at call " + std::to_string(at));
    World world;
    const FoundDuplicates found = world.find();
    int calls = 0;
    const auto fault = [&]() {
      if (calls++ != at) return Fault::kNone;
      if (how == "dies") throw Killed();
      return how == "unanswered" ? Fault::kFailBefore : Fault::kFailAfter;
    };
    FaultyStore store(world.archive_.store(), [&](StoreOperation, const std::string&) { return fault(); });
    FaultyWarehouse warehouse(world.archive_.warehouse(),
                              [&](WarehouseOperation, const std::string&) { return fault(); });
    bool done = false;
    try {
      const auto result = world.remover(&store, &warehouse).run(found.plan, {}, World::small_parts());
      done = result.has_value() && result->state == RecoveryState::kDone;
    } catch (const Killed&) {
    }
    world.expect_nothing_lost();
    if (calls <= at) break;
    ++reached;
    const auto ended = world.remover().resume(found.plan, world.actor_, {}, World::small_parts());
    if (ended) {
      EXPECT_EQ(ended->state, RecoveryState::kDone);
      EXPECT_EQ(ended->removed, 21);
      world.expect_removed();
    } else {
      // It failed before anything was removed, or its plan was never written: a new one does the work.
      EXPECT_FALSE(done);
      EXPECT_EQ(world.find().plan.to_remove(), 21);
      const FoundDuplicates again = world.find();
      EXPECT_EQ(value(world.remover().run(again.plan, {})).removed, 21);
      world.expect_removed();
    }
    EXPECT_TRUE(value(world.archive_.warehouse().stages()).empty());
  }
  EXPECT_GE(reached, 15);
}

INSTANTIATE_TEST_SUITE_P(Removal, RemovalCalls, ::testing::Values("dies", "unanswered", "answer_lost"),
                         [](const auto& param) { return std::string(param.param); });

}  // namespace
}  // namespace changevault
