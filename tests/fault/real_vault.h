// A whole vault on its real parts (SQLite hub, folder, DuckDB file) in a folder that is gone afterwards,
// beside an oracle that knows what was published.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "archive/archiver.h"
#include "archive/leftovers.h"
#include "archive/segment_feed.h"
#include "archive/verify.h"
#include "hub/faulty_hub.h"
#include "hub/sqlite/sqlite_hub.h"
#include "load/loader.h"
#include "recovery/executor.h"
#include "store/faulty_store.h"
#include "store/file/file_store.h"
#include "tests/support/archive_fixture.h"
#include "tests/support/temp_dir.h"
#include "warehouse/duckdb/duckdb_warehouse.h"
#include "warehouse/faulty_warehouse.h"

namespace changevault::testing {

// Ways into a process of the vault: the parts that it works with, where they are not the plain ones.
struct Through {
  Hub* hub = nullptr;
  ObjectStore* store = nullptr;
  Warehouse* warehouse = nullptr;
};

class RealVault {
 public:
  // What a process that dies in a test throws.
  struct Died {};

  RealVault() {
    options.group = "pipeline";
    options.owner = "test:1";
    options.upload_threads = 1;  // so that a death is an exception of the test's thread
    hub_ = value(SqliteHub::create(folder / "hub.db", kPartitions, clock, random));
    open();
    EXPECT_OK(init_archive({*hub_, *store_, layout, clock, random}, options));
    EXPECT_OK(warehouse_->prepare());
  }

  Hub& hub() { return *hub_; }
  ObjectStore& store() { return *store_; }
  Warehouse& warehouse() { return *warehouse_; }
  std::filesystem::path store_folder() const { return folder.path() / "archive"; }

  // Nothing is open between the two: what a fork needs.
  void close() {
    hub_.reset();
    store_.reset();
    warehouse_.reset();
  }
  void open() {
    if (!hub_) hub_ = value(SqliteHub::open(folder / "hub.db", clock));
    store_ = value(FileStore::open(store_folder(), true));
    warehouse_ = value(DuckDbWarehouse::open(folder / "warehouse.duckdb", {}, clock));
  }

  // So many new events of the collections shop.c0 to shop.c2, a minute apart from `from` on.
  void publish(int count, Timestamp from) { ASSERT_OK(publish_to(*value(hub_->producer()), count, from)); }
  // The same by this producer; where that fails, none of them counts as published.
  Result<void> publish_to(Producer& producer, int count, Timestamp from) {
    std::vector<Message> messages;
    for (int i = 0; i < count; ++i) {
      const int number = published_ + i;
      std::string payload = event("shop", "c" + std::to_string(number % 3), number);
      payload.insert(payload.rfind("some text"), padding, 'x');
      messages.push_back({std::to_string(number), std::move(payload), from + minutes(i)});
    }
    CV_TRY(producer.append(std::move(messages)));
    published_ += count;
    return {};
  }
  int published() const { return published_; }

  Archiver::Parts parts(const Through& through = {}) {
    return {through.hub != nullptr ? *through.hub : *hub_,
            through.store != nullptr ? *through.store : *store_, layout, clock, random};
  }
  Result<ArchiveTotals> archive(ArchiveMode mode = ArchiveMode::kOnceAndClose, const Through& through = {}) {
    return Archiver(parts(through), options).run(mode, {});
  }
  Result<LoadTotals> load(const Through& through = {}) {
    ObjectStore& store = through.store != nullptr ? *through.store : *store_;
    Warehouse& warehouse = through.warehouse != nullptr ? *through.warehouse : *warehouse_;
    return Loader(store, layout, warehouse, clock, {.batch_text_bytes = 2000}).run(true, {});
  }
  // Of everything that the archive lists.
  RecoveryPlan plan() {
    const Catalog catalog = value(Catalog::read(*store_, layout));
    PlanRequest request;
    request.now = clock.now();
    request.id = make_recovery_id(request.now, random);
    request.segments = catalog.select(request.scope);
    request.actor = kActor;
    SegmentFeed feed(*store_, request.scope);
    return value(make_plan(request, feed, *warehouse_, nullptr));
  }
  Executor executor(const Through& through = {}) {
    ObjectStore& store = through.store != nullptr ? *through.store : *store_;
    Warehouse& warehouse = through.warehouse != nullptr ? *through.warehouse : *warehouse_;
    return Executor({store, layout, warehouse, clock, random});
  }
  VerifyReport verify() { return value(verify_archive(*store_, layout, {}, nullptr, {})); }
  Catalog catalog() { return value(Catalog::read(*store_, layout)); }
  std::vector<Leftover> leftovers() { return value(find_leftovers(*store_, layout)); }
  std::int64_t number(const std::string& statement) {
    return std::stoll(*value(warehouse_->sql(statement)).rows.at(0).at(0));
  }

  // Runs `act`; true where it died.
  static bool died(const std::function<void()>& act) {
    try {
      act();
    } catch (const Died&) {
      return true;
    }
    return false;
  }

  // Every published event stands in the archive once.
  void expect_archived() {
    const VerifyReport report = verify();
    EXPECT_EQ(report.verdict, Verdict::kPass)
        << (report.problems.empty() ? "" : report.problems[0].key + ": " + report.problems[0].detail);
    EXPECT_EQ(report.records_checked, published_);
    std::int64_t listed = 0;
    for (const PartitionBounds& bounds : value(hub_->bounds()))
      listed += bounds.next.value - bounds.first.value;
    EXPECT_EQ(listed, published_);
  }
  // And in the warehouse.
  void expect_loaded() {
    EXPECT_EQ(number("SELECT count(*) FROM mongodb_changes"), published_);
    EXPECT_EQ(number("SELECT count(DISTINCT event_id) FROM mongodb_changes"), published_);
    EXPECT_EQ(number("SELECT count(*) FROM changevault_loads WHERE kind = 'live'"),
              number("SELECT count(DISTINCT segment) FROM changevault_loads WHERE kind = 'live'"));
    EXPECT_TRUE(value(warehouse_->stages()).empty());
  }

  static constexpr int kPartitions = 2;
  inline static const Actor kActor{"ada", "host", "changevault test"};
  TempDir folder;
  ManualClock clock{at(23, 59)};
  Random& random = system_random();
  KeyLayout layout{"changestreams"};
  ArchiverOptions options;
  std::size_t padding = 0;  // of the documents of new events

 private:
  std::unique_ptr<Hub> hub_;
  std::unique_ptr<ObjectStore> store_;
  std::unique_ptr<Warehouse> warehouse_;
  int published_ = 0;
};

}  // namespace changevault::testing
