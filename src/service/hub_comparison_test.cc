// The hub against an archive in memory that follows it, or does not.
#include "service/hub_comparison.h"

#include <gtest/gtest.h>

#include "archive/chain.h"
#include "hub/faulty_hub.h"
#include "store/faulty_store.h"
#include "tests/support/hub_life_fixture.h"

namespace changevault {
namespace {

using testing::at;
using testing::event;
using testing::value;

constexpr PartitionId kP0{0};
constexpr PartitionId kP1{1};

class HubComparisonTest : public ::testing::Test, protected testing::HubLifeFixture {
 protected:
  HubComparisonTest() {
    configuration_.hub.url = "memory:hub";
    configuration_.store.url = "memory:store";
    configuration_.store.root = "changestreams";
    drivers_.hubs["memory"] = [this](const OpenRequest&) -> Result<std::unique_ptr<Hub>> {
      return std::unique_ptr<Hub>(std::make_unique<FaultyHub>(*asked_, hook_));
    };
    drivers_.stores["memory"] = [this](const OpenRequest&) -> Result<std::unique_ptr<ObjectStore>> {
      return std::unique_ptr<ObjectStore>(std::make_unique<FaultyStore>(
          store, [](StoreOperation, const std::string&) { return Fault::kNone; }));
    };
  }
  void SetUp() override { init(); }

  void append(PartitionId partition, int count, Timestamp time) {
    for (int n = 0; n < count; ++n) hub.append(partition, event("shop", "orders", number_++), time);
  }
  Result<HubCoverage> compare() {
    Parts parts(configuration_, drivers_, clock, random);
    const HourCatalog catalog = value(HourCatalog::read(store, layout));
    return compare_hub(parts, catalog);
  }
  HubPartition partition(PartitionId which) {
    return value(compare()).partitions.at(static_cast<std::size_t>(which.value));
  }

  Hub* asked_ = &hub;
  FaultyHub::Hook hook_ = [](HubOperation, const std::string&) { return Fault::kNone; };
  Configuration configuration_;
  Drivers drivers_;
  int number_ = 0;
};

TEST_F(HubComparisonTest, BeforeTheFirstArchiverNothingIsClaimed) {
  append(kP0, 3, at(9, 0));
  const HubCoverage found = value(compare());
  EXPECT_TRUE(found.identity_matches);
  EXPECT_FALSE(found.is_gap());
  EXPECT_EQ(found.pending(), 3);
  EXPECT_EQ(found.partitions.at(0).state, HubState::kUnclaimed);
  EXPECT_EQ(found.partitions.at(1).state, HubState::kUnclaimed);
}

TEST_F(HubComparisonTest, WhatWaitsIsCountedAndAged) {
  append(kP0, 3, at(9, 0));
  ASSERT_OK(archive());
  append(kP0, 2, at(22, 59));
  append(kP0, 2, at(23, 58));
  const HubCoverage found = value(compare());
  const HubPartition& p = found.partitions.at(0);
  EXPECT_EQ(p.state, HubState::kPending);
  EXPECT_EQ(p.facts.archived, Sequence(3));
  EXPECT_EQ(p.pending, 4);
  EXPECT_EQ(p.oldest_pending_time, at(22, 59));
  EXPECT_EQ(p.oldest_pending_age, hours(1));
  EXPECT_EQ(found.partitions.at(1).state, HubState::kOk);
  EXPECT_FALSE(found.is_gap());
  ASSERT_OK(archive());
  EXPECT_EQ(value(compare()).pending(), 0);
}

TEST_F(HubComparisonTest, WhatTheHubDeletedIsLostUntilItIsRecorded) {
  append(kP0, 3, at(9, 0));
  ASSERT_OK(archive());
  append(kP0, 5, at(10, 0));
  hub.trim(kP0, Sequence(5));
  const HubCoverage lost = value(compare());
  EXPECT_EQ(lost.partitions.at(0).state, HubState::kLost);
  EXPECT_EQ(lost.lost(), 2);
  EXPECT_EQ(lost.pending(), 3);
  EXPECT_TRUE(lost.is_gap());
  EXPECT_EQ(lost.recorded_ranges(), 0);
  ASSERT_OK(archive_as(false, true));
  const HubCoverage recorded = value(compare());
  EXPECT_EQ(recorded.lost(), 0);
  EXPECT_FALSE(recorded.is_gap()) << "now it is a gap of the hours that it touches";
  EXPECT_EQ(recorded.recorded_ranges(), 1);
  EXPECT_EQ(recorded.recorded_lost(), 2);
}

TEST_F(HubComparisonTest, AnotherIdentityIsSaidAndNothingElse) {
  append(kP0, 3, at(9, 0));
  ASSERT_OK(archive());
  hub.replace("another");
  append(kP0, 9, at(9, 0));
  const HubCoverage found = value(compare());
  EXPECT_FALSE(found.identity_matches);
  ASSERT_TRUE(found.replaced);
  EXPECT_NE(found.replaced->hint.find("--new-epoch"), std::string::npos);
  EXPECT_EQ(found.partitions.at(0).state, HubState::kReplaced);
  EXPECT_EQ(found.pending(), 0);
  EXPECT_TRUE(found.is_gap());
}

TEST_F(HubComparisonTest, AHubThatWasSetBackIsNotTheOneThatWasArchived) {
  append(kP0, 3, at(9, 0));
  ASSERT_OK(archive());
  hub.replace("memory-hub");
  append(kP0, 1, at(9, 0));
  const HubCoverage shorter = value(compare());
  EXPECT_TRUE(shorter.identity_matches);
  EXPECT_TRUE(shorter.is_gap());
  EXPECT_EQ(shorter.partitions.at(0).state, HubState::kReplaced);
  append(kP0, 5, at(9, 0));
  const HubCoverage another_tail = value(compare());
  EXPECT_EQ(another_tail.partitions.at(0).state, HubState::kReplaced);
  EXPECT_NE(another_tail.replaced->message.find("another event stands"), std::string::npos);
}

TEST_F(HubComparisonTest, ANewEpochBeginsWithWhatTheHubHas) {
  append(kP0, 3, at(9, 0));
  ASSERT_OK(archive());
  hub.replace("another");
  append(kP0, 2, at(10, 0));
  ASSERT_OK(archive_as(true, false));
  append(kP0, 1, at(10, 0));
  const HubCoverage found = value(compare());
  EXPECT_TRUE(found.identity_matches);
  EXPECT_FALSE(found.is_gap());
  EXPECT_EQ(found.partitions.at(0).facts.archived, Sequence(2));
  EXPECT_EQ(found.pending(), 1);
  EXPECT_EQ(found.recorded_lost(), 0) << "how many nobody knows";
  EXPECT_EQ(found.recorded_ranges(), 2);
}

// The hub is the archive's again as soon as the operator has said so, before any partition is claimed.
TEST_F(HubComparisonTest, APartitionOfAnEarlierEpochIsUnclaimed) {
  append(kP0, 3, at(9, 0));
  ASSERT_OK(archive());
  Chain seals(store, layout.seal_chain());
  const Slot end = value(seals.find_end());
  const StoredSlot before = value(seals.read(end.previous()));
  HubEntry entry = *catalog().hub();
  entry.epoch = Epoch(1);
  entry.identity = "another";
  ASSERT_OK(seals.create(end, encode_entry({{"test:1", random.nonce(), clock.now(), before.sha256}, entry})));
  hub.replace("another");
  append(kP0, 2, at(10, 0));
  EXPECT_EQ(partition(kP0).state, HubState::kUnclaimed);
  EXPECT_EQ(partition(kP0).pending, 2);
}

TEST_F(HubComparisonTest, APartitionThatJoinedLaterBeginsAtZero) {
  append(kP0, 1, at(9, 0));
  ASSERT_OK(archive());
  ASSERT_OK(hub.raise_partitions(3));
  append(PartitionId(2), 5, at(9, 0));
  EXPECT_EQ(partition(PartitionId(2)).state, HubState::kUnclaimed);
  hub.trim(PartitionId(2), Sequence(2));
  EXPECT_EQ(partition(PartitionId(2)).state, HubState::kLost)
      << "of a partition added since all is the archive's";
  EXPECT_EQ(partition(PartitionId(2)).lost, 2);
}

TEST_F(HubComparisonTest, FewerPartitionsAreNamed) {
  append(kP0, 1, at(9, 0));
  ASSERT_OK(archive());
  MemoryHub smaller(1, clock, "memory-hub");
  smaller.append(kP0, event("shop", "orders", 0), at(9, 0));
  asked_ = &smaller;
  const HubCoverage found = value(compare());
  ASSERT_TRUE(found.replaced);
  EXPECT_NE(found.replaced->message.find("1 partition, the archive knows 2"), std::string::npos);
  EXPECT_EQ(found.partitions.at(0).state, HubState::kOk);
}

TEST_F(HubComparisonTest, ADamagedChainCostsItsPartition) {
  append(kP0, 3, at(9, 0));
  append(kP1, 3, at(9, 0));
  ASSERT_OK(archive());
  append(kP1, 1, at(9, 0));
  const std::string folder = layout.partition_chain(kP0);
  const std::string newest = keys(folder).back();
  ASSERT_OK(store.remove(newest));
  ASSERT_OK(store.put_if_absent(newest, "{\"damaged"));
  const HubCoverage found = value(compare());
  EXPECT_EQ(found.partitions.at(0).state, HubState::kUnknown);
  EXPECT_TRUE(found.uncertain());
  EXPECT_FALSE(found.is_gap());
  EXPECT_EQ(found.pending(), 1);
}

// While the archive follows, nothing looks lost or impossible between two questions.
TEST_F(HubComparisonTest, ArchivingGoesOnMeanwhile) {
  append(kP0, 3, at(9, 0));
  ASSERT_OK(archive());
  append(kP0, 3, at(10, 0));
  int bounds = 0;
  hook_ = [&](HubOperation operation, const std::string&) {
    if (operation == HubOperation::kBounds && ++bounds == 2) {
      hub.trim(kP0, Sequence(4));
      append(kP0, 2, at(11, 0));
    }
    return Fault::kNone;
  };
  const HubPartition p = partition(kP0);
  EXPECT_EQ(p.state, HubState::kPending);
  EXPECT_EQ(p.lost, 0) << "at the time of the first question they were there";
  EXPECT_EQ(p.facts.next, Sequence(8));
}

TEST_F(HubComparisonTest, AHubThatDoesNotAnswerIsAnError) {
  append(kP0, 1, at(9, 0));
  ASSERT_OK(archive());
  hook_ = [](HubOperation operation, const std::string&) {
    return operation == HubOperation::kBounds ? Fault::kFailBefore : Fault::kNone;
  };
  EXPECT_ERROR(compare(), ErrorCode::kUnreachable);
}

}  // namespace
}  // namespace changevault
