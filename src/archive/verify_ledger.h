// Proof of the chains and the seals: every slot's bytes, the order of slots, what seals say against what
// commits list.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "archive/catalog.h"
#include "archive/verify.h"

namespace changevault {

// A hub entry, and how far the hours were sealed when it was written.
struct HubPeriod {
  HubEntry hub;
  std::string key;  // of its slot
  std::optional<Hour> sealed_to;
};

// What could be read of the ledger, however damaged the rest is.
struct LedgerCheck {
  bool exists = false;
  bool has_seals = false;  // a slot of their chain stands there, whatever is wrong with it
  std::string identity;    // sha256 of the very first slot, which no other archive has; empty: not readable
  std::vector<HubPeriod> hubs;  // in their order
  std::vector<ListedSegment> segments;
  std::vector<ListedSegment> dead_letters;
  std::vector<ListedSegment> adopted;  // files of other programs (archive/adopted.h)
  std::vector<LostRange> lost;
  std::vector<SealEntry> seals;
  std::map<PartitionId, Slot> ends;  // behind the last slot of each partition's chain
  std::int64_t slots = 0;
  std::vector<VerifyProblem> problems;

  // The hub's entry of an epoch, the newest; nullptr where there is none.
  const HubEntry* hub_of(Epoch epoch) const;
  std::int32_t partitions() const;  // that any hub entry knows
};

// An error only where the store could not be asked.
Result<LedgerCheck> check_ledger(ObjectStore& store, const KeyLayout& layout);

}  // namespace changevault
