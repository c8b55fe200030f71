// A hub that changes under its archive: replaced, set back, grown.
#include <utility>

#include <gtest/gtest.h>

#include "archive/chain.h"
#include "archive/ledger_walk.h"
#include "archive/resume_point.h"
#include "store/faulty_store.h"
#include "tests/support/hub_life_fixture.h"

namespace changevault {
namespace {

using testing::at;
using testing::event;
using testing::HubLifeFixture;
using testing::value;

constexpr PartitionId kP0{0};
constexpr PartitionId kP1{1};

class HubLifeTest : public ::testing::Test, protected HubLifeFixture {
 protected:
  void SetUp() override { init(); }
};

TEST_F(HubLifeTest, AnotherHubInThePlaceIsRefused) {
  hub.append(kP0, event("shop", "orders", 1), at(9, 0), false);
  ASSERT_OK(archive());
  hub.replace("another");
  const auto before = keys();
  const auto refused = archive();
  EXPECT_ERROR(refused, ErrorCode::kValidation);
  EXPECT_NE(refused.error().hint.find("--new-epoch"), std::string::npos);
  EXPECT_ERROR(archive_as(false, true), ErrorCode::kValidation);  // not what --accept-loss is for
  expect_nothing_written(before);
}

TEST_F(HubLifeTest, ANewEpochGoesOnWithTheOldestEventOfTheNewHub) {
  hub.append(kP0, event("shop", "orders", 1), at(9, 0), false);
  hub.append(kP0, "no token 1", at(9, 30), false);
  hub.append(kP1, event("shop", "orders", 2), at(10, 5), false);
  ASSERT_OK(archive(ArchiveMode::kOnceAndClose));
  hub.replace("another");
  hub.append(kP0, event("shop", "orders", 3), at(9, 50), false);  // older than what is sealed
  hub.append(kP0, "no token 1", at(9, 50), false);
  const ArchiveTotals totals = value(archive_as(true, false, ArchiveMode::kOnceAndClose));
  EXPECT_EQ(totals.events, 2);
  EXPECT_EQ(totals.dead_letters, 1);
  const Catalog c = catalog();
  EXPECT_EQ(c.hub()->epoch, Epoch(1));
  EXPECT_EQ(c.hub()->identity, "another");
  EXPECT_EQ(c.segments().back().facts.hour, hour_of(at(11, 0)));  // never into a sealed hour
  expect_verified(3);
  // Said once; from then on it is the archive's hub.
  EXPECT_EQ(value(archive()).events, 0);
  EXPECT_ERROR(archive_as(true, false), ErrorCode::kUsage);
  ASSERT_OK(init_archive(parts(), options));
}

TEST_F(HubLifeTest, AHubSetBackIsRefusedUntilANewEpoch) {
  hub.append(kP0, event("shop", "orders", 1), at(9, 0), false);
  hub.append(kP0, event("shop", "orders", 2), at(9, 0), false);
  ASSERT_OK(archive());
  hub.replace("memory-hub");
  const auto before = keys();
  EXPECT_ERROR(archive(), ErrorCode::kValidation);
  hub.append(kP0, event("shop", "orders", 8), at(9, 0), false);
  hub.append(kP0, event("shop", "orders", 9), at(9, 0), false);
  EXPECT_ERROR(archive(), ErrorCode::kValidation);  // as long as before, but another event stands at the end
  expect_nothing_written(before);
  EXPECT_EQ(value(archive_as(true, false)).events, 2);
  expect_verified(4);
}

TEST_F(HubLifeTest, ANewEpochOfTheSameHubIsRefused) {
  hub.append(kP0, event("shop", "orders", 1), at(9, 0), false);
  ASSERT_OK(archive());
  const auto before = keys();
  const auto refused = archive_as(true, false);
  EXPECT_ERROR(refused, ErrorCode::kUsage);
  expect_nothing_written(before);
}

TEST_F(HubLifeTest, ThePositionIsReadFromTheEndOfAChainAlone) {
  for (int n = 0; n < 9; ++n) {
    hub.append(kP0, event("shop", "orders", n), at(9, n), false);
    ASSERT_OK(archive());
  }
  int gets = 0;
  FaultyStore counted(store, [&](StoreOperation operation, const std::string&) {
    gets += operation == StoreOperation::kGet ? 1 : 0;
    return Fault::kNone;
  });
  Chain chain(counted, layout.partition_chain(kP0));
  const ResumePoint position = value(read_position(chain, Slot(0)));
  EXPECT_LE(gets, 2) << "the last commit, and the slot that it must follow";
  const ResumePoint whole = value(read_resume_point(chain, Slot(0)));
  EXPECT_EQ(position.next, whole.next);
  EXPECT_EQ(position.epoch, whole.epoch);
  EXPECT_EQ(position.tail, whole.tail);
  EXPECT_EQ(position.end, whole.end);
}

// However long nothing happened.
TEST_F(HubLifeTest, TheNextEventIsReadFromTheNewestSlotsAlone) {
  hub.append(kP0, event("shop", "orders", 1), at(9, 0), false);
  for (int hour = 10; hour < 20 + 2 * kNewestSlots; ++hour) {
    clock.set(at(hour, 30));
    ASSERT_OK(archive(ArchiveMode::kOnceAndClose));
  }
  int gets = 0;
  FaultyStore counted(store, [&](StoreOperation operation, const std::string&) {
    gets += operation == StoreOperation::kGet ? 1 : 0;
    return Fault::kNone;
  });
  Chain chain(counted, layout.partition_chain(kP0));
  const ResumePoint newest = value(read_next(chain, Slot(0)));
  EXPECT_LE(gets, kNewestSlots + 1);
  gets = 0;
  const ResumePoint position = value(read_position(chain, Slot(0)));
  EXPECT_GT(gets, 2 * kNewestSlots) << "the commits of idle hours say nothing of the last event";
  EXPECT_EQ(newest.next, position.next);
  EXPECT_EQ(newest.epoch, position.epoch);
  EXPECT_EQ(newest.end, position.end);
}

// Two archives of one group would share its partitions, each with a part of the events.
TEST_F(HubLifeTest, AnotherArchiveOfTheSameGroupIsRefused) {
  hub.append(kP0, event("shop", "orders", 1), at(9, 0), false);
  MemoryStore second(clock);
  ASSERT_OK(init_archive(parts_with(second), options));  // nobody has archived yet
  ASSERT_OK(archive());
  EXPECT_ERROR(archive_with(second), ErrorCode::kUsage);
  EXPECT_ERROR(init_archive(parts_with(second), options), ErrorCode::kUsage);
  MemoryStore third(clock);
  EXPECT_ERROR(init_archive(parts_with(third), options), ErrorCode::kUsage);
  EXPECT_TRUE(value(third.list("")).objects.empty());
  ASSERT_OK(hub.delete_group(options.group));
  ASSERT_OK(archive_with(second));
  EXPECT_ERROR(archive(), ErrorCode::kUsage);
}

TEST_F(HubLifeTest, FewerPartitionsAreRefused) {
  MemoryHub smaller(1, clock, "another");
  ArchiverOptions with = options;
  with.new_epoch = true;
  EXPECT_ERROR(Archiver({smaller, store, layout, clock, random}, with).run(ArchiveMode::kOnce, {}),
               ErrorCode::kValidation);
}

TEST_F(HubLifeTest, AddedPartitionsPlaceNothingIntoSealedHours) {
  hub.append(kP0, event("shop", "orders", 1), at(9, 10), false);
  hub.append(kP1, event("shop", "orders", 2), at(11, 10), false);
  ASSERT_OK(archive(ArchiveMode::kOnceAndClose));
  ASSERT_EQ(catalog().sealed_to(), hour_of(at(12, 0)));

  MemoryHub grown(3, clock, "memory-hub");
  grown.append(kP0, event("shop", "orders", 1), at(9, 10), false);
  grown.append(kP1, event("shop", "orders", 2), at(11, 10), false);
  grown.append(PartitionId(2), event("shop", "orders", 3), at(10, 30), false);
  EXPECT_EQ(value(archive_from(grown, ArchiveMode::kOnceAndClose)).events, 1);
  const Catalog c = catalog();
  EXPECT_EQ(c.hub()->partitions, 3);
  EXPECT_EQ(c.hub()->epoch, Epoch(0));
  ASSERT_EQ(c.segments().size(), 3U);
  EXPECT_EQ(c.segments().back().facts.hour, hour_of(at(12, 0)));
  EXPECT_EQ(c.segments().back().facts.min_time, at(12, 0));
  Chain chain(store, layout.partition_chain(PartitionId(2)));
  const WalkedEntry first = value(read_entry(chain, Slot(0)));
  EXPECT_EQ(std::get<ClaimEntry>(first.entry.body).floor, at(12, 0));
  grown.append(PartitionId(2), event("shop", "orders", 4), at(13, 30), false);
  ASSERT_OK(archive_from(grown, ArchiveMode::kOnceAndClose));
  EXPECT_EQ(catalog().seals().back().through.size(), 3U);
  EXPECT_EQ(catalog().sealed_to(), hour_of(at(14, 0)));
  expect_verified(4);
  // The program that still sees the smaller hub must not go on with it.
  EXPECT_ERROR(archive(), ErrorCode::kValidation);
}

// A partition that joined later has been the archive's own from its first event on.
TEST_F(HubLifeTest, WhatAJoinedPartitionLostIsNotPassedOver) {
  hub.append(kP0, event("shop", "orders", 1), at(9, 10), false);
  ASSERT_OK(archive());
  MemoryHub grown(3, clock, "memory-hub");
  grown.append(kP0, event("shop", "orders", 1), at(9, 10), false);
  for (int i = 0; i < 5; ++i) grown.append(PartitionId(2), event("shop", "orders", 10 + i), at(10, i), false);
  grown.trim(PartitionId(2), Sequence(3));
  EXPECT_ERROR(archive_from(grown), ErrorCode::kValidation);
  options.accept_loss = true;
  const ArchiveTotals totals = value(archive_from(grown));
  EXPECT_EQ(totals.lost, 3);
  EXPECT_EQ(totals.events, 2);
  expect_verified(3);
}

// An archive whose chain was deleted must not begin it anew: what was archived would be nobody's.
TEST_F(HubLifeTest, AChainDeletedAsAWholeStopsTheArchiver) {
  hub.append(kP0, event("shop", "orders", 1), at(9, 10), false);
  hub.append(kP1, event("shop", "orders", 2), at(9, 10), false);
  ASSERT_OK(archive());
  for (const std::string& key : keys(layout.partition_chain(kP0))) ASSERT_OK(store.remove(key));
  const auto before = keys(layout.partition_chain(kP0));
  EXPECT_ERROR(archive(), ErrorCode::kCorrupt);
  EXPECT_EQ(keys(layout.partition_chain(kP0)), before);
}

// A person put a slot of another partition, or an older one, in the place of the newest: each is right by
// itself, but whoever goes on behind it goes on at a wrong place.
TEST_F(HubLifeTest, ASlotThatDoesNotFollowFromTheOneBeforeStopsTheArchiver) {
  for (int i = 0; i < 6; ++i) hub.append(kP0, event("shop", "orders", i), at(9, i), false);
  hub.append(kP1, event("shop", "orders", 10), at(9, 10), false);
  ASSERT_OK(archive(ArchiveMode::kOnceAndClose));
  hub.append(kP0, event("shop", "orders", 6), at(10, 0), false);
  hub.append(kP1, event("shop", "orders", 11), at(10, 10), false);
  ASSERT_OK(archive(ArchiveMode::kOnceAndClose));
  hub.append(kP0, event("shop", "orders", 7), at(11, 0), false);
  hub.append(kP1, event("shop", "orders", 12), at(11, 10), false);
  for (const std::string& chain : {layout.partition_chain(kP0), layout.seal_chain()}) {
    const std::vector<std::string> slots = keys(chain);
    const std::string newest = slots.back();
    const std::string bytes = value(store.get(newest));
    for (const std::string& other : {keys(layout.partition_chain(kP1)).back(), slots[slots.size() - 2]}) {
      SCOPED_TRACE(newest + " is " + other);
      store.corrupt(newest, value(store.get(other)));
      EXPECT_ERROR(archive(ArchiveMode::kOnceAndClose), ErrorCode::kCorrupt);
      EXPECT_EQ(keys(chain), slots);
    }
    store.corrupt(newest, bytes);
  }
  ASSERT_OK(archive(ArchiveMode::kOnceAndClose));
  expect_verified(11);
}

// A year of seals is not read to go on behind them.
TEST_F(HubLifeTest, TheEndOfTheSealsIsEnoughToGoOn) {
  for (int hour = 0; hour < 20; ++hour) {
    hub.append(kP0, event("shop", "orders", hour), at(hour, 10), false);
    ASSERT_OK(archive(ArchiveMode::kOnceAndClose));
  }
  const std::string seals = layout.seal_chain();
  int read = 0;
  FaultyStore counting(store, [&](StoreOperation operation, const std::string& key) {
    read += operation == StoreOperation::kGet && key.starts_with(seals) ? 1 : 0;
    return Fault::kNone;
  });
  ASSERT_OK(archive_with(counting));
  EXPECT_LE(read, 6);
  EXPECT_EQ(catalog().seals().back().hub, Slot(0));
  expect_verified(20);
}

// --- the end of an epoch ---

struct Killed {};

class EpochEndTest : public HubLifeTest {
 protected:
  void SetUp() override {
    HubLifeTest::SetUp();
    hub.append(kP0, event("shop", "orders", 1), at(9, 0), false);
    hub.append(kP0, event("shop", "orders", 2), at(10, 20), false);
    hub.append(kP1, event("shop", "orders", 3), at(10, 5), false);
    ASSERT_OK(archive(ArchiveMode::kOnceAndClose));
    // Nobody will ever read this one.
    hub.append(kP0, event("shop", "orders", 4), at(11, 40), false);
    hub.replace("another");
    clock.set(at(13, 30));
  }
  void expect_one_loss_each() {
    const Catalog c = catalog();
    ASSERT_EQ(c.lost().size(), 2U);
    for (const LostRange& range : c.lost()) {
      EXPECT_TRUE(range.entry.unbounded);
      EXPECT_EQ(range.entry.epoch, Epoch(0));
      EXPECT_EQ(range.entry.from, at(11, 0));  // the watermark
      EXPECT_EQ(range.entry.to, at(13, 30));   // the word of the operator
    }
    EXPECT_EQ(c.lost()[0].entry.first, Sequence(2));
    EXPECT_EQ(c.lost()[1].entry.first, Sequence(1));
  }
};

TEST_F(EpochEndTest, WhatTheHubBeforeHeldIsListedAsLost) {
  hub.append(kP0, event("shop", "orders", 5), at(13, 10), false);
  EXPECT_EQ(value(archive_as(true, false)).events, 1);
  expect_one_loss_each();
  expect_verified(4);
  EXPECT_ERROR(archive_as(true, false), ErrorCode::kUsage);
  clock.set(at(16, 0));
  hub.append(kP0, event("shop", "orders", 6), at(15, 10), false);
  ASSERT_OK(archive(ArchiveMode::kOnceAndClose));
  expect_one_loss_each();
  const Catalog c = catalog();
  for (const SealEntry& seal : c.seals()) {
    const bool touched = seal.from.start() <= at(13, 30) && at(11, 0) < seal.to.start();
    EXPECT_EQ(seal.lost.size(), touched ? 2U : 0U) << to_string(seal.from) << " to " << to_string(seal.to);
  }
  expect_verified(5);
}

// Killed at each write of the change, and gone on with without the operator's word: each loss is there, once.
TEST_F(EpochEndTest, AKillLeavesNoLossOut) {
  int writes = 0;
  for (int after = 0;; ++after) {
    ManualClock& time = clock;
    MemoryStore fresh(time);
    MemoryHub old(2, time, "old");
    old.append(kP0, event("shop", "orders", 1), at(9, 0), false);
    old.append(kP1, event("shop", "orders", 2), at(9, 0), false);
    time.set(at(23, 59));
    ASSERT_OK(init_archive({old, fresh, layout, clock, random}, options));
    ASSERT_OK(Archiver({old, fresh, layout, clock, random}, options).run(ArchiveMode::kOnceAndClose, {}));
    old.replace("new");
    old.append(kP0, event("shop", "orders", 3), at(12, 0), false);
    int written = 0;
    FaultyStore dying(fresh, [&](StoreOperation operation, const std::string&) {
      if (operation != StoreOperation::kPut) return Fault::kNone;
      if (written++ >= after) throw Killed();
      return Fault::kNone;
    });
    ArchiverOptions with = options;
    with.new_epoch = true;
    bool ended = false;
    try {
      ASSERT_OK(Archiver({old, dying, layout, clock, random}, with).run(ArchiveMode::kOnce, {}));
      ended = true;
    } catch (const Killed&) {
      with.new_epoch = after == 0;  // the word was not written down yet
      ASSERT_OK(Archiver({old, fresh, layout, clock, random}, with).run(ArchiveMode::kOnce, {}));
    }
    const Catalog c = value(Catalog::read(fresh, layout));
    ASSERT_EQ(c.lost().size(), 2U) << "killed after " << after << " writes";
    EXPECT_EQ(value(verify_archive(fresh, layout, {}, nullptr, {})).verdict, Verdict::kPass);
    if (ended) break;
    writes = after;
  }
  EXPECT_GE(writes, 4);  // the hub's entry, and loss and claim of each partition
}

// Whoever still archives the hub before is fenced by the end of its epoch, also before the new one's claim.
TEST_F(EpochEndTest, TheEpochBeforeDoesNotGoOn) {
  MemoryHub old(2, clock, "memory-hub");
  old.append(kP0, event("shop", "orders", 1), at(9, 0), false);
  old.append(kP0, event("shop", "orders", 2), at(10, 20), false);
  old.append(kP0, event("shop", "orders", 4), at(11, 40), false);
  old.append(kP0, event("shop", "orders", 5), at(11, 50), false);
  old.append(kP1, event("shop", "orders", 3), at(10, 5), false);
  int slots = 0;
  FaultyStore dying(store, [&](StoreOperation operation, const std::string& key) {
    if (operation != StoreOperation::kPut || !key.starts_with(layout.partition_chain(kP0)))
      return Fault::kNone;
    if (slots++ > 0) throw Killed();
    return Fault::kNone;
  });
  options.new_epoch = true;
  EXPECT_THROW((void)archive_with(dying), Killed);  // between the end of the epoch and the next one's claim
  options.new_epoch = false;
  // By its name this is the hub of the new epoch; an archiver that began before would go on like this.
  ResumePoint point;
  {
    Chain chain(store, layout.partition_chain(kP0));
    point = value(read_resume_point(chain, Slot(0)));
  }
  EXPECT_TRUE(point.closed);
  EXPECT_EQ(point.epoch, Epoch(0));
  EXPECT_ERROR(archive_from(old), ErrorCode::kValidation);
  ASSERT_OK(archive());
  expect_one_loss_each();
  expect_verified(3);
}

// All that is left of the lost events may be what an archiver had uploaded when it died.
TEST_F(EpochEndTest, LeftoversBehindTheLastEventAreNamedAndKept) {
  const std::string leftover =
      layout.segment({"shop", "orders"}, hour_of(at(11, 0)), {kP0, Sequence(7), Sequence(9), Slot(0)});
  ASSERT_OK(store.put_if_absent(leftover, "bytes", {}));
  ASSERT_OK(archive_as(true, false));
  const Catalog c = catalog();
  ASSERT_EQ(c.lost().size(), 2U);
  EXPECT_EQ(c.lost()[0].entry.salvage, std::vector<std::string>{leftover});
}

}  // namespace
}  // namespace changevault
