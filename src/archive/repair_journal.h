// The audit trail of repairs: a chain of create-only slots, two for each repair (docs/formats/repairs.md).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "archive/repair.h"
#include "codec/json_fwd.h"

namespace changevault {

class RepairJournal {
 public:
  explicit RepairJournal(const Repairer::Parts& parts) : parts_(parts) {}
  // Writes what is going to be done, and names the repair.
  Result<RepairOutcome> begin(const RepairPlan& plan, const RepairActor& actor);
  Result<void> end(const RepairOutcome& outcome, const RepairActor& actor);

 private:
  Result<void> append(Json entry);
  Repairer::Parts parts_;
};

// A repair as its slots tell it.
struct PastRepair {
  std::string id;
  Timestamp begun{};
  std::optional<Timestamp> ended;  // nullopt: it died, or goes on
  RepairActor actor;
  std::vector<RepairItem> planned;  // action, key, sha256 and sources
  std::vector<std::string> done;
  std::vector<RepairRefusal> not_done;
};

// Oldest first. kCorrupt names a slot that is damaged.
Result<std::vector<PastRepair>> past_repairs(ObjectStore& store, const KeyLayout& layout);

}  // namespace changevault
