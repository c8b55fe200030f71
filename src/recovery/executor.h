// Carries out a recovery plan: stage, validate, merge, re-check, audit record.
//
// The problem: rows have to get into a table that is being loaded meanwhile, exactly once each, from files
// that may have been damaged since they were written, by a process that may die between any two steps.
//
// Invariants:
//  - Nothing is merged unless every segment was read whole with the planned sha256 and the side table equals
//  that reading.
//  - The merge is one transaction of the warehouse, which writes the load records of this recovery with the
//  rows: whether it
//    happened is never guessed from the journal, `Warehouse::merged` knows.
//  - The journal says `failed` only where it is certain that nothing was merged, or that the merge is proven
//  incomplete.
//  - A recovery that died anywhere leaves at most its side table and an unfinished journal; `resume` ends it,
//  and a new
//    recovery of the same scope is right as well (it inserts what is not there).
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "recovery/journal.h"
#include "recovery/plan.h"
#include "store/key_layout.h"
#include "store/object_store.h"
#include "warehouse/warehouse.h"

namespace changevault {

enum class RecoveryState : std::uint8_t { kPlanned, kDone, kFailed };
const char* name(RecoveryState state);  // "planned", …

struct RecoveryResult {
  std::string id;
  std::string plan_hash;
  std::int64_t segments = 0;
  std::int64_t expected = 0;
  std::int64_t staged = 0;
  std::int64_t inserted = 0;
  std::int64_t already_present = 0;
  RecoveryState state = RecoveryState::kPlanned;
  CheckedStep check;  // of kFailed: merged, but the re-check found this
  bool operator==(const RecoveryResult&) const = default;
};

// What a plan amounts to before it is carried out.
RecoveryResult as_planned(const RecoveryPlan& plan);

enum class RecoveryStep : std::uint8_t { kStage, kValidate, kMerge, kCheck };
const char* name(RecoveryStep step);

// Step, done, all (segments while staging, else 0 of 1 and 1 of 1).
using RecoveryProgress = std::function<void(RecoveryStep, std::int64_t, std::int64_t)>;

// References outlive it. Not thread-safe.
class Executor {
 public:
  struct Parts {
    ObjectStore& store;
    const KeyLayout& layout;
    Warehouse& warehouse;
    Clock& clock;
    Random& random;
  };
  explicit Executor(const Parts& parts) : parts_(parts) {}
  void on_progress(RecoveryProgress progress) { progress_ = std::move(progress); }

  // Carries out a plan that was never begun. A `stop` before the merge ends it as failed, kCancelled; later
  // it is not looked at. Errors: kValidation (nothing was merged), kStalePlan (the plan was begun before),
  // kFenced (somebody else is carrying it out), kIndeterminate (the merge was sent and its outcome could not
  // be learned: resume), what store and warehouse say. A re-check that finds events missing or twice is a
  // value with kFailed.
  Result<RecoveryResult> run(const RecoveryPlan& plan, std::stop_token stop);

  // Ends a recovery that died: finishes it where the merge happened, starts it over where it did not. One
  // that is done says again what it did; one that failed is kStalePlan. Only for recoveries that nobody is
  // working on any more.
  Result<RecoveryResult> resume(const std::string& id, const Actor& actor, std::stop_token stop);

 private:
  Parts parts_;
  RecoveryProgress progress_;
};

}  // namespace changevault
