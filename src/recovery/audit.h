// The audit trail: what was recovered, by whom, and how it ended.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "recovery/journal.h"
#include "recovery/removal_plan.h"
#include "store/key_layout.h"
#include "store/object_store.h"

namespace changevault {

struct PastRecovery {
  std::string id;
  std::optional<RecoveryPlan> plan;
  std::optional<RemovalPlan> removal;  // in its place: of rows that stood more than once
  std::vector<JournalEntry> journal;   // empty: planned, never started
  std::optional<Error> damage;         // plan or journal could not be read; what could is there

  // "planned", "done", "failed", or the last step of one that did not end.
  std::string state() const;
  Timestamp created() const;  // of its plan; zero where that is damaged
};

// All recoveries the store knows, the newest first. A damaged one is listed with its damage; an error means
// that nothing could be listed.
Result<std::vector<PastRecovery>> past_recoveries(ObjectStore& store, const KeyLayout& layout);

}  // namespace changevault
