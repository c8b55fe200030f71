// Proof of the chains and the seals: every slot's bytes, the order of slots, what seals say against what
// commits list.
#pragma once

#include <map>
#include <vector>

#include "archive/catalog.h"
#include "archive/verify.h"

namespace changevault {

// What could be read of the ledger, however damaged the rest is.
struct LedgerCheck {
  bool exists = false;
  HubEntry hub;
  std::vector<ListedSegment> segments;
  std::vector<ListedSegment> dead_letters;
  std::vector<LostRange> lost;
  std::vector<SealEntry> seals;
  std::map<PartitionId, Slot> ends;  // behind the last slot of each partition's chain
  std::int64_t slots = 0;
  std::vector<VerifyProblem> problems;
};

// An error only where the store could not be asked.
Result<LedgerCheck> check_ledger(ObjectStore& store, const KeyLayout& layout);

}  // namespace changevault
