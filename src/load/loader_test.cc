#include "load/loader.h"

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "store/faulty_store.h"
#include "tests/support/archive_fixture.h"
#include "warehouse/memory/memory_warehouse.h"

namespace changevault {
namespace {

using testing::at;
using testing::value;

// A clock whose sleeping is seen; `on_sleep` may change the world, or request a stop.
class WatchedClock final : public Clock {
 public:
  explicit WatchedClock(ManualClock& inner) : inner_(inner) {}
  std::function<void(int sleeps)> on_sleep;
  Timestamp now() const override { return inner_.now(); }
  Duration steady() const override { return inner_.steady(); }
  bool sleep(Duration duration, std::stop_token stop) override {
    on_sleep(++sleeps_);
    return inner_.sleep(duration, stop);
  }

 private:
  ManualClock& inner_;
  int sleeps_ = 0;
};

class LoaderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    archive_.init();
    ASSERT_OK(warehouse_.prepare());
  }
  // One segment each call: an hour, a collection.
  void archive_events(int hour, const std::string& collection, int from, int to) {
    for (int n = from; n < to; ++n) {
      archive_.hub.append(PartitionId(n % 2), testing::event("shop", collection, n), at(hour, 1, n % 60),
                          false);
    }
    value(archive_.archive());
  }
  Loader loader(ObjectStore& store, Clock& clock, LoaderOptions options = {}) {
    return Loader(store, archive_.layout, warehouse_, clock, options);
  }
  Result<LoadTotals> load_once(LoaderOptions options = {}) {
    return loader(archive_.store, archive_.clock, options).run(true, {});
  }

  testing::ArchiveFixture archive_;
  MemoryWarehouse warehouse_{archive_.clock};
};

TEST_F(LoaderTest, LoadsWhatTheLedgerListsAndNothingTwice) {
  archive_events(10, "orders", 0, 20);
  const LoadTotals first = value(load_once());
  EXPECT_EQ(first.segments, 2);  // two partitions
  EXPECT_EQ(first.inserted, 20);
  EXPECT_EQ(value(load_once()).segments, 0);
  archive_events(11, "orders", 20, 30);
  const LoadTotals second = value(load_once());
  EXPECT_EQ(second.rows, 10);
  EXPECT_EQ(second.inserted, 10);
  EXPECT_EQ(warehouse_.rows().size(), 30U);
  // The slots are those of the commits.
  for (const LoadRecord& record : value(warehouse_.load_records())) {
    const Catalog catalog = archive_.catalog();
    const ListedSegment* listed = catalog.find(record.segment.key);
    ASSERT_NE(listed, nullptr);
    EXPECT_EQ(record.segment.slot, listed->slot);
    EXPECT_EQ(record.segment.records, listed->facts.records);
  }
}

TEST_F(LoaderTest, AnEventThatTheHubRepeatedIsLoadedOnce) {
  archive_events(10, "orders", 0, 10);
  archive_events(12, "orders", 0, 10);
  const LoadTotals totals = value(load_once());
  EXPECT_EQ(totals.rows, 20);
  EXPECT_EQ(totals.inserted, 10);
  EXPECT_EQ(totals.already_present, 10);
}

TEST_F(LoaderTest, LoadsTheOldestHourFirstInBatchesOfBoundedText) {
  archive_events(14, "alpha", 0, 2);
  archive_events(15, "zeta", 2, 4);
  archive_events(16, "beta", 4, 6);
  Loader one_by_one = loader(archive_.store, archive_.clock, {.batch_text_bytes = 1});
  std::vector<LoadTotals> steps;
  one_by_one.on_progress([&](const LoadTotals& totals) { steps.push_back(totals); });
  value(one_by_one.run(true, {}));
  EXPECT_EQ(steps.size(), 6U);  // never none
  std::vector<std::string> order;
  for (const auto& row : warehouse_.rows()) {
    if (order.empty() || order.back() != *row.collection_name) order.push_back(*row.collection_name);
  }
  EXPECT_EQ(order, (std::vector<std::string>{"alpha", "zeta", "beta"}));
}

TEST_F(LoaderTest, ADamagedSegmentCostsItselfOnly) {
  archive_events(10, "orders", 0, 8);
  archive_events(11, "orders", 8, 12);
  const std::string key = archive_.catalog().segments()[0].facts.key;
  const std::string bytes = value(archive_.store.get(key));
  archive_.store.corrupt(key, bytes.substr(0, bytes.size() - 1) + "x");
  for (int run = 0; run < 2; ++run) {
    const auto loaded = load_once();
    EXPECT_ERROR(loaded, ErrorCode::kCorrupt);
    EXPECT_EQ(loaded.error().object, key);
    EXPECT_NE(loaded.error().hint.find("changevault repair"), std::string::npos);
    EXPECT_EQ(warehouse_.rows().size(), 8U);
  }
  archive_.store.corrupt(key, bytes);
  EXPECT_EQ(value(load_once()).inserted, 4);
  EXPECT_EQ(warehouse_.rows().size(), 12U);
}

TEST_F(LoaderTest, ARepairedSegmentIsLoadedWhileFollowing) {
  archive_events(10, "orders", 0, 8);
  const std::string key = archive_.catalog().segments()[0].facts.key;
  const std::string bytes = value(archive_.store.get(key));
  ASSERT_OK(archive_.store.remove(key));
  WatchedClock clock(archive_.clock);
  std::stop_source stop;
  std::vector<std::string> told;
  clock.on_sleep = [&](int sleeps) {
    if (sleeps == 1) {
      EXPECT_EQ(warehouse_.rows().size(), 4U);
      ASSERT_OK(archive_.store.put_if_absent(key, bytes, {}));
      archive_.clock.advance(minutes(1));
    }
    if (sleeps == 3) stop.request_stop();
  };
  Loader following = loader(archive_.store, clock);
  following.on_wait([&](const std::string& words) { told.push_back(words); });
  EXPECT_EQ(value(following.run(false, stop.get_token())).inserted, 8);
  ASSERT_FALSE(told.empty());
  EXPECT_NE(told[0].find("a segment that the ledger lists is gone"), std::string::npos);
}

// What was loaded once with other bytes than the ledger names is not taken for loaded.
TEST_F(LoaderTest, ALoadRecordWithAnotherSha256IsCorrupt) {
  class NoRecords final : public RecordFeed {
    Result<void> read(const SegmentRef&, const EachRecord&) override { return {}; }
  } none;
  archive_events(10, "orders", 0, 4);
  const std::string key = archive_.catalog().segments()[0].facts.key;
  value(
      warehouse_.load(std::vector{SegmentRef{key, std::string(64, '0'), PartitionId(0), Slot(1), 0}}, none));
  EXPECT_ERROR(load_once(), ErrorCode::kCorrupt);
}

TEST_F(LoaderTest, WithoutArchiveOrTableItSaysSo) {
  MemoryStore empty;
  EXPECT_ERROR(loader(empty, archive_.clock).run(true, {}), ErrorCode::kNotFound);
  MemoryWarehouse unprepared(archive_.clock);
  archive_events(10, "orders", 0, 4);
  EXPECT_ERROR(Loader(archive_.store, archive_.layout, unprepared, archive_.clock, {}).run(true, {}),
               ErrorCode::kNotFound);
}

TEST_F(LoaderTest, FollowsTheLedgerUntilStopped) {
  archive_events(10, "orders", 0, 4);
  std::stop_source stop;
  WatchedClock clock(archive_.clock);
  clock.on_sleep = [&](int sleeps) {
    if (sleeps == 1) archive_events(11, "orders", 4, 10);
    if (sleeps == 2) stop.request_stop();
  };
  EXPECT_EQ(value(loader(archive_.store, clock).run(false, stop.get_token())).inserted, 10);
}

TEST_F(LoaderTest, WaitsForAStoreThatComesBackWhileFollowing) {
  archive_events(10, "orders", 0, 4);
  bool away = true;
  FaultyStore store(archive_.store, [&](StoreOperation, const std::string&) {
    return away ? Fault::kFailBefore : Fault::kNone;
  });
  std::stop_source stop;
  WatchedClock clock(archive_.clock);
  clock.on_sleep = [&](int sleeps) {
    if (sleeps == 2) away = false;
    if (sleeps == 3) stop.request_stop();
  };
  EXPECT_EQ(value(loader(store, clock).run(false, stop.get_token())).inserted, 4);
  away = true;
  EXPECT_ERROR(loader(store, clock).run(true, {}), ErrorCode::kUnreachable);
}

// Counts what is read of the store, by the key's part behind the root.
class CountedReads {
 public:
  FaultyStore::Hook hook() {
    return [this](StoreOperation operation, const std::string& key) {
      if (operation == StoreOperation::kGet && key.find("/_ledger/") != std::string::npos) ++slots;
      return Fault::kNone;
    };
  }
  std::atomic<int> slots{0};  // read on threads
};

TEST_F(LoaderTest, FollowingReadsOnlyNewSlots) {
  for (int hour = 1; hour < 9; ++hour) archive_events(hour, "orders", hour * 10, hour * 10 + 4);
  CountedReads reads;
  FaultyStore store(archive_.store, reads.hook());
  std::stop_source stop;
  WatchedClock clock(archive_.clock);
  int before = 0;
  clock.on_sleep = [&](int sleeps) {
    if (sleeps == 1) before = reads.slots.load();
    if (sleeps == 40) {
      EXPECT_EQ(reads.slots.load(), before) << "nothing new, nothing read";
      archive_events(9, "orders", 100, 104);
    }
    if (sleeps == 41) stop.request_stop();
  };
  EXPECT_EQ(value(loader(store, clock).run(false, stop.get_token())).inserted, 36);
  EXPECT_LE(reads.slots.load() - before, 2 * 2 * 2 + 2)
      << "two partitions, a claim and a commit each, to follow and to load, and what they follow from";
}

// Somebody deletes the warehouse and makes a new one while the daemon runs: all has to be loaded again.
TEST_F(LoaderTest, AWarehouseMadeAnewIsLoadedAnew) {
  archive_events(10, "orders", 0, 20);
  std::stop_source stop;
  WatchedClock clock(archive_.clock);
  clock.on_sleep = [&](int sleeps) {
    if (sleeps == 1) warehouse_.make_anew();
    if (sleeps == 40) stop.request_stop();
  };
  EXPECT_EQ(value(loader(archive_.store, clock).run(false, stop.get_token())).inserted, 40);
  EXPECT_EQ(warehouse_.rows().size(), 20U);
}

// The same, and something new is archived before the daemon has looked again.
TEST_F(LoaderTest, AWarehouseMadeAnewIsSeenBeforeSomethingNewIsLoaded) {
  archive_events(10, "orders", 0, 20);
  std::stop_source stop;
  WatchedClock clock(archive_.clock);
  clock.on_sleep = [&](int sleeps) {
    if (sleeps == 1) {
      warehouse_.make_anew();
      archive_events(11, "orders", 20, 24);
    }
    if (sleeps == 2) stop.request_stop();
  };
  value(loader(archive_.store, clock).run(false, stop.get_token()));
  EXPECT_EQ(warehouse_.rows().size(), 24U);
}

// Two daemons: what the other one loaded is neither loaded again nor counted.
TEST_F(LoaderTest, WhatAnotherLoaderLoadedIsNotCounted) {
  archive_events(10, "orders", 0, 20);
  std::stop_source stop;
  WatchedClock clock(archive_.clock);
  clock.on_sleep = [&](int sleeps) {
    if (sleeps == 1) {
      archive_events(11, "orders", 20, 24);
      EXPECT_EQ(value(load_once()).inserted, 4);
    }
    if (sleeps == 2) stop.request_stop();
  };
  EXPECT_EQ(value(loader(archive_.store, clock).run(false, stop.get_token())).segments, 2);
  EXPECT_EQ(warehouse_.rows().size(), 24U);
}

TEST_F(LoaderTest, SaysOnceWhatItWaitsForAndThatItGoesOn) {
  archive_events(10, "orders", 0, 4);
  bool away = true;
  FaultyStore store(archive_.store, [&](StoreOperation, const std::string&) {
    return away ? Fault::kFailBefore : Fault::kNone;
  });
  std::stop_source stop;
  WatchedClock clock(archive_.clock);
  clock.on_sleep = [&](int sleeps) {
    if (sleeps == 3) away = false;
    if (sleeps == 5) stop.request_stop();
  };
  Loader waiting = loader(store, clock);
  std::vector<std::string> told;
  waiting.on_wait([&](const std::string& words) { told.push_back(words); });
  value(waiting.run(false, stop.get_token()));
  ASSERT_EQ(told.size(), 2U);
  EXPECT_NE(told[0].find("loading waits"), std::string::npos) << told[0];
  EXPECT_EQ(told[1], "loading goes on");
}

TEST_F(LoaderTest, AStoppedRunSaysThatItDidNotFinish) {
  archive_events(10, "orders", 0, 4);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_ERROR(loader(archive_.store, archive_.clock).run(true, stop.get_token()), ErrorCode::kCancelled);
  EXPECT_TRUE(warehouse_.rows().empty());
}

}  // namespace
}  // namespace changevault
