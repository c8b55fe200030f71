// Damage of one partition's chain while others are archived.
#include "archive/damaged_partitions.h"

#include <set>

#include <gtest/gtest.h>

#include "archive/archiver.h"
#include "archive/chain.h"
#include "store/faulty_store.h"
#include "tests/support/archive_fixture.h"

namespace changevault {
namespace {

using testing::ArchiveFixture;
using testing::at;
using testing::event;
using testing::value;

constexpr PartitionId kP0{0};
constexpr PartitionId kP1{1};

class DamagedPartitionsTest : public ::testing::Test, protected ArchiveFixture {
 protected:
  void SetUp() override {
    init();
    publish(9);
    ASSERT_OK(archive());
  }
  void publish(int hour) {
    for (int i = 0; i < 3; ++i) {
      hub.append(kP0, event("shop", "orders", ++number_), at(hour, i), false);
      hub.append(kP1, event("shop", "orders", ++number_), at(hour, i), false);
    }
  }
  std::string slot(PartitionId partition, std::int64_t number) {
    return Chain(store, layout.partition_chain(partition)).key(Slot(number));
  }
  std::string tip(PartitionId partition) {
    return Chain(store, layout.partition_chain(partition))
        .key(value(Chain(store, layout.partition_chain(partition)).find_end()).previous());
  }
  // Returns the right bytes.
  std::string damage(const std::string& key) {
    const std::string right = value(store.get(key));
    std::string bytes = right;
    bytes[bytes.size() / 2] ^= 1;
    store.corrupt(key, bytes);
    return right;
  }
  Sequence archived(PartitionId partition) {
    return value(Catalog::read(store, layout))
        .partitions()[static_cast<std::size_t>(partition.value)]
        .next.value();
  }
  Result<ArchiveTotals> archive_telling(ArchiveMode mode, std::stop_token stop = {}) {
    Archiver archiver(parts(), options);
    archiver.on_notice([&](const std::string& words) { told.push_back(words); });
    return archiver.run(mode, std::move(stop));
  }

  std::vector<std::string> told;
  int number_ = 0;
};

TEST_F(DamagedPartitionsTest, ItIsLeftAloneAndTheOthersGoOn) {
  const std::string key = tip(kP1);
  const std::string right = damage(key);
  publish(10);
  const auto ended = archive_telling(ArchiveMode::kOnce);
  EXPECT_ERROR(ended, ErrorCode::kCorrupt);
  EXPECT_EQ(ended.error().object, key);
  EXPECT_NE(ended.error().hint.find("changevault repair"), std::string::npos);
  ASSERT_EQ(told.size(), 1U) << told[1];
  EXPECT_NE(told[0].find(key), std::string::npos) << told[0];
  EXPECT_EQ(archived(kP0), Sequence(6));
  store.corrupt(key, right);
  EXPECT_EQ(value(archive()).events, 3);
  EXPECT_EQ(verify().verdict, Verdict::kPass);
  EXPECT_EQ(verify().records_checked, 12);
}

TEST_F(DamagedPartitionsTest, AlsoWhereSlotsAreGone) {
  publish(10);
  ASSERT_OK(archive());
  publish(11);
  ASSERT_OK(store.remove(slot(kP1, 2)));
  EXPECT_ERROR(archive(), ErrorCode::kCorrupt);
  EXPECT_EQ(archived(kP0), Sequence(9));
  for (const std::string& key : keys(layout.partition_chain(kP1))) ASSERT_OK(store.remove(key));
  publish(12);
  EXPECT_ERROR(archive(), ErrorCode::kCorrupt);
  EXPECT_EQ(archived(kP0), Sequence(12));
}

TEST_F(DamagedPartitionsTest, AllOfThem) {
  damage(tip(kP0));
  damage(tip(kP1));
  EXPECT_ERROR(archive_telling(ArchiveMode::kOnceAndClose), ErrorCode::kCorrupt);
  EXPECT_EQ(told.size(), 2U);
}

TEST_F(DamagedPartitionsTest, ADaemonSaysItSeldomAndGoesOnWhenItIsRepaired) {
  const std::string key = tip(kP1);
  const std::string right = damage(key);
  publish(10);
  std::stop_source stop;
  const Duration began = clock.steady();
  FaultyStore watched(store, [&](StoreOperation, const std::string&) {
    const std::int64_t minutes_gone = (clock.steady().ms - began.ms) / 60'000;
    if (minutes_gone >= 25) store.corrupt(key, right);
    if (minutes_gone >= 40) stop.request_stop();
    return Fault::kNone;
  });
  Archiver archiver(parts_with(watched), options);
  archiver.on_notice([&](const std::string& words) { told.push_back(words); });
  EXPECT_EQ(value(archiver.run(ArchiveMode::kFollow, stop.get_token())).events, 6);
  ASSERT_EQ(told.size(), 4U) << "at once, after 10 and 20 minutes, and that it is whole";
  EXPECT_NE(told[3].find("whole"), std::string::npos) << told[3];
  EXPECT_EQ(verify().verdict, Verdict::kPass);
}

// The newest slot is sound, so archiving goes on; what the next seal would be made from is not.
TEST_F(DamagedPartitionsTest, ADamagedMiddleStopsOnlySealing) {
  for (int run = 0; run < 2; ++run) {
    publish(10);
    ASSERT_OK(archive());
  }
  const std::string key = slot(kP1, 3);
  const std::string right = damage(key);
  publish(12);
  const auto ended = archive_telling(ArchiveMode::kOnce);
  EXPECT_ERROR(ended, ErrorCode::kCorrupt);
  EXPECT_EQ(ended.error().object, key);
  EXPECT_EQ(archived(kP0), Sequence(12));
  EXPECT_EQ(archived(kP1), Sequence(12));
  EXPECT_EQ(catalog().sealed_to(), hour_of(at(10, 0)));
  store.corrupt(key, right);
  ASSERT_OK(archive());
  EXPECT_EQ(catalog().sealed_to(), hour_of(at(12, 0)));
  EXPECT_EQ(verify().verdict, Verdict::kPass);
}

TEST_F(DamagedPartitionsTest, PartitionsWithoutAChainAreLookedForOnce) {
  MemoryHub wide(8, clock);
  MemoryStore empty(clock);
  wide.append(kP0, event("shop", "orders", 1), at(9, 0), false);
  int listings = 0;
  FaultyStore counted(empty, [&](StoreOperation operation, const std::string& key) {
    if (operation == StoreOperation::kList && key == layout.archive_prefix()) ++listings;
    return Fault::kNone;
  });
  const Archiver::Parts wide_parts{wide, counted, layout, clock, random};
  ASSERT_OK(init_archive(wide_parts, options));
  ASSERT_OK(Archiver(wide_parts, options).run(ArchiveMode::kOnce, {}));
  EXPECT_EQ(listings, 1);
}

}  // namespace
}  // namespace changevault
