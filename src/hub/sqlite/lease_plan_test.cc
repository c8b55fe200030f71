#include "hub/sqlite/lease_plan.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace changevault::testing {
namespace {

PartitionId p(std::int32_t number) {
  return PartitionId(number);
}
MemberId m(std::int64_t number) {
  return MemberId(number);
}

TEST(LeasePlan, AloneEverythingIsTaken) {
  const LeaseTable table{3, {m(7)}, {}};
  EXPECT_EQ(plan_leases(table, m(7)), (LeasePlan{{p(0), p(1), p(2)}, {}}));
}

TEST(LeasePlan, ANewcomerTakesNothingThatIsHeldAndTheHolderGivesUpItsShare) {
  const LeaseTable table{4, {m(1), m(2)}, {{p(0), m(1)}, {p(1), m(1)}, {p(2), m(1)}, {p(3), m(1)}}};
  EXPECT_EQ(plan_leases(table, m(2)), LeasePlan{});
  EXPECT_EQ(plan_leases(table, m(1)), (LeasePlan{{}, {p(3), p(2)}}));
}

TEST(LeasePlan, WhoHoldsTheOneMoreKeepsIt) {
  const LeaseTable table{3, {m(1), m(2)}, {{p(0), m(2)}, {p(1), m(2)}, {p(2), m(1)}}};
  EXPECT_EQ(plan_leases(table, m(1)), LeasePlan{});
  EXPECT_EQ(plan_leases(table, m(2)), LeasePlan{});
}

TEST(LeasePlan, MoreMembersThanPartitionsLeaveSomeWithout) {
  const LeaseTable table{1, {m(1), m(2), m(3)}, {{p(0), m(2)}}};
  for (const MemberId member : table.members) EXPECT_EQ(plan_leases(table, member), LeasePlan{});
}

// Members act one at a time, in any order, while others come, go and partitions are added: what is free is
// taken once, nobody takes from another, and once it is quiet everybody has a fair share and stays with it.
TEST(LeasePlan, AnyOrderOfStepsEndsInFairSharesThatStay) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 300; ++round) {
    LeaseTable table{static_cast<std::int32_t>(1 + random() % 9), {m(1)}, {}};
    std::int64_t newest = 1;
    const auto act = [&](MemberId member) {
      const LeasePlan plan = plan_leases(table, member);
      for (const PartitionId partition : plan.take)
        ASSERT_TRUE(table.holders.emplace(partition, member).second);
      for (const PartitionId partition : plan.give_up) {
        ASSERT_EQ(table.holders.at(partition), member);
        table.holders.erase(partition);
      }
    };
    for (int step = 0; step < 40; ++step) {
      switch (random() % 8) {
        case 0:
          table.members.push_back(m(++newest));
          break;
        case 1: {
          if (table.members.size() == 1) break;
          const MemberId dead = table.members[random() % table.members.size()];
          std::erase(table.members, dead);
          std::erase_if(table.holders, [&](const auto& lease) { return lease.second == dead; });
          break;
        }
        case 2:
          table.partitions += static_cast<std::int32_t>(random() % 3);
          break;
        default:
          act(table.members[random() % table.members.size()]);
      }
    }
    for (int calm = 0; calm < 3; ++calm) {
      std::ranges::shuffle(table.members, random);
      for (const MemberId member : table.members) act(member);
    }
    std::map<MemberId, std::size_t> held;
    for (const auto& [partition, member] : table.holders) ++held[member];
    const auto share = static_cast<std::size_t>(table.partitions) / table.members.size();
    ASSERT_EQ(table.holders.size(), static_cast<std::size_t>(table.partitions)) << "round " << round;
    for (const MemberId member : table.members) {
      EXPECT_GE(held[member], share);
      EXPECT_LE(held[member], share + 1);
      EXPECT_EQ(plan_leases(table, member), LeasePlan{});
    }
  }
}

}  // namespace
}  // namespace changevault::testing
