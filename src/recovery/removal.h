// Carries out a removal of rows that stand more than once: list, remove part by part, re-check, audit record.
//
// Invariants:
//  - Rows are removed only behind the journal's `staged`: then a side table lists every event_id with the
//    number of its rows and the SHA-256 of their content, and equals the plan.
//  - A part is one transaction under the lock row. It looks at its rows again, removes all but the first of
//    each event_id, proves that each stands once, and notes in the side table what it removed. So whether a
//    part is done is never guessed, and a part that is done again removes nothing.
//  - Rows of one event_id that differ, and rows that stand once, are never touched.
//  - A removal that died anywhere leaves at most its side table and an unfinished journal; `resume` ends it.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "recovery/executor.h"
#include "recovery/removal_plan.h"

namespace changevault {

struct RemovalResult {
  std::string id;
  std::string plan_hash;
  std::int64_t ids = 0;      // event_ids that stood more than once, their rows equal
  std::int64_t planned = 0;  // rows to remove
  std::int64_t removed = 0;
  RecoveryState state = RecoveryState::kPlanned;
  CheckedStep check;
  std::optional<Timestamp> done_before;  // as RecoveryResult's
  bool operator==(const RemovalResult&) const = default;
};

RemovalResult as_planned(const RemovalPlan& plan);

struct RemovalOptions {
  std::int64_t rows_of_part = 100'000;  // that a transaction removes, at most; one event_id's at least
};

// References outlive it. Not thread-safe.
class Remover {
 public:
  explicit Remover(const Executor::Parts& parts) : parts_(parts) {}
  // Parts done, parts in all.
  void on_progress(std::function<void(std::int64_t, std::int64_t)> progress) {
    progress_ = std::move(progress);
  }

  // Carries out a plan that was never begun. A `stop` is looked at between parts. Errors: kStalePlan (the
  // warehouse is not what the plan says: nothing was removed, or of what changed meanwhile nothing; or the
  // plan was begun before), kFenced (somebody else carries it out), kCancelled, what store and warehouse say.
  Result<RemovalResult> run(const RemovalPlan& plan, std::stop_token stop,
                            const RemovalOptions& options = {});

  // Ends a removal that died. One that is done says again what it did, and when; one that failed is
  // kStalePlan. Only for removals that nobody is working on any more.
  Result<RemovalResult> resume(const RemovalPlan& plan, const Actor& actor, std::stop_token stop,
                               const RemovalOptions& options = {});

  // Gives up a removal that did not end. How many rows it has removed. kStalePlan where it is over.
  Result<std::int64_t> discard(const RemovalPlan& plan, const Actor& actor);

 private:
  Executor::Parts parts_;
  std::function<void(std::int64_t, std::int64_t)> progress_;
};

}  // namespace changevault
