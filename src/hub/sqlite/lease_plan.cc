#include "hub/sqlite/lease_plan.h"

#include <algorithm>
#include <tuple>

namespace changevault {
namespace {

std::size_t share_of(const LeaseTable& table, MemberId me) {
  std::map<MemberId, std::size_t> held;
  for (const auto& [partition, holder] : table.holders) ++held[holder];
  const auto ahead = std::ranges::count_if(table.members, [&](MemberId other) {
    return std::tuple(held[other], me) > std::tuple(held[me], other);
  });
  const auto partitions = static_cast<std::size_t>(table.partitions);
  const std::size_t left_over = partitions % table.members.size();
  return partitions / table.members.size() + (static_cast<std::size_t>(ahead) < left_over ? 1 : 0);
}

}  // namespace

LeasePlan plan_leases(const LeaseTable& table, MemberId me) {
  LeaseTable now = table;
  LeasePlan plan;
  std::vector<PartitionId> ours;
  std::vector<PartitionId> free;
  for (PartitionId partition(0); partition.value < table.partitions; partition = partition.next()) {
    const auto holder = table.holders.find(partition);
    if (holder == table.holders.end()) {
      free.push_back(partition);
    } else if (holder->second == me) {
      ours.push_back(partition);
    }
  }
  // One by one: what is taken may move `me` up among those who get one more.
  for (const PartitionId partition : free) {
    if (ours.size() + plan.take.size() >= share_of(now, me)) break;
    now.holders[partition] = me;
    plan.take.push_back(partition);
  }
  for (std::size_t share = share_of(now, me); ours.size() > share; ours.pop_back()) {
    plan.give_up.push_back(ours.back());
  }
  return plan;
}

}  // namespace changevault
