#include "recovery/executor.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "archive/segment_feed.h"
#include "recovery/scan.h"
#include "recovery/stage_check.h"
#include "store/store_with_files.h"

namespace changevault {
namespace {

// Reports each segment that went into the side table.
class ProgressFeed final : public RecordFeed {
 public:
  ProgressFeed(RecordFeed& feed, const RecoveryProgress& progress, std::int64_t all)
      : feed_(feed), progress_(progress), all_(all) {}
  Result<void> read(const SegmentRef& segment, const EachRecord& each) override {
    CV_TRY(feed_.read(segment, each));
    return step();
  }
  Result<void> read_facts(const SegmentRef& segment, const EachRecord& each) override {
    CV_TRY(feed_.read_facts(segment, each));
    return step();
  }

 private:
  Result<void> step() {
    done_ = std::min(done_ + 1, all_);
    if (progress_) progress_(RecoveryStep::kStage, done_, all_);
    return {};
  }

  RecordFeed& feed_;
  const RecoveryProgress& progress_;
  std::int64_t all_;
  std::int64_t done_ = 0;
};

struct Chunk {
  std::string name;
  std::vector<SegmentRef> segments;
  std::optional<MergeOutcome> merged;
};

std::vector<Chunk> chunks_of(const RecoveryPlan& plan, const std::vector<std::int64_t>& counts) {
  std::vector<Chunk> chunks;
  std::size_t at = 0;
  for (const std::int64_t count : counts) {
    chunks.push_back({chunk_name(plan.id, chunks.size(), counts.size()), {}, std::nullopt});
    for (std::int64_t i = 0; i < count && at < plan.segments.size(); ++i)
      chunks.back().segments.push_back(plan.segments[at++].reference());
  }
  return chunks;
}

// As the journal has cut it; a journal that holds no cut is of one chunk.
std::vector<std::int64_t> counts_of(const RecoveryPlan& plan, const std::vector<std::int64_t>& written) {
  const auto all = static_cast<std::int64_t>(plan.segments.size());
  return written.empty() ? std::vector<std::int64_t>{all} : written;
}

// One recovery on its way.
class Course {
 public:
  Course(const Executor::Parts& parts, const RecoveryPlan& plan, Actor actor, Journal& journal,
         const RecoveryProgress& progress, std::stop_token stop, std::vector<std::int64_t> counts,
         const ExecutorOptions& options)
      : parts_(parts),
        plan_(plan),
        actor_(std::move(actor)),
        journal_(journal),
        progress_(progress),
        stop_(std::move(stop)),
        options_(options),
        counts_(std::move(counts)),
        chunks_(chunks_of(plan, counts_)),
        started_(parts.clock.now()),
        result_(as_planned(plan)) {
    for (const Chunk& chunk : chunks_) result_.chunks.push_back(chunk.name);
  }

  Result<RecoveryResult> run() {
    const bool stage_only = options_.stage_only;
    if (!journal_.entries().empty()) CV_TRY(ask_what_is_merged());
    CV_TRY(journal_.append(
        StartedStep{plan_.hash(), actor_, counts_.size() > 1 ? counts_ : std::vector<std::int64_t>{}}));
    bool staged = false;
    if (merged_any() && journal_.last<ValidatedStep>() != nullptr) {
      // The merge read side tables that were valid; while they stand, they serve. Before any merge they are
      // filled anew: people may have worked on them.
      CV_ASSIGN(staged, all_stages_stand());
      result_.staged = journal_.last<ValidatedStep>()->rows;
      if (staged && merged_all()) return finish();
    }
    if (!staged) {
      const StageContent content = stage_only ? StageContent::kWhole : StageContent::kFacts;
      if (Result<void> done = stage(content); !done)
        return ended_by(RecoveryStep::kStage, std::move(done).error());
    }
    if (Result<void> valid = validate(staged); !valid)
      return ended_by(RecoveryStep::kValidate, std::move(valid).error());
    if (stage_only && !merged_any()) return wait();
    return merge();
  }

 private:
  // Of one that was begun before: nothing is merged before the first journal entry.
  Result<void> ask_what_is_merged() {
    for (Chunk& chunk : chunks_) {
      CV_ASSIGN(chunk.merged, parts_.warehouse.merged(chunk.name));
    }
    return {};
  }

  TextForm form() const { return plan_.files ? TextForm::kGzipOrPlain : TextForm::kGzip; }

  void report(RecoveryStep step, std::size_t done) const {
    if (progress_)
      progress_(step, static_cast<std::int64_t>(done), static_cast<std::int64_t>(chunks_.size()));
  }

  bool merged_any() const {
    return std::any_of(chunks_.begin(), chunks_.end(), [](const Chunk& c) { return c.merged.has_value(); });
  }
  bool merged_all() const {
    return std::all_of(chunks_.begin(), chunks_.end(), [](const Chunk& c) { return c.merged.has_value(); });
  }

  Result<bool> all_stages_stand() {
    CV_ASSIGN(const std::vector<std::string> stages, parts_.warehouse.stages());
    return std::all_of(chunks_.begin(), chunks_.end(), [&](const Chunk& chunk) {
      return std::find(stages.begin(), stages.end(), chunk.name) != stages.end();
    });
  }

  Result<void> stage(StageContent content) {
    SegmentFeed segments(files_, plan_.scope, stop_, form());
    if (parts_.source_id) segments.complete_with(*parts_.source_id);
    CountingFeed counting(segments, plan_.scope, plan_.files.has_value());
    ProgressFeed feed(counting, progress_, static_cast<std::int64_t>(plan_.segments.size()));
    for (const Chunk& chunk : chunks_)
      CV_TRY(parts_.warehouse.stage(chunk.name, chunk.segments, feed, content));
    scan_ = counting.total();
    return journal_.append(StagedStep{scan_});
  }

  // `stood`: the side tables were filled by an earlier run, from bytes that were those of the plan.
  Result<void> validate(bool stood) {
    StagedSum sum;
    for (std::size_t i = 0; i < chunks_.size(); ++i) {
      report(RecoveryStep::kValidate, i);
      CV_ASSIGN(const StageFacts facts, parts_.warehouse.stage_facts(chunks_[i].name));
      sum.add(facts);
    }
    // Other programs may have written an event twice into one file; it is merged once.
    if (!plan_.files && !all_ours()) sum.same_position_twice = 0;
    CV_TRY(check_stage(plan_, stood ? plan_.expected : scan_, sum, chunks_.size() == 1));
    result_.staged = sum.scan.rows;
    CV_TRY(journal_.append(ValidatedStep{sum.scan.rows, sum.distinct}));
    report(RecoveryStep::kValidate, chunks_.size());
    return {};
  }

  bool all_ours() const {
    return std::all_of(plan_.segments.begin(), plan_.segments.end(), [](const PlannedSegment& segment) {
      return KeyLayout::has_own_file_name(segment.key);
    });
  }

  Result<RecoveryResult> wait() {
    CV_TRY(journal_.append(WaitingStep{actor_, result_.staged}));
    result_.state = RecoveryState::kStaged;
    return result_;
  }

  Result<RecoveryResult> merge() {
    for (std::size_t i = 0; i < chunks_.size(); ++i) {
      if (chunks_[i].merged) continue;
      if (stop_.stop_requested())
        return ended_by(RecoveryStep::kMerge, Error(ErrorCode::kCancelled, "stopped before the merge"));
      report(RecoveryStep::kMerge, i);
      if (auto merged = merge_chunk(chunks_[i]); !merged) return std::move(merged).error();
    }
    return finish();
  }

  // An error of the merge does not say whether it happened; its load records do. Where even they cannot be
  // read, nothing is undone and nothing is written down: a resume finds out.
  Result<void> merge_chunk(Chunk& chunk) {
    SegmentFeed segments(files_, plan_.scope, stop_, form());
    if (parts_.source_id) segments.complete_with(*parts_.source_id);
    Result<MergeOutcome> merged = parts_.warehouse.merge(chunk.name, chunk.segments, segments);
    if (merged) {
      chunk.merged = *merged;
      return {};
    }
    const Result<std::optional<MergeOutcome>> recorded = parts_.warehouse.merged(chunk.name);
    if (!recorded) {
      return Error(
          ErrorCode::kIndeterminate,
          "the merge failed (" + merged.error().to_string() +
              ") and whether it took effect could not be learned (" + recorded.error().to_string() + ")",
          "recovery " + plan_.id, "run recover --resume " + plan_.id + " when the warehouse answers");
    }
    chunk.merged = *recorded;
    if (chunk.merged) return {};
    return ended_by(RecoveryStep::kMerge, std::move(merged).error());
  }

  // Behind the merge: prove it, write the audit record, clean up.
  Result<RecoveryResult> finish() {
    result_.inserted = result_.already_present = 0;
    for (const Chunk& chunk : chunks_) {
      result_.inserted += chunk.merged->inserted;
      result_.already_present += chunk.merged->already_present;
    }
    CV_TRY(after_merge(journal_.append(MergedStep{result_.inserted, result_.already_present})));
    report(RecoveryStep::kMerge, chunks_.size());
    result_.check = {};
    for (std::size_t i = 0; i < chunks_.size(); ++i) {
      report(RecoveryStep::kCheck, i);
      Result<Warehouse::Recheck> found = parts_.warehouse.recheck(chunks_[i].name);
      if (!found) return after_merge(std::move(found).error());
      result_.check.missing += found->missing;
      result_.check.duplicate += found->duplicate;
    }
    CV_TRY(after_merge(journal_.append(result_.check)));
    CV_TRY(after_merge(journal_.append(verdict())));
    drop_stages("the recovery is over; resume drops a side table that stayed");
    report(RecoveryStep::kCheck, chunks_.size());
    return result_;
  }

  void drop_stages(const char* why) {
    for (const Chunk& chunk : chunks_) ignore_error(parts_.warehouse.drop_stage(chunk.name), why);
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

  Error ended_by(RecoveryStep step, Error error) {
    return merged_any() ? after_merge(std::move(error)) : give_up(step, std::move(error));
  }

  // Before the merge: nothing was changed, and nothing but the record of the failure stays.
  Error give_up(RecoveryStep step, Error error) {
    // Somebody else carries out this recovery: its side table and its journal are not ours.
    if (error.code == ErrorCode::kFenced) return error;
    if (error.code == ErrorCode::kCancelled && options_.resumable) {
      error.message += "; nothing was merged";
      error.hint = "go on with: changevault recover --resume " + plan_.id +
                   "; or give it up with: changevault recover --discard " + plan_.id;
      return error;
    }
    drop_stages("the first error matters; resume drops what stayed");
    ignore_error(journal_.append(FailedStep{actor_, to_string(plan_.scope), name(step), name(error.code),
                                            error.to_string(), false}),
                 "the first error matters; an unended journal says that it did not end");
    error.message += "; nothing was merged";
    if (error.code == ErrorCode::kCancelled) error.hint = "run the same command again to begin anew";
    return error;
  }

  // Behind the merge: the rows are there, so the journal must not say that it failed.
  Result<void> after_merge(Result<void> step) const {
    if (step) return {};
    return after_merge(std::move(step).error());
  }
  Error after_merge(Error error) const {
    const auto merged = std::count_if(chunks_.begin(), chunks_.end(),
                                      [](const Chunk& chunk) { return chunk.merged.has_value(); });
    const std::string what = merged_all() ? "the rows were merged"
                                          : std::to_string(merged) + " of " + std::to_string(chunks_.size()) +
                                                " parts of the rows were merged";
    error.message = what + ", but the recovery could not be ended: " + error.message;
    error.hint = "run recover --resume " + plan_.id +
                 "; recovering again inserts nothing twice. If it can never be " +
                 "ended: recover --gaps for what is still missing, then recover --discard " + plan_.id;
    return error;
  }

  const Executor::Parts& parts_;
  const RecoveryPlan& plan_;
  Actor actor_;
  Journal& journal_;
  const RecoveryProgress& progress_;
  std::stop_token stop_;
  const ExecutorOptions& options_;
  StoreWithFiles files_{parts_.store};
  std::vector<std::int64_t> counts_;
  std::vector<Chunk> chunks_;
  Timestamp started_;
  RecoveryResult result_;
  ScanFacts scan_;
};

Journal::Parts journal_parts(const Executor::Parts& parts) {
  return {parts.store, parts.layout, parts.clock, parts.random};
}

// What a recovery that is over did.
RecoveryResult as_done(const RecoveryPlan& plan, const DoneStep& done, Timestamp time) {
  RecoveryResult result = as_planned(plan);
  result.staged = done.staged;
  result.inserted = done.inserted;
  result.already_present = done.already_present;
  result.state = RecoveryState::kDone;
  result.done_before = time;
  return result;
}

}  // namespace

const char* name(RecoveryState state) {
  switch (state) {
    case RecoveryState::kPlanned:
      return "planned";
    case RecoveryState::kStaged:
      return "staged";
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

std::int64_t merge_weight(std::int64_t text_bytes, std::int64_t records) {
  constexpr std::int64_t kLongRow = std::int64_t{64} << 10;
  constexpr std::int64_t kLongRowWeight = 4;
  return text_bytes > records * kLongRow ? kLongRowWeight * text_bytes : text_bytes;
}

std::vector<std::int64_t> cut_into_chunks(const RecoveryPlan& plan, const ExecutorOptions& options) {
  std::vector<std::int64_t> counts;
  std::int64_t text = 0;
  for (const PlannedSegment& segment : plan.segments) {
    const std::int64_t more = options.text_bytes ? options.text_bytes(segment) : 8 * segment.bytes;
    if (counts.empty() || text + more > options.chunk_text_bytes) {
      counts.push_back(0);
      text = 0;
    }
    ++counts.back();
    text += more;
  }
  return counts;
}

std::string chunk_name(const std::string& recovery_id, std::size_t chunk, std::size_t chunks) {
  return chunks == 1 ? recovery_id : fmt::format("{}_c{:03}", recovery_id, chunk + 1);
}

std::string recovery_of_chunk(const std::string& chunk_name) {
  const std::size_t at = chunk_name.rfind("_c");
  if (at == std::string::npos || chunk_name.size() < at + 5) return chunk_name;
  const bool number = chunk_name.find_first_not_of("0123456789", at + 2) == std::string::npos;
  return number ? chunk_name.substr(0, at) : chunk_name;
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

Result<RecoveryResult> Executor::run(const RecoveryPlan& plan, std::stop_token stop,
                                     const ExecutorOptions& options) {
  if (plan.segments.empty()) {
    return Error(ErrorCode::kUsage, "the plan holds nothing to recover", "recovery " + plan.id);
  }
  CV_ASSIGN(Journal journal, begin_journal(journal_parts(parts_), plan.id, encode_plan(plan)));
  return Course(parts_, plan, plan.actor, journal, progress_, std::move(stop), cut_into_chunks(plan, options),
                options)
      .run();
}

Result<RecoveryPlan> Executor::read_plan(const std::string& id) {
  const std::string key = parts_.layout.recovery_plan(id);
  Result<std::string> bytes = parts_.store.get(key);
  if (!bytes && bytes.error().code == ErrorCode::kNotFound) {
    return Error(ErrorCode::kNotFound, "there is no recovery of this id", id,
                 "see all of them with: changevault audit");
  }
  if (!bytes) return std::move(bytes).error();
  return decode_plan(*bytes, key);
}

Result<RecoveryResult> Executor::resume(const std::string& id, const Actor& actor, std::stop_token stop,
                                        const ExecutorOptions& options) {
  CV_ASSIGN(const RecoveryPlan plan, read_plan(id));
  CV_ASSIGN(Journal journal, Journal::open(journal_parts(parts_), id));
  const StartedStep* started = journal.last<StartedStep>();
  const std::vector<std::int64_t> counts =
      started != nullptr ? counts_of(plan, started->chunks) : cut_into_chunks(plan, options);
  if (!journal.ended())
    return Course(parts_, plan, actor, journal, progress_, std::move(stop), counts, options).run();

  for (const Chunk& chunk : chunks_of(plan, counts)) CV_TRY(parts_.warehouse.drop_stage(chunk.name));
  if (const DoneStep* done = journal.last<DoneStep>())
    return as_done(plan, *done, journal.entries().back().time);
  return Error(ErrorCode::kStalePlan, "this recovery failed: " + journal.last<FailedStep>()->message,
               "recovery " + id, "recover the scope again, by a new plan");
}

Result<std::int64_t> Executor::discard(const std::string& id, const Actor& actor) {
  CV_ASSIGN(const RecoveryPlan plan, read_plan(id));
  CV_ASSIGN(Journal journal, Journal::open(journal_parts(parts_), id));
  const StartedStep* started = journal.last<StartedStep>();
  const std::vector<Chunk> chunks =
      chunks_of(plan, counts_of(plan, started != nullptr ? started->chunks : std::vector<std::int64_t>{}));
  if (journal.ended()) {
    CV_ASSIGN(const std::vector<std::string> stages, parts_.warehouse.stages());
    const auto stands = [&](const Chunk& chunk) {
      return std::ranges::find(stages, chunk.name) != stages.end();
    };
    const bool left = std::ranges::any_of(chunks, stands);
    for (const Chunk& chunk : chunks) CV_TRY(parts_.warehouse.drop_stage(chunk.name));
    return Error(
        ErrorCode::kStalePlan,
        std::string("this recovery is over") + (left ? "; the side tables that it left are dropped now" : ""),
        "recovery " + id, "see how it ended with: changevault audit");
  }
  // Without its side tables nobody can merge it any more, so that what was counted behind their end stays
  // true. Whoever is staging them anew meets our journal entry, or we meet theirs.
  for (const Chunk& chunk : chunks) CV_TRY(parts_.warehouse.drop_stage(chunk.name));
  std::size_t merged = 0;
  std::int64_t inserted = 0;
  for (const Chunk& chunk : chunks) {
    CV_ASSIGN(const auto outcome, parts_.warehouse.merged(chunk.name));
    if (!outcome) continue;
    ++merged;
    inserted += outcome->inserted;
  }
  const std::string how =
      merged == 0 ? "given up before the merge"
                  : fmt::format("given up when {} of {} parts were merged, which inserted {} rows", merged,
                                chunks.size(), inserted);
  CV_TRY(journal.append(FailedStep{actor, to_string(plan.scope), name(RecoveryStep::kMerge),
                                   name(ErrorCode::kCancelled), how, merged > 0}));
  return inserted;
}

}  // namespace changevault
