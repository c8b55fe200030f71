#include "recovery/executor.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "archive/segment_feed.h"
#include "recovery/scan.h"

namespace changevault {
namespace {

// Reports each segment that went into the side table.
class ProgressFeed final : public RecordFeed {
 public:
  ProgressFeed(RecordFeed& feed, const RecoveryProgress& progress, std::int64_t all)
      : feed_(feed), progress_(progress), all_(all) {}
  Result<void> read(const SegmentRef& segment, const EachRecord& each) override {
    CV_TRY(feed_.read(segment, each));
    done_ = std::min(done_ + 1, all_);
    if (progress_) progress_(RecoveryStep::kStage, done_, all_);
    return {};
  }

 private:
  RecordFeed& feed_;
  const RecoveryProgress& progress_;
  std::int64_t all_;
  std::int64_t done_ = 0;
};

Error not_valid(const std::string& what, const std::string& object) {
  return Error(ErrorCode::kValidation, what, object, "run verify on this scope");
}

// The side table against the reading it was filled from, and both against the plan.
Result<void> check_stage(const RecoveryPlan& plan, const ScanFacts& scan, const StageFacts& stage) {
  const std::string object = "recovery " + plan.id;
  if (scan != plan.expected) {
    return not_valid(
        "the archive gave " + to_string(scan) + " where the plan expects " + to_string(plan.expected),
        object);
  }
  const ScanFacts staged{stage.rows, stage.digest, stage.operations, stage.min_time, stage.max_time};
  if (staged != scan) {
    return not_valid(
        "the side table holds " + to_string(staged) + " where the archive gave " + to_string(scan), object);
  }
  if (stage.null_ids > 0) {
    return not_valid(std::to_string(stage.null_ids) + " staged rows have no event_id", object);
  }
  if (stage.distinct != plan.distinct) {
    return not_valid("the side table holds " + std::to_string(stage.distinct) +
                         " different event_ids where the plan has " + std::to_string(plan.distinct),
                     object);
  }
  if (stage.same_position_twice > 0) {
    return not_valid(std::to_string(stage.same_position_twice) +
                         " staged rows repeat the event_id and the hub position of another",
                     object);
  }
  return {};
}

std::vector<SegmentRef> references(const RecoveryPlan& plan) {
  std::vector<SegmentRef> list;
  list.reserve(plan.segments.size());
  for (const PlannedSegment& segment : plan.segments) list.push_back(segment.reference());
  return list;
}

// One recovery on its way.
class Course {
 public:
  Course(const Executor::Parts& parts, const RecoveryPlan& plan, Actor actor, Journal& journal,
         const RecoveryProgress& progress, std::stop_token stop)
      : parts_(parts),
        plan_(plan),
        actor_(std::move(actor)),
        journal_(journal),
        progress_(progress),
        stop_(std::move(stop)),
        segments_(references(plan)),
        started_(parts.clock.now()),
        result_(as_planned(plan)) {}

  Result<RecoveryResult> run() {
    CV_ASSIGN(const std::optional<MergeOutcome> merged, parts_.warehouse.merged(plan_.id));
    CV_TRY(journal_.append(StartedStep{plan_.hash(), actor_}));
    if (const ValidatedStep* before = journal_.last<ValidatedStep>(); merged && before != nullptr) {
      // The merge read a side table that was valid; while it stands, the re-check can ask by it.
      result_.staged = before->rows;
      CV_ASSIGN(const std::vector<std::string> stages, parts_.warehouse.stages());
      if (std::find(stages.begin(), stages.end(), plan_.id) != stages.end()) return finish(*merged);
    }
    if (Result<void> staged = stage(); !staged) {
      return merged ? after_merge(std::move(staged).error())
                    : give_up(RecoveryStep::kStage, std::move(staged).error());
    }
    if (Result<void> valid = validate(); !valid) {
      return merged ? after_merge(std::move(valid).error())
                    : give_up(RecoveryStep::kValidate, std::move(valid).error());
    }
    if (merged) return finish(*merged);
    return merge();
  }

 private:
  void report(RecoveryStep step, std::int64_t done) const {
    if (progress_) progress_(step, done, 1);
  }

  Result<void> stage() {
    SegmentFeed segments(parts_.store, plan_.scope, stop_);
    CountingFeed counting(segments, plan_.scope);
    ProgressFeed feed(counting, progress_, static_cast<std::int64_t>(segments_.size()));
    CV_TRY(parts_.warehouse.stage(plan_.id, segments_, feed));
    scan_ = counting.total();
    return journal_.append(StagedStep{scan_});
  }

  Result<void> validate() {
    report(RecoveryStep::kValidate, 0);
    CV_ASSIGN(const StageFacts facts, parts_.warehouse.stage_facts(plan_.id));
    CV_TRY(check_stage(plan_, scan_, facts));
    result_.staged = facts.rows;
    CV_TRY(journal_.append(ValidatedStep{facts.rows, facts.distinct}));
    report(RecoveryStep::kValidate, 1);
    return {};
  }

  // An error of the merge does not say whether it happened; its load records do. Where even they cannot be
  // read, nothing is undone and nothing is written down: a resume finds out.
  Result<RecoveryResult> merge() {
    if (stop_.stop_requested()) {
      return give_up(RecoveryStep::kMerge, Error(ErrorCode::kCancelled, "stopped before the merge"));
    }
    report(RecoveryStep::kMerge, 0);
    Result<MergeOutcome> merged = parts_.warehouse.merge(plan_.id, segments_);
    if (merged) return finish(*merged);
    const Result<std::optional<MergeOutcome>> recorded = parts_.warehouse.merged(plan_.id);
    if (!recorded) {
      return Error(
          ErrorCode::kIndeterminate,
          "the merge failed (" + merged.error().to_string() +
              ") and whether it took effect could not be learned (" + recorded.error().to_string() + ")",
          "recovery " + plan_.id, "run recover --resume " + plan_.id + " when the warehouse answers");
    }
    if (*recorded) return finish(**recorded);
    return give_up(RecoveryStep::kMerge, std::move(merged).error());
  }

  // Behind the merge: prove it, write the audit record, clean up.
  Result<RecoveryResult> finish(const MergeOutcome& outcome) {
    result_.inserted = outcome.inserted;
    result_.already_present = outcome.already_present;
    CV_TRY(after_merge(journal_.append(MergedStep{outcome.inserted, outcome.already_present})));
    report(RecoveryStep::kMerge, 1);
    report(RecoveryStep::kCheck, 0);
    Result<Warehouse::Recheck> found = parts_.warehouse.recheck(plan_.id);
    if (!found) return after_merge(std::move(found).error());
    result_.check = {found->missing, found->duplicate};
    CV_TRY(after_merge(journal_.append(result_.check)));
    CV_TRY(after_merge(journal_.append(verdict())));
    ignore_error(parts_.warehouse.drop_stage(plan_.id),
                 "the recovery is over; resume drops a side table that stayed");
    report(RecoveryStep::kCheck, 1);
    return result_;
  }

  JournalStep verdict() {
    const CheckedStep& check = result_.check;
    if (check.missing == 0 && check.duplicate == 0) {
      result_.state = RecoveryState::kDone;
      return DoneStep{actor_,         result_.plan_hash, to_string(plan_.scope),
                      started_,       result_.segments,  result_.expected,
                      result_.staged, result_.inserted,  result_.already_present};
    }
    result_.state = RecoveryState::kFailed;
    return FailedStep{actor_,
                      to_string(plan_.scope),
                      name(RecoveryStep::kCheck),
                      name(ErrorCode::kGapsLeft),
                      std::to_string(check.missing) + " events are not in the warehouse and " +
                          std::to_string(check.duplicate) + " stand there more than once",
                      true};
  }

  // Before the merge: nothing was changed, and nothing but the record of the failure stays.
  Error give_up(RecoveryStep step, Error error) {
    // Somebody else carries out this recovery: its side table and its journal are not ours.
    if (error.code == ErrorCode::kFenced) return error;
    ignore_error(parts_.warehouse.drop_stage(plan_.id), "the first error matters; resume drops what stayed");
    ignore_error(journal_.append(FailedStep{actor_, to_string(plan_.scope), name(step), name(error.code),
                                            error.to_string(), false}),
                 "the first error matters; an unended journal says that it did not end");
    error.message += "; nothing was merged";
    return error;
  }

  // Behind the merge: the rows are there, so the journal must not say that it failed.
  Result<void> after_merge(Result<void> step) const {
    if (step) return {};
    return after_merge(std::move(step).error());
  }
  Error after_merge(Error error) const {
    error.message = "the rows were merged, but the recovery could not be ended: " + error.message;
    error.hint = "run recover --resume " + plan_.id + "; recovering again inserts nothing twice";
    return error;
  }

  const Executor::Parts& parts_;
  const RecoveryPlan& plan_;
  Actor actor_;
  Journal& journal_;
  const RecoveryProgress& progress_;
  std::stop_token stop_;
  std::vector<SegmentRef> segments_;
  Timestamp started_;
  RecoveryResult result_;
  ScanFacts scan_;
};

Journal::Parts journal_parts(const Executor::Parts& parts) {
  return {parts.store, parts.layout, parts.clock, parts.random};
}

// What a recovery that is over did.
RecoveryResult as_done(const RecoveryPlan& plan, const DoneStep& done) {
  RecoveryResult result = as_planned(plan);
  result.staged = done.staged;
  result.inserted = done.inserted;
  result.already_present = done.already_present;
  result.state = RecoveryState::kDone;
  return result;
}

}  // namespace

const char* name(RecoveryState state) {
  switch (state) {
    case RecoveryState::kPlanned:
      return "planned";
    case RecoveryState::kDone:
      return "done";
    case RecoveryState::kFailed:
      return "failed";
  }
  return "unknown";
}

const char* name(RecoveryStep step) {
  switch (step) {
    case RecoveryStep::kStage:
      return "stage";
    case RecoveryStep::kValidate:
      return "validate";
    case RecoveryStep::kMerge:
      return "merge";
    case RecoveryStep::kCheck:
      return "check";
  }
  return "unknown";
}

RecoveryResult as_planned(const RecoveryPlan& plan) {
  RecoveryResult result;
  result.id = plan.id;
  result.plan_hash = plan.hash();
  result.segments = static_cast<std::int64_t>(plan.segments.size());
  result.expected = plan.expected.rows;
  result.already_present = plan.already_present;
  return result;
}

Result<RecoveryResult> Executor::run(const RecoveryPlan& plan, std::stop_token stop) {
  if (plan.segments.empty()) {
    return Error(ErrorCode::kUsage, "the plan holds nothing to recover", "recovery " + plan.id);
  }
  const std::string key = parts_.layout.recovery_plan(plan.id);
  const std::string bytes = encode_plan(plan);
  CV_ASSIGN(const PutOutcome put,
            parts_.store.put_if_absent(key, bytes, {.content_type = "application/json", .md5_hex = {}}));
  if (put == PutOutcome::kExists) {
    CV_ASSIGN(const std::string standing, parts_.store.get(key));
    if (standing != bytes) {
      return Error(ErrorCode::kStalePlan, "another plan has this id", key, "make a new plan for this scope");
    }
  }
  CV_ASSIGN(Journal journal, Journal::open(journal_parts(parts_), plan.id));
  if (!journal.entries().empty()) {
    return Error(ErrorCode::kStalePlan,
                 journal.ended() ? "this plan was carried out before" : "this plan was begun and did not end",
                 "recovery " + plan.id,
                 journal.ended() ? "make a new plan for this scope" : "run recover --resume " + plan.id);
  }
  return Course(parts_, plan, plan.actor, journal, progress_, std::move(stop)).run();
}

Result<RecoveryResult> Executor::resume(const std::string& id, const Actor& actor, std::stop_token stop) {
  const std::string key = parts_.layout.recovery_plan(id);
  Result<std::string> bytes = parts_.store.get(key);
  if (!bytes && bytes.error().code == ErrorCode::kNotFound) {
    return Error(ErrorCode::kNotFound, "there is no recovery of this id", id, "audit lists them");
  }
  if (!bytes) return std::move(bytes).error();
  CV_ASSIGN(const RecoveryPlan plan, decode_plan(*bytes, key));
  CV_ASSIGN(Journal journal, Journal::open(journal_parts(parts_), id));
  if (!journal.ended()) return Course(parts_, plan, actor, journal, progress_, std::move(stop)).run();

  CV_TRY(parts_.warehouse.drop_stage(id));
  if (const DoneStep* done = journal.last<DoneStep>()) return as_done(plan, *done);
  return Error(ErrorCode::kStalePlan, "this recovery failed: " + journal.last<FailedStep>()->message,
               "recovery " + id, "recover the scope again, by a new plan");
}

}  // namespace changevault
