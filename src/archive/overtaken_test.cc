// The hub's retention overtakes the archive: what is gone is listed as lost, by the operator's word only.
#include <utility>

#include <gtest/gtest.h>

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

class OvertakenTest : public ::testing::Test, protected HubLifeFixture {
 protected:
  // Three events archived, the next three deleted by the hub, two more to come.
  void SetUp() override {
    init();
    for (int i = 0; i < 8; ++i) hub.append(kP0, event("shop", "orders", i), at(9 + i, 10), false);
  }
  void archive_three() {
    MemoryHub young(2, clock, "memory-hub");
    for (int i = 0; i < 3; ++i) young.append(kP0, event("shop", "orders", i), at(9 + i, 10), false);
    ASSERT_OK(archive_from(young));
  }
};

TEST_F(OvertakenTest, StopsWithoutTheOperatorsWord) {
  archive_three();
  hub.trim(kP0, Sequence(6));
  const auto before = keys();
  const auto refused = archive();
  EXPECT_ERROR(refused, ErrorCode::kValidation);
  EXPECT_NE(refused.error().message.find("3 to 5"), std::string::npos);
  EXPECT_NE(refused.error().hint.find("--accept-loss"), std::string::npos);
  expect_nothing_written(before);
}

TEST_F(OvertakenTest, TheLossIsListedAndTheArchiveGoesOn) {
  archive_three();
  hub.trim(kP0, Sequence(6));
  const ArchiveTotals totals = value(archive_as(false, true, ArchiveMode::kOnceAndClose));
  EXPECT_EQ(totals.events, 2);
  EXPECT_EQ(totals.lost, 3);
  const Catalog c = catalog();
  ASSERT_EQ(c.lost().size(), 1U);
  EXPECT_EQ(c.lost()[0].entry.first, Sequence(3));
  EXPECT_EQ(c.lost()[0].entry.last, Sequence(5));
  EXPECT_EQ(c.lost()[0].entry.from, at(11, 10));  // the time the partition had reached
  EXPECT_EQ(c.lost()[0].entry.to, at(15, 10));    // of the oldest event that is left
  expect_verified(5);
  // Accepted once: nothing more is lost, and nothing is listed again.
  EXPECT_EQ(value(archive_as(false, true)).lost, 0);
  EXPECT_EQ(value(archive()).events, 0);
  EXPECT_EQ(catalog().lost().size(), 1U);
}

// After an import broker times go back: the loss reaches as far as the events did that are gone.
TEST_F(OvertakenTest, ALossEndsWithTheNewestEventThatIsGone) {
  archive_three();
  hub.append(kP0, event("shop", "orders", 20), at(19, 10), false);
  hub.append(kP0, event("shop", "orders", 21), at(18, 10), false);
  hub.trim(kP0, Sequence(9));
  EXPECT_EQ(value(archive_as(false, true, ArchiveMode::kOnceAndClose)).lost, 6);
  const Catalog c = catalog();
  ASSERT_EQ(c.lost().size(), 1U);
  EXPECT_EQ(c.lost()[0].entry.from, at(11, 10));
  EXPECT_EQ(c.lost()[0].entry.to, at(19, 10));  // the oldest that is left is of 18:10
  expect_verified(4);
}

// Older than what the archive has reached: an effective time never goes back, nor does the end of a loss.
TEST_F(OvertakenTest, ALossOfOldEventsEndsNotBeforeItBegins) {
  hub.append(kP0, event("shop", "orders", 20), at(20, 0), false);
  ASSERT_OK(archive());
  for (int i = 0; i < 4; ++i) hub.append(kP0, event("shop", "orders", 30 + i), at(3, i), false);
  hub.trim(kP0, Sequence(11));
  EXPECT_EQ(value(archive_as(false, true)).lost, 2);
  const Catalog c = catalog();
  ASSERT_EQ(c.lost().size(), 1U);
  EXPECT_EQ(c.lost()[0].entry.from, c.lost()[0].entry.to);
  expect_verified(11);
}

// A loss may reach over many hours, and be sealed in parts: each of them names it.
TEST_F(OvertakenTest, EverySealOfItsHoursNamesTheLoss) {
  archive_three();
  hub.trim(kP0, Sequence(6));
  clock.set(at(13, 30));  // stamps ahead of our clock are capped: the first seal ends inside of the loss
  ASSERT_OK(archive_as(false, true, ArchiveMode::kOnceAndClose));
  clock.set(at(23, 30));
  for (int hour = 17; hour < 20; ++hour) {
    hub.append(kP0, event("shop", "orders", 10 + hour), at(hour, 10), false);
    ASSERT_OK(archive(ArchiveMode::kOnceAndClose));
  }
  const Catalog c = catalog();
  int named = 0;
  for (const SealEntry& seal : c.seals()) {
    const bool touched = seal.from.start() <= at(15, 10) && at(11, 10) < seal.to.start();
    EXPECT_EQ(seal.lost.size(), touched ? 1U : 0U) << to_string(seal.from) << " to " << to_string(seal.to);
    named += static_cast<int>(seal.lost.size());
  }
  EXPECT_GE(named, 2);
  expect_verified(8);
}

// The first position is where the archive begins: what was gone before is no loss.
TEST_F(OvertakenTest, TheFirstPositionIsNoLoss) {
  hub.trim(kP0, Sequence(6));
  EXPECT_EQ(value(archive()).events, 2);
  EXPECT_TRUE(catalog().lost().empty());
  expect_verified(2);
}

TEST_F(OvertakenTest, EverythingMayBeGone) {
  archive_three();
  hub.trim(kP0, Sequence(8));
  EXPECT_EQ(value(archive_as(false, true)).lost, 5);
  EXPECT_EQ(value(archive()).events, 0);
  hub.append(kP0, event("shop", "orders", 20), at(20, 0), false);
  EXPECT_EQ(value(archive()).events, 1);
  expect_verified(4);
}

// Objects that hold lost events, uploaded by an owner that died, are all that is left of them.
TEST_F(OvertakenTest, LeftoversOfTheRangeAreNamed) {
  archive_three();
  const SegmentName::Origin origin{kP0, Sequence(3), Sequence(4), Slot(0)};
  const std::string leftover = layout.segment({"shop", "orders"}, hour_of(at(12, 0)), origin);
  const std::string older =
      layout.segment({"shop", "orders"}, hour_of(at(9, 0)), {kP0, Sequence(0), Sequence(1), Slot(0)});
  ASSERT_OK(store.put_if_absent(leftover, "bytes", {}));
  ASSERT_OK(store.put_if_absent(older, "bytes", {}));
  hub.trim(kP0, Sequence(6));
  ASSERT_OK(archive_as(false, true));
  EXPECT_EQ(catalog().lost()[0].entry.salvage, std::vector<std::string>{leftover});
}

TEST_F(OvertakenTest, WhileItRunsWithTheOperatorsWord) {
  archive_three();
  options.flush_interval = milliseconds(1);
  options.accept_loss = true;
  std::stop_source stop;
  Archiver quick(parts(), options);
  bool trimmed = false;
  quick.on_progress([&](const ArchiveTotals& totals) {
    if (totals.lost > 0 && totals.events == 7) stop.request_stop();
    if (totals.events == 0 || std::exchange(trimmed, true)) return;
    for (int i = 0; i < 4; ++i) hub.append(kP0, event("shop", "users", i), at(18, i), false);
    hub.trim(kP0, Sequence(10));
  });
  const ArchiveTotals totals = value(quick.run(ArchiveMode::kFollow, stop.get_token()));
  EXPECT_EQ(totals.lost, 2);
  EXPECT_EQ(totals.events, 7);
  expect_verified(10);
}

// A hub that was put back from an older copy may look overtaken: the operator knows.
TEST_F(OvertakenTest, ANewEpochMayBeBegun) {
  archive_three();
  hub.trim(kP0, Sequence(6));
  options.new_epoch = true;
  EXPECT_EQ(value(archive()).events, 2);
  EXPECT_EQ(catalog().hub()->epoch, Epoch(1));
  expect_verified(5);
}

// Also the retention of the same hub: where another partition still holds the last event archived of it, a
// new epoch would list its events twice.
TEST_F(OvertakenTest, NoNewEpochWhereTheHubIsProvenToBeTheSame) {
  archive_three();
  hub.append(kP1, event("shop", "users", 1), at(9, 20), false);
  hub.trim(kP0, Sequence(4));
  ASSERT_EQ(value(archive_as(false, true)).lost, 1);
  hub.append(kP0, event("shop", "orders", 8), at(18, 10), false);
  hub.append(kP0, event("shop", "orders", 9), at(18, 10), false);
  hub.trim(kP0, Sequence(9));
  const auto before = keys();
  const auto refused = archive_as(true, true);
  EXPECT_ERROR(refused, ErrorCode::kUsage);
  EXPECT_NE(refused.error().hint.find("--accept-loss"), std::string::npos);
  expect_nothing_written(before);
  EXPECT_EQ(value(archive_as(false, true)).lost, 1);
  EXPECT_EQ(catalog().hub()->epoch, Epoch(0));
  expect_verified(9);
}

// The operator's word again after a death: the epoch stands in the ledger, and what it has not archived yet
// may be gone by then.
TEST_F(OvertakenTest, ANewEpochIsNotBegunTwice) {
  hub.trim(kP0, Sequence(2));
  hub.replace("another");
  for (int i = 0; i < 3; ++i) hub.append(kP0, event("shop", "orders", i), at(10 + i, 10), false);
  hub.append(kP1, event("shop", "users", 1), at(9, 20), false);
  FaultyStore dying(store, [&](StoreOperation operation, const std::string& key) {
    const bool segment = operation == StoreOperation::kPut && key.ends_with(".jsonl.gz");
    return segment ? Fault::kFailBefore : Fault::kNone;
  });
  options.new_epoch = true;
  (void)Archiver({hub, dying, layout, clock, random}, options).run(ArchiveMode::kOnce, {});
  hub.trim(kP0, Sequence(2));
  EXPECT_ERROR(archive_as(true, true), ErrorCode::kUsage);
  EXPECT_EQ(value(archive_as(false, true)).lost, 2);
  EXPECT_EQ(catalog().hub()->epoch, Epoch(1));
  expect_verified(2);
}

TEST_F(OvertakenTest, WhileItRuns) {
  // As soon as the first events are committed the hub deletes what is to come.
  options.flush_interval = milliseconds(1);
  Archiver quick(parts(), options);
  archive_three();
  bool trimmed = false;
  quick.on_progress([&](const ArchiveTotals& totals) {
    if (totals.events == 0 || std::exchange(trimmed, true)) return;
    for (int i = 0; i < 4; ++i) hub.append(kP0, event("shop", "users", i), at(18, i), false);
    hub.trim(kP0, Sequence(10));
  });
  const auto ended = quick.run(ArchiveMode::kFollow, {});
  EXPECT_ERROR(ended, ErrorCode::kValidation);
  EXPECT_NE(ended.error().hint.find("--accept-loss"), std::string::npos);
  EXPECT_EQ(value(archive_as(false, true)).lost, 2);
  expect_verified(10);
}

}  // namespace
}  // namespace changevault
