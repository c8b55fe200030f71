#include "archive/sealer.h"

#include <gtest/gtest.h>

#include "tests/support/archive_fixture.h"

namespace changevault {
namespace {

using testing::at;

SegmentFacts segment(int hour, const std::string& collection, std::int64_t records) {
  SegmentFacts facts;
  facts.key = collection + std::to_string(hour);
  facts.ns = {"db", collection};
  facts.hour = hour_of(at(hour, 0));
  facts.records = records;
  facts.digest = static_cast<std::uint64_t>(records) * 11;
  facts.operations["insert"] = records;
  return facts;
}

Hour hour(int h) {
  return hour_of(at(h, 0));
}

TEST(NextSeal, WaitsForEveryPartition) {
  SealInputs inputs;
  inputs[PartitionId(0)] = {{Slot(1), at(12, 30), {segment(10, "a", 5)}, {}, {}}};
  inputs[PartitionId(1)] = {};
  EXPECT_EQ(next_seal(inputs, std::nullopt), std::nullopt);
  inputs[PartitionId(1)] = {{Slot(1), at(10, 59), {}, {}, {}}};
  EXPECT_EQ(next_seal(inputs, std::nullopt), std::nullopt);
  inputs[PartitionId(1)] = {{Slot(1), at(11, 0), {}, {}, {}}};
  const auto seal = next_seal(inputs, std::nullopt);
  ASSERT_TRUE(seal);
  EXPECT_EQ(seal->from, hour(10));
  EXPECT_EQ(seal->to, hour(11));
}

TEST(NextSeal, TakesAllWholeHoursAndSumsPartitions) {
  SealInputs inputs;
  inputs[PartitionId(0)] = {
      {Slot(1), at(10, 50), {segment(10, "a", 5)}, {}, {}},
      {Slot(2), at(12, 10), {segment(10, "b", 1), segment(12, "a", 7)}, {segment(11, "", 2)}, {}}};
  inputs[PartitionId(1)] = {{Slot(4), at(13, 0), {segment(10, "a", 6)}, {}, {}}};
  const auto seal = next_seal(inputs, std::nullopt);
  ASSERT_TRUE(seal);
  EXPECT_EQ(seal->from, hour(10));
  EXPECT_EQ(seal->to, hour(12));
  ASSERT_EQ(seal->cells.size(), 2U);
  EXPECT_EQ(seal->cells[0].digest, (Digest{11, 121}));
  EXPECT_EQ(seal->cells[0].segments.size(), 2U);
  EXPECT_EQ(seal->cells[1].ns.collection, "b");
  ASSERT_EQ(seal->dead_letters.size(), 1U);
  EXPECT_EQ(seal->dead_letters[0].records, 2);
  EXPECT_EQ(seal->through.at(PartitionId(0)), Slot(2));
  EXPECT_EQ(seal->through.at(PartitionId(1)), Slot(4));
}

TEST(NextSeal, FollowsTheOneBeforeThroughQuietHours) {
  SealInputs inputs;
  inputs[PartitionId(0)] = {{Slot(1), at(15, 0), {segment(10, "a", 5)}, {}, {}}};
  const auto seal = next_seal(inputs, hour(11));
  ASSERT_TRUE(seal);
  EXPECT_EQ(seal->from, hour(11));
  EXPECT_EQ(seal->to, hour(15));
  EXPECT_TRUE(seal->cells.empty());
}

TEST(NextSeal, IsBoundedButAlwaysOneHour) {
  SealInputs inputs;
  std::vector<SegmentFacts> segments;
  for (int h = 0; h < 10; ++h) {
    for (const char* name : {"a", "b", "c"}) segments.push_back(segment(h, name, 1));
  }
  inputs[PartitionId(0)] = {{Slot(1), at(10, 0), segments, {}, {}}};
  EXPECT_EQ(next_seal(inputs, std::nullopt, {}, 7)->to, hour(2));
  EXPECT_EQ(next_seal(inputs, std::nullopt, {}, 1)->to, hour(1));
}

TEST(NextSeal, NothingArchivedNothingSealed) {
  SealInputs inputs;
  inputs[PartitionId(0)] = {{Slot(1), at(10, 0), {}, {}, {}}};
  EXPECT_EQ(next_seal(inputs, std::nullopt), std::nullopt);
}

TEST(NextSeal, NamesWhatIsLost) {
  SealInputs inputs;
  LostEntry lost{Epoch(0), Sequence(3), Sequence(9), "retention", at(10, 10), at(11, 5), {}};
  inputs[PartitionId(0)] = {{Slot(1), at(10, 0), {segment(10, "a", 5)}, {}, {}},
                            {Slot(2), at(10, 0), {}, {}, lost},
                            {Slot(3), at(14, 0), {}, {}, {}}};
  EXPECT_EQ(next_seal(inputs, std::nullopt)->lost, (std::vector<SealedLoss>{{PartitionId(0), Slot(2)}}));
  EXPECT_TRUE(next_seal(inputs, hour(12))->lost.empty());
}

}  // namespace
}  // namespace changevault
