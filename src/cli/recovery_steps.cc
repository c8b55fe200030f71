#include "cli/recovery_steps.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "cli/gap_outside.h"
#include "cli/gap_problems.h"
#include "cli/plan_files.h"
#include "cli/recovery_report.h"
#include "cli/text.h"
#include "cli/verb.h"
#include "codec/json.h"
#include "service/read_catalog.h"

namespace changevault {
namespace {

constexpr std::size_t kShrunkShown = 5;
constexpr const char* kPlanAnew = "make the plan anew with: changevault recover SCOPE --plan=FILE";

Error behind_the_end(Error error) {
  error.message = "the recovery is done and its rows are checked, but the gaps left could not be counted: " +
                  error.message;
  error.hint = "count them with: changevault gaps";
  return error;
}

ExecutorOptions executor_options(const Context& context, const TextSizes& sizes) {
  ExecutorOptions options;
  options.chunk_text_bytes = context.configuration.load.batch_bytes;
  options.text_bytes = [&sizes](const PlannedSegment& segment) {
    const auto known = sizes.find(segment.key);
    const std::int64_t text = known == sizes.end() ? 8 * segment.bytes : known->second;
    return merge_weight(text, segment.records);
  };
  return options;
}

Result<Executor> make_executor(Context& context, Progress& progress) {
  CV_ASSIGN(ObjectStore* const store, context.parts.store());
  CV_ASSIGN(Warehouse* const warehouse, context.parts.warehouse());
  Executor executor({*store, context.parts.layout(), *warehouse, context.parts.clock(),
                     context.parts.random(), context.configuration.source.id});
  executor.on_progress([&progress](RecoveryStep step, std::int64_t done, std::int64_t all) {
    progress.show([&] {
      const std::string title = name(step);
      if (step != RecoveryStep::kStage && all > 1)
        return title + ": part " + with_thousands(std::min(done + 1, all)) + " of " + with_thousands(all);
      return step == RecoveryStep::kStage ? title + ": " + with_thousands(done) + " of " +
                                                counted(all, "segment") + progress.remaining(done, all)
                                          : title;
    });
  });
  return executor;
}

// Gaps of the hours and collections that the plan names.
Result<Coverage> coverage_of(Context& context, const RecoveryPlan& plan) {
  CV_ASSIGN(Coverage coverage, gaps_now(context, scope_around(plan.cells)));
  std::set<std::pair<Hour, Namespace>> asked;
  for (const PlannedCell& cell : plan.cells) asked.emplace(cell.hour, cell.ns);
  for (GapCell& cell : coverage.cells) {
    if (asked.contains({cell.hour, coverage.ns(cell)})) continue;
    cell.state = GapState::kOk;
    cell.misplaced = 0;
  }
  coverage.outside.clear();
  coverage.summary.clear();
  for (const GapCell& cell : coverage.cells) ++coverage.summary[cell.state];
  return coverage;
}

// Of hours that the archive knows nothing of: the re-check is all the proof there is.
int report_uncounted(Context& context, const RecoveryResult& result) {
  RecoveryFinding found;
  found.not_covered = true;
  found.gaps_left = result.state == RecoveryState::kDone ? 0 : 1;
  if (context.out.json_wanted()) {
    context.out.print_json(to_json(result, found.gaps_left));
  } else {
    print_result(context.out, result, found);
  }
  return found.gaps_left > 0 ? kExitGaps : kExitDone;
}

// Parts of hours are proven by the re-check of every planned event; whole hours are counted again on both
// sides.
Result<int> report(Context& context, const RecoveryPlan& plan, const RecoveryResult& result) {
  RecoveryFinding found;
  found.gaps_left = result.state == RecoveryState::kDone ? 0 : 1;
  const bool by_cells = plan.files.has_value();
  const bool whole = by_cells || plan.scope.is_whole_hours();
  CV_ASSIGN(found.without_ledger, is_without_ledger(context));
  // What was there already may stand where it does not belong.
  if ((!found.without_ledger || !by_cells) && (whole || result.already_present > 0)) {
    const Result<Coverage> again =
        by_cells ? coverage_of(context, plan) : gaps_now(context, whole ? plan.scope : hours_of(plan.scope));
    if (!again && by_cells && again.error().code == ErrorCode::kIndeterminate)
      return report_uncounted(context, result);
    if (!again) return behind_the_end(again.error());
    const Coverage& coverage = *again;
    found.in_place = coverage.misplaced() == 0;
    found.gaps_left =
        std::max<std::int64_t>({found.gaps_left, found.in_place ? 0 : 1, whole ? coverage.gaps() : 0});
    complain_of_problems(context.out, coverage);
    complain_of_misplaced(context.out, coverage);
    found.checked = !whole || !coverage.uncertain();
  }
  if (context.out.json_wanted()) {
    context.out.print_json(to_json(result, found.gaps_left));
  } else {
    print_result(context.out, result, found);
  }
  if (found.gaps_left > 0 || result.state != RecoveryState::kDone) return kExitGaps;
  return found.checked ? kExitDone : kExitFailed;
}

}  // namespace

Actor actor_of(const Context& context) {
  return {context.identity.user, context.identity.host, "changevault " + context.identity.version};
}

Result<Coverage> gaps_now(Context& context, const Scope& scope) {
  CV_ASSIGN(KnownArchive archive, context.known_archive(scope));
  return find_gaps(context, archive, scope);
}

Result<bool> is_without_ledger(Context& context) {
  CV_ASSIGN(ObjectStore* const store, context.parts.store());
  CV_ASSIGN(const bool has, has_ledger(*store, context.parts.layout()));
  return !has;
}

Scope hours_of(Scope scope) {
  scope.operations.clear();
  scope.key.clear();
  scope.where.clear();
  scope.pattern.clear();
  return scope;
}

Error before_anything(Error error) {
  if (error.code != ErrorCode::kCancelled) return error;
  error.message += "; nothing was changed";
  error.hint = "run the same command again";
  return error;
}

bool agreed(Context& context, const RecoverFlags& flags, const std::string& question) {
  if (flags.plan_only || (!flags.yes && !context.confirm(question))) return false;
  context.parts.allow_writing();
  return true;
}

Result<int> decide(Context& context, const RecoveryPlan& plan, const RecoverFlags& flags,
                   const TextSizes& sizes) {
  Output& out = context.out;
  if (out.csv_wanted()) {
    print_plan_csv(out, plan);
  } else if (!out.json_wanted()) {
    print_plan(out, plan);
  }
  if (flags.plan_only) {
    if (!flags.save.empty()) CV_TRY(save_plan_file(encode_plan(plan), flags.save));
    if (out.json_wanted()) out.print_json(plan_json(plan));
    return kExitDone;
  }
  const std::string question = (flags.stage_only ? "stage " + counted(plan.expected.rows, "row")
                                                 : "insert " + counted(plan.new_rows(), "row")) +
                               "?";
  if (!agreed(context, flags, question)) {
    if (out.json_wanted()) out.print_json(plan_json(plan));
    out.note("nothing was changed; say --yes to recover without being asked");
    return kExitUsage;
  }
  Progress progress(out, context.parts.clock());
  CV_ASSIGN(Executor executor, make_executor(context, progress));
  ExecutorOptions options = executor_options(context, sizes);
  options.stage_only = flags.stage_only;
  options.resumable = flags.resumable;
  CV_ASSIGN(const RecoveryResult result, executor.run(plan, context.stop, options));
  if (result.state == RecoveryState::kStaged) return report_staged(context, result);
  return report(context, plan, result);
}

Result<int> resume_recovery(Context& context, const RecoveryPlan& plan, const TextSizes& sizes) {
  Progress progress(context.out, context.parts.clock());
  CV_ASSIGN(Executor executor, make_executor(context, progress));
  ExecutorOptions options = executor_options(context, sizes);
  options.resumable = true;
  CV_ASSIGN(const RecoveryResult result, executor.resume(plan.id, actor_of(context), context.stop, options));
  return report(context, plan, result);
}

Result<void> check_still_there(Context& context, const RecoveryPlan& plan, const RecoveryPlan& now) {
  if (now.new_rows() <= plan.new_rows()) return {};
  std::map<std::pair<Hour, Namespace>, std::int64_t> there;
  for (const PlannedCell& cell : now.cells) there[{cell.hour, cell.ns}] = cell.already_present;
  std::size_t shown = 0;
  for (const PlannedCell& cell : plan.cells) {
    const std::int64_t left = there[{cell.hour, cell.ns}];
    if (left >= cell.already_present || ++shown > kShrunkShown) continue;
    context.out.note("changed: " + printable(to_string(cell.ns)) + " " +
                     human_time(cell.hour.start()).substr(0, 16) + ": the warehouse had " +
                     counted(cell.already_present, "planned event") + ", now " + with_thousands(left));
  }
  return Error(ErrorCode::kStalePlan,
               "the warehouse has lost events since the plan was made: " + counted(now.new_rows(), "row") +
                   " would be inserted, the plan says " + with_thousands(plan.new_rows()),
               "recovery " + plan.id, kPlanAnew);
}

Result<void> check_warehouse_fits(Context& context, const RecoveryPlan& plan) {
  CV_ASSIGN(Warehouse* const warehouse, context.parts.warehouse());
  CV_ASSIGN(const std::vector<ShrunkCell> shrunk, shrunk_cells(plan, *warehouse));
  if (shrunk.empty()) return {};
  for (std::size_t i = 0; i < std::min(shrunk.size(), kShrunkShown); ++i) {
    const ShrunkCell& cell = shrunk[i];
    context.out.note("changed: " + printable(to_string(cell.planned.ns)) + " " +
                     human_time(cell.planned.hour.start()).substr(0, 16) + ": the warehouse held " +
                     counted(cell.planned.warehouse, "row") + ", now " + with_thousands(cell.warehouse));
  }
  return Error(ErrorCode::kStalePlan,
               "the warehouse holds fewer rows than when the plan was made, in " +
                   counted(static_cast<std::int64_t>(shrunk.size()), "hour") +
                   " of a collection: more would be inserted than the plan says",
               "recovery " + plan.id, kPlanAnew);
}

}  // namespace changevault
