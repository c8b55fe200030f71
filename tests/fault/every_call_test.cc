// Between two calls that change the hub, the store or the warehouse nothing happens that outlives a process,
// so one that dies before each of them in turn has died at every instant that differs (decision 15).
#include <functional>
#include <memory>
#include <string>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "hub/faulty_hub.h"
#include "load/loader.h"
#include "store/faulty_store.h"
#include "tests/support/archive_fixture.h"
#include "warehouse/faulty_warehouse.h"
#include "warehouse/memory/memory_warehouse.h"

namespace changevault {
namespace {

using testing::ArchiveFixture;
using testing::at;
using testing::event;
using testing::value;

struct Died {};

bool changes_nothing(StoreOperation operation) {
  return operation != StoreOperation::kPut && operation != StoreOperation::kRemove;
}
bool changes_nothing(HubOperation) {
  return false;
}
bool changes_nothing(WarehouseOperation) {
  return false;
}

// Counts calls of whatever kind, and dies before the one that is named. A store is also read from threads,
// where nobody could catch a death.
class Death {
 public:
  explicit Death(int at_call) : at_call_(at_call) {}
  template <typename Operation>
  std::function<Fault(Operation, const std::string&)> hook() {
    return [this](Operation operation, const std::string&) {
      if (changes_nothing(operation)) return Fault::kNone;
      if (calls_++ == at_call_) throw Died();
      return Fault::kNone;
    };
  }

 private:
  int at_call_;
  int calls_ = 0;
};

// Runs `work` until it dies; true where it did.
bool dies(const std::function<void()>& work) {
  try {
    work();
    return false;
  } catch (const Died&) {
    return true;
  }
}

class World : public ArchiveFixture {
 public:
  explicit World(int at_call) : death_(at_call) {
    options.segment.block_text_bytes = 2'000;
    options.upload_threads = 1;
    init();
    EXPECT_OK(warehouse_.prepare());
  }

  void publish(int from, int to, int hour) {
    for (int i = from; i < to; ++i) {
      if (i % 10 == 7) hub.append(PartitionId(i % 2), "broken " + std::to_string(i), at(hour, 0), false);
      hub.append(PartitionId(i % 2), event("shop", i % 3 == 0 ? "orders" : "users", i), at(hour, i % 60),
                 false);
    }
  }
  bool archiver_dies() {
    FaultyHub dying_hub(hub, death_.hook<HubOperation>());
    FaultyStore dying_store(store, death_.hook<StoreOperation>());
    return dies([&] {
      value(Archiver({dying_hub, dying_store, layout, clock, random}, options)
                .run(ArchiveMode::kOnceAndClose, {}));
    });
  }
  bool loader_dies(const LoaderOptions& with) {
    FaultyStore dying_store(store, death_.hook<StoreOperation>());
    FaultyWarehouse dying_warehouse(warehouse_, death_.hook<WarehouseOperation>());
    return dies([&] { value(Loader(dying_store, layout, dying_warehouse, clock, with).run(true, {})); });
  }

  // What stands there is true at any time, and whoever comes next ends it.
  void expect_whole(std::int64_t events, std::int64_t dead_letters) {
    EXPECT_NE(verify().verdict, Verdict::kFail) << words(verify());
    value(archive(ArchiveMode::kOnceAndClose));
    const VerifyReport report = verify();
    EXPECT_EQ(report.verdict, Verdict::kPass) << words(report);
    EXPECT_EQ(report.records_checked, events);
    EXPECT_EQ(report.dead_letters_checked, dead_letters);
    expect_loaded(events);
  }
  void expect_loaded(std::int64_t events) {
    value(Loader(store, layout, warehouse_, clock, {}).run(true, {}));
    std::set<std::string> ids;
    for (const MemoryWarehouse::Row& row : warehouse_.rows()) ids.insert(row.event_id);
    EXPECT_EQ(static_cast<std::int64_t>(ids.size()), events);
    EXPECT_EQ(warehouse_.rows().size(), ids.size()) << "a row stands there twice";
  }

 private:
  static std::string words(const VerifyReport& report) {
    return report.problems.empty() ? report.reason
                                   : report.problems[0].key + ": " + report.problems[0].detail;
  }

  Death death_;
  MemoryWarehouse warehouse_{clock};
};

// `scenario(world)`: true where somebody died in it.
void at_every_call(int at_least, const std::function<bool(World&)>& scenario) {
  int deaths = 0;
  while (!::testing::Test::HasFailure()) {
    SCOPED_TRACE(fmt::format("died before call {}", deaths));
    World world(deaths);
    if (!scenario(world)) break;
    ++deaths;
  }
  EXPECT_GE(deaths, at_least);
  fmt::print("  {} deaths\n", deaths);
}

TEST(EveryCall, AnArchiverThatBegins) {
  at_every_call(20, [](World& world) {
    world.publish(0, 30, 8);
    const bool died = world.archiver_dies();
    world.expect_whole(30, 3);
    return died;
  });
}

TEST(EveryCall, AnArchiverThatGoesOnAndSeals) {
  at_every_call(20, [](World& world) {
    world.publish(0, 20, 8);
    value(world.archive());
    world.publish(20, 40, 11);
    const bool died = world.archiver_dies();
    world.publish(40, 50, 12);
    world.expect_whole(50, 5);
    return died;
  });
}

// The hub has deleted what was not archived, and a partition was added.
TEST(EveryCall, AnArchiverThatRecordsALoss) {
  at_every_call(20, [](World& world) {
    world.publish(0, 20, 8);
    value(world.archive());
    world.publish(20, 40, 9);
    world.hub.trim(PartitionId(0), Sequence(15));
    world.options.accept_loss = true;
    const bool died = world.archiver_dies();
    const VerifyReport report = world.verify();
    EXPECT_NE(report.verdict, Verdict::kFail);
    value(world.archive(ArchiveMode::kOnceAndClose));
    const Catalog catalog = world.catalog();
    EXPECT_EQ(catalog.lost().size(), 1U) << "once, whoever wrote it";
    const std::int64_t left = 40 - (15 - 10);
    world.expect_whole(left, 4);
    return died;
  });
}

TEST(EveryCall, ALoader) {
  for (const std::int64_t batch : {std::int64_t{1}, std::int64_t{1} << 30}) {
    at_every_call(4, [&](World& world) {
      world.publish(0, 20, 8);
      world.publish(20, 40, 9);
      value(world.archive(ArchiveMode::kOnceAndClose));
      LoaderOptions with;
      with.batch_text_bytes = batch;
      const bool died = world.loader_dies(with);
      world.expect_loaded(40);
      return died;
    });
  }
}

}  // namespace
}  // namespace changevault
