// Who reads what: how the live members of a group share its partitions. A pure function.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/strong.h"
#include "model/ids.h"

namespace changevault {

// A member of a group of the embedded hub, numbered by the hub; never given twice.
using MemberId = Strong<struct MemberTag>;

struct LeaseTable {
  std::int32_t partitions = 0;
  std::vector<MemberId> members;            // the live ones, each once
  std::map<PartitionId, MemberId> holders;  // each a live member; what is not there is free
  bool operator==(const LeaseTable&) const = default;
};

struct LeasePlan {
  std::vector<PartitionId> take;     // free now
  std::vector<PartitionId> give_up;  // ours, and more than our share
  bool operator==(const LeasePlan&) const = default;
};

// What `me`, a live member, has to do. A share is partitions / members, and one more for the first of them by
// (partitions held, most first; number) while any are left over: so shares add up to all partitions, nobody
// takes more than the others leave, and a table in which everybody has a share is left as it is.
LeasePlan plan_leases(const LeaseTable& table, MemberId me);

}  // namespace changevault
