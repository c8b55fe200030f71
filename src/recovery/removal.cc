#include "recovery/removal.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace changevault {
namespace {

constexpr const char* kStep = "remove";

Journal::Parts journal_parts(const Executor::Parts& parts) {
  return {parts.store, parts.layout, parts.clock, parts.random};
}

std::string words(const DuplicateSum& sum) {
  return fmt::format("{} rows of {} event_ids, digest {:016x}", sum.rows, sum.ids, sum.digest);
}

// One removal on its way.
class Course {
 public:
  using Progress = std::function<void(std::int64_t, std::int64_t)>;
  Course(const Executor::Parts& parts, const RemovalPlan& plan, Actor actor, Journal& journal,
         const Progress& progress, std::stop_token stop)
      : parts_(parts),
        plan_(plan),
        actor_(std::move(actor)),
        journal_(journal),
        progress_(progress),
        stop_(std::move(stop)),
        started_(parts.clock.now()),
        result_(as_planned(plan)) {}

  Result<RemovalResult> run(const RemovalOptions& options) {
    const bool listed = journal_.last<StagedStep>() != nullptr;
    CV_TRY(journal_.append(StartedStep{plan_.hash(), actor_, {}}));
    if (!listed) {
      if (Result<void> done = list_rows(options); !done) return give_up(std::move(done).error());
    }
    Result<DuplicateStage> stage = parts_.warehouse.duplicate_stage(plan_.id);
    if (!stage) return unfinished(std::move(stage).error());
    // It was equal when it was made: somebody has worked on it since.
    if (stage->sum != plan_.sum) {
      return unfinished(Error(ErrorCode::kStalePlan, "the side table lists " + words(stage->sum) +
                                                         ", the plan " + words(plan_.sum)));
    }
    result_.removed = stage->removed;
    return remove(stage->parts);
  }

 private:
  Result<void> list_rows(const RemovalOptions& options) {
    CV_TRY(parts_.warehouse.stage_duplicates(plan_.id, plan_.scope, options.rows_of_part));
    CV_ASSIGN(const DuplicateStage stage, parts_.warehouse.duplicate_stage(plan_.id));
    if (stage.sum != plan_.sum) {
      return Error(
          ErrorCode::kStalePlan,
          "the warehouse holds " + words(stage.sum) + " more than once, the plan says " + words(plan_.sum),
          "recovery " + plan_.id, "make a new plan for this scope");
    }
    ScanFacts listed;
    listed.rows = stage.sum.rows;
    listed.digest = stage.sum.digest;
    return journal_.append(StagedStep{listed});
  }

  Result<RemovalResult> remove(std::int64_t parts) {
    std::int64_t removed = 0;
    for (std::int64_t part = 0; part < parts; ++part) {
      if (progress_) progress_(part, parts);
      if (stop_.stop_requested()) return ended_by(Error(ErrorCode::kCancelled, "stopped while removing"));
      Result<std::int64_t> done = parts_.warehouse.remove_duplicates(plan_.id, part);
      if (!done) return ended_in_part(std::move(done).error());
      removed += *done;
      result_.removed = std::max(result_.removed, removed);
    }
    if (progress_) progress_(parts, parts);
    result_.removed = removed;
    return finish();
  }

  Result<RemovalResult> finish() {
    CV_TRY(unfinished(journal_.append(RemovedStep{result_.removed})));
    const Result<Warehouse::Recheck> found = parts_.warehouse.recheck(plan_.id);
    if (!found) return unfinished(found.error());
    result_.check = {found->missing, found->duplicate};
    CV_TRY(unfinished(journal_.append(result_.check)));
    CV_TRY(unfinished(journal_.append(verdict())));
    ignore_error(parts_.warehouse.drop_stage(plan_.id),
                 "the removal is over; resume drops a side table that stayed");
    return result_;
  }

  JournalStep verdict() {
    const CheckedStep& check = result_.check;
    if (check.missing == 0 && check.duplicate == 0 && result_.removed == plan_.to_remove()) {
      result_.state = RecoveryState::kDone;
      DoneStep done{
          actor_, result_.plan_hash, to_string(plan_.scope), started_, 0, plan_.sum.ids, plan_.sum.ids,
          0,      plan_.sum.ids,     result_.removed};
      return done;
    }
    result_.state = RecoveryState::kFailed;
    return failed(
        name(ErrorCode::kGapsLeft),
        fmt::format("{} of {} rows were removed; {} event_ids are not in the warehouse any more and "
                    "{} stand there more than once",
                    result_.removed, plan_.to_remove(), check.missing, check.duplicate),
        true);
  }

  FailedStep failed(std::string code, std::string message, bool changed) const {
    return {actor_, to_string(plan_.scope), kStep, std::move(code), std::move(message), changed};
  }

  // An error of a part does not say whether it was done; the side table does. Where even that cannot be read,
  // nothing is undone and nothing is written down: a resume finds out.
  Error ended_in_part(Error error) {
    const Result<DuplicateStage> stage = parts_.warehouse.duplicate_stage(plan_.id);
    if (!stage) return unfinished(std::move(error));
    result_.removed = stage->removed;
    return ended_by(std::move(error));
  }

  Error ended_by(Error error) {
    return result_.removed > 0 ? unfinished(std::move(error)) : give_up(std::move(error));
  }

  // Nothing was removed, and nothing but the record of the failure stays.
  Error give_up(Error error) {
    if (error.code == ErrorCode::kFenced) return error;
    ignore_error(parts_.warehouse.drop_stage(plan_.id), "the first error matters; resume drops what stayed");
    ignore_error(journal_.append(failed(name(error.code), error.to_string(), false)),
                 "the first error matters; an unended journal says that it did not end");
    error.message += "; nothing was removed";
    if (error.code == ErrorCode::kCancelled) {
      error.hint = "run the same command again to begin anew (after --apply: make a new plan)";
    }
    return error;
  }

  // Rows may be gone already, so the journal must not say that it failed.
  Result<void> unfinished(Result<void> step) const {
    if (step) return {};
    return unfinished(std::move(step).error());
  }
  Error unfinished(Error error) const {
    if (error.code == ErrorCode::kFenced) return error;
    error.message = fmt::format("{} of {} rows were removed, but the removal could not be ended: {}",
                                result_.removed, plan_.to_remove(), error.message);
    error.hint = "run recover --resume " + plan_.id + "; if it can never be ended: recover --discard " +
                 plan_.id + ", then a new plan for what is left";
    return error;
  }

  const Executor::Parts& parts_;
  const RemovalPlan& plan_;
  Actor actor_;
  Journal& journal_;
  const Progress& progress_;
  std::stop_token stop_;
  Timestamp started_;
  RemovalResult result_;
};

}  // namespace

RemovalResult as_planned(const RemovalPlan& plan) {
  RemovalResult result;
  result.id = plan.id;
  result.plan_hash = plan.hash();
  result.ids = plan.sum.ids;
  result.planned = plan.to_remove();
  return result;
}

Result<RemovalResult> Remover::run(const RemovalPlan& plan, std::stop_token stop,
                                   const RemovalOptions& options) {
  if (plan.to_remove() == 0)
    return Error(ErrorCode::kUsage, "the plan holds nothing to remove", "recovery " + plan.id);
  CV_ASSIGN(Journal journal, begin_journal(journal_parts(parts_), plan.id, encode_plan(plan)));
  return Course(parts_, plan, plan.actor, journal, progress_, std::move(stop)).run(options);
}

Result<RemovalResult> Remover::resume(const RemovalPlan& plan, const Actor& actor, std::stop_token stop,
                                      const RemovalOptions& options) {
  CV_ASSIGN(Journal journal, Journal::open(journal_parts(parts_), plan.id));
  if (!journal.ended()) return Course(parts_, plan, actor, journal, progress_, std::move(stop)).run(options);
  CV_TRY(parts_.warehouse.drop_stage(plan.id));
  if (const DoneStep* done = journal.last<DoneStep>()) {
    RemovalResult result = as_planned(plan);
    result.removed = done->removed.value_or(0);
    result.state = RecoveryState::kDone;
    result.done_before = journal.entries().back().time;
    return result;
  }
  return Error(ErrorCode::kStalePlan, "this removal failed: " + journal.last<FailedStep>()->message,
               "recovery " + plan.id, "make a new plan for this scope");
}

Result<std::int64_t> Remover::discard(const RemovalPlan& plan, const Actor& actor) {
  CV_ASSIGN(Journal journal, Journal::open(journal_parts(parts_), plan.id));
  if (journal.ended()) {
    CV_TRY(parts_.warehouse.drop_stage(plan.id));  // it may have died behind its last entry
    return Error(ErrorCode::kStalePlan, "this removal is over", "recovery " + plan.id,
                 "see how it ended with: changevault audit");
  }
  const Result<DuplicateStage> stage = parts_.warehouse.duplicate_stage(plan.id);
  if (!stage && stage.error().code != ErrorCode::kNotFound) return stage.error();
  const std::int64_t removed = stage ? stage->removed : 0;
  const bool unknown = !stage && journal.last<StagedStep>() != nullptr;
  const std::string how =
      unknown ? "given up; its side table is gone, so how many rows it removed is not known"
              : fmt::format("given up when {} of {} rows were removed", removed, plan.to_remove());
  // The journal first: the side table is what says how many were removed.
  CV_TRY(journal.append(FailedStep{actor, to_string(plan.scope), kStep, name(ErrorCode::kCancelled), how,
                                   unknown || removed > 0}));
  CV_TRY(parts_.warehouse.drop_stage(plan.id));
  return removed;
}

}  // namespace changevault
