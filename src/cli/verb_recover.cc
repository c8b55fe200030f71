#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "archive/segment_feed.h"
#include "cli/gap_outside.h"
#include "cli/gap_problems.h"
#include "cli/gap_report.h"
#include "cli/ledger_warning.h"
#include "cli/progress.h"
#include "cli/recovery_report.h"
#include "cli/scope_options.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "recovery/executor.h"
#include "recovery/remains.h"
#include "service/read_catalog.h"
#include "service/scope_check.h"

namespace changevault {
namespace {

Result<void> save_plan(const RecoveryPlan& plan, const std::string& path) {
  // Refused rather than replaced: somebody may be about to apply the plan that stands there.
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) {
    return Error(ErrorCode::kUsage, "the file exists already", path, "name a new file for the plan");
  }
  std::ofstream file(path, std::ios::binary);
  file << encode_plan(plan);
  file.close();
  if (!file) return system_error(ErrorCode::kUsage, "the plan cannot be written", path, errno);
  return {};
}

Result<RecoveryPlan> read_plan(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (std::filesystem::is_directory(path))
    return Error(ErrorCode::kUsage, "a folder is no plan", path, "name the file that --plan wrote");
  if (!file) return system_error(ErrorCode::kUsage, "the plan cannot be read", path, errno);
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  Result<RecoveryPlan> plan = decode_plan(bytes, path);
  if (plan || plan.error().code != ErrorCode::kCorrupt) return plan;
  return Error(ErrorCode::kCorrupt, "the plan file is damaged (" + plan.error().message + ")", path,
               "nothing was changed; make the plan anew with: changevault recover SCOPE --plan=FILE");
}

class RecoverVerb final : public Verb {
 public:
  std::string name() const override { return "recover"; }
  std::string summary() const override { return "put a lost slice of the archive back into the warehouse"; }
  std::string usage() const override { return kScopeUsage; }
  std::string details() const override {
    return "Shows its plan and asks first. Rows are staged in a side table, checked against the archive's "
           "checksums,\n"
           "merged by event_id, and checked again; what is there already is never touched. Long recoveries "
           "are merged in\n"
           "parts of at most load.batch_bytes, once all of them are staged and checked. Files that may hold "
           "records of the\n"
           "scope are read whole, as each is proven by the ledger's sha256.\n"
           "Without a terminal and without --yes the plan is printed and nothing happens (exit code 2).";
  }
  std::string examples() const override {
    return "changevault recover inventory_db products 2025/01/15 14\n"
           "changevault recover inventory_db products --date 2025-01-15 --hours 10-15 --op delete --yes\n"
           "changevault recover --gaps --yes\n"
           "changevault recover inventory_db products 2025/01/15 14 --stage-only --yes";
  }
  // A word behind --plan is a file where it looks like one, else it belongs to the scope.
  void spell_out(std::vector<std::string>& words) const override {
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (words[i].starts_with("--plan=")) {
        const std::string file = words[i].substr(7);
        words[i] = "--plan";
        words.insert(words.begin() + static_cast<std::ptrdiff_t>(i) + 1, {"--save", file});
      } else if (words[i] == "--plan" && i + 1 < words.size() && words[i + 1].ends_with(".json")) {
        words.insert(words.begin() + static_cast<std::ptrdiff_t>(i) + 1, "--save");
      }
    }
  }
  void add_options(CLI::App& app) override {
    scope_.add_to(app);
    app.add_flag("--gaps", gaps_, "only the hours that `gaps` calls MISSING or PARTIAL");
    app.add_flag("--yes,-y", yes_, "do not ask");
    app.add_flag("--plan", plan_only_,
                 "show the plan and stop; --plan=FILE (or --plan FILE.json) writes it down, too");
    app.add_option("--save", save_, "with --plan: write the plan to this file")->type_name("FILE");
    app.add_option("--apply", apply_, "carry out a plan that --save wrote")->type_name("FILE");
    app.add_flag("--stage-only", stage_only_,
                 "stage and check, show rows, and wait for --resume or --discard");
    app.add_option("--resume", resume_, "go on with a recovery that waits or was interrupted")
        ->type_name("ID");
    app.add_option("--discard", discard_, "give up a recovery that waits or was interrupted")
        ->type_name("ID");
  }

  Result<int> run(Context& context) override {
    CV_ASSIGN(const Scope scope, scope_.scope());
    CV_TRY(check_flags(scope));
    if (!discard_.empty()) return discard(context);
    if (!resume_.empty()) return resume(context);
    if (!apply_.empty()) {
      CV_ASSIGN(const RecoveryPlan plan, read_plan(apply_));
      CV_ASSIGN(const Context::FoundCatalog found, context.catalog_of(plan.scope));
      const Catalog& catalog = found.catalog;
      CV_TRY(check_plan_fits(plan, catalog));
      note_newer_segments(context, catalog, plan);
      remember_text(catalog.select(plan.scope));
      return decide(context, plan);
    }
    return gaps_ ? recover_gaps(context, scope) : recover_scope(context, scope);
  }

 private:
  Result<void> check_flags(const Scope& scope) const {
    const bool scoped = scope != Scope{};
    const int ways = (scoped || gaps_ ? 1 : 0) + (apply_.empty() ? 0 : 1) + (resume_.empty() ? 0 : 1) +
                     (discard_.empty() ? 0 : 1);
    if (ways == 0) {
      return Error(ErrorCode::kUsage, "it is not said what to recover", "",
                   "name database, collection and time, as in: changevault recover inventory_db products "
                   "2025/01/15 14; "
                   "or say --gaps for all that is missing");
    }
    if (ways > 1) {
      return Error(ErrorCode::kUsage, "a scope, --apply, --resume and --discard each say what to recover", "",
                   "give one of them");
    }
    if (stage_only_ && (plan_only_ || !resume_.empty() || !discard_.empty())) {
      return Error(ErrorCode::kUsage, "--stage-only goes with a scope, --gaps or --apply", "",
                   "stage first; go on with: changevault recover --resume ID");
    }
    if (!save_.empty() && !plan_only_) {
      return Error(ErrorCode::kUsage, "--save goes with --plan", "",
                   "write: changevault recover … --plan --save FILE");
    }
    return {};
  }

  static Result<Coverage> gaps_now(Context& context, const Scope& scope) {
    CV_ASSIGN(HourCatalog catalog, context.hour_catalog());
    return find_gaps(context, catalog, scope);
  }

  static Error before_anything(Error error) {
    if (error.code != ErrorCode::kCancelled) return error;
    error.message += "; nothing was changed";
    error.hint = "run the same command again";
    return error;
  }
  static Error behind_the_end(Error error) {
    error.message =
        "the recovery is done and its rows are checked, but the gaps left could not be counted: " +
        error.message;
    error.hint = "count them with: changevault gaps";
    return error;
  }

  // The scope by hours and collections alone, as gaps are counted.
  static Scope hours_of(Scope scope) {
    scope.operations.clear();
    scope.key.clear();
    scope.where.clear();
    scope.pattern.clear();
    return scope;
  }

  static Actor actor(const Context& context) {
    return {context.identity.user, context.identity.host, "changevault " + context.identity.version};
  }

  // A plan stays what it is; what came since is for another one.
  static void note_newer_segments(Context& context, const Catalog& catalog, const RecoveryPlan& plan) {
    std::int64_t newer = 0;
    for (const ListedSegment* segment : catalog.select(plan.scope))
      newer += segment->listed_at > plan.created;
    if (newer > 0)
      context.out.note("note: " + counted(newer, "segment") +
                       " of this scope came after the plan was made and " + (newer == 1 ? "is" : "are") +
                       " not part of it");
  }

  // Text of segments as the ledger lists it, so that no part of the work is larger than a load may be.
  void remember_text(const std::vector<const ListedSegment*>& segments) {
    for (const ListedSegment* segment : segments) text_bytes_[segment->facts.key] = segment->facts.text_bytes;
  }

  ExecutorOptions executor_options(const Context& context) const {
    ExecutorOptions options;
    options.stage_only = stage_only_;
    options.chunk_text_bytes = context.configuration.load.batch_bytes;
    options.text_bytes = [this](const PlannedSegment& segment) {
      const auto known = text_bytes_.find(segment.key);
      const std::int64_t text = known == text_bytes_.end() ? 8 * segment.bytes : known->second;
      return merge_weight(text, segment.records);
    };
    return options;
  }

  Result<int> recover_gaps(Context& context, const Scope& scope) {
    CV_ASSIGN(HourCatalog catalog, context.hour_catalog());
    Result<Coverage> counted_gaps = find_gaps(context, catalog, scope);
    if (!counted_gaps) return before_anything(std::move(counted_gaps).error());
    const Coverage gaps = std::move(counted_gaps).value();
    complain_of_problems(context.out, gaps);
    CV_ASSIGN(const RecoverableSegments found, segments_to_recover(catalog, gaps));
    complain_of_left_out(context.out, gaps, found.left_out);
    std::vector<const ListedSegment*> segments;
    for (const ListedSegment& segment : found.segments) segments.push_back(&segment);
    return recover(context, scope, std::move(segments), nullptr);
  }

  Result<int> recover_scope(Context& context, const Scope& scope) {
    CV_ASSIGN(const Context::FoundCatalog found, context.catalog_of(scope));
    const Catalog& catalog = found.catalog;
    if (found.without_ledger && catalog.select(scope).empty()) return no_record(scope);
    CV_ASSIGN(const int code, recover(context, scope, catalog.select(scope), &catalog));
    const int known = ledger_exit(context.out, is_uncertain(catalog.problems(), scope));
    return code == kExitDone ? known : code;
  }

  // `catalog`: where the scope was asked for by name, not by its gaps.
  Result<int> recover(Context& context, const Scope& scope, std::vector<const ListedSegment*> segments,
                      const Catalog* catalog) {
    if (segments.empty()) return nothing_to_do(context, scope, catalog);
    remember_text(segments);
    PlanRequest request;
    request.scope = scope;
    request.segments = std::move(segments);
    request.now = context.parts.clock().now();
    request.id = make_recovery_id(request.now, context.parts.random());
    request.actor = actor(context);
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    CV_ASSIGN(Warehouse* const warehouse, context.parts.warehouse());
    SegmentFeed feed(*store, request.scope, context.stop);
    Progress progress(context.out, context.parts.clock());
    Result<RecoveryPlan> made =
        make_plan(request, feed, *warehouse, [&](std::int64_t done, std::int64_t all) {
          progress.show([&] {
            return "planning: " + with_thousands(done) + " of " + counted(all, "segment") +
                   progress.remaining(done, all);
          });
        });
    if (!made) return before_anything(std::move(made).error());
    const RecoveryPlan plan = std::move(made).value();
    if (plan.segments.empty()) return nothing_to_do(context, scope, catalog);
    return decide(context, plan);
  }

  // Of an archive without a ledger, that files of the scope hold nothing of it proves nothing.
  static Error no_record(const Scope& scope) {
    return Error(ErrorCode::kIndeterminate,
                 "the files hold no record of that scope, and there is no ledger to say that this is all",
                 to_string(scope), "see what is there with: changevault ls");
  }
  static Result<bool> is_without_ledger(Context& context) {
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    const Result<HourCatalog> read = read_hour_catalog(*store, context.parts.layout());
    if (!read && read.error().code != ErrorCode::kNotFound) return read.error();
    return !read;
  }

  // No segment holds anything of the scope: that is fine where the hours are known, and no answer where they
  // are not.
  Result<int> nothing_to_do(Context& context, const Scope& scope, const Catalog* catalog) const {
    const Scope hours = hours_of(scope);
    CV_ASSIGN(const bool without_ledger, is_without_ledger(context));
    if (without_ledger) return no_record(scope);
    CV_ASSIGN(const Coverage coverage, gaps_now(context, hours));
    Scope asked = hours;
    asked.pattern = scope.pattern;
    if (catalog != nullptr) CV_TRY(find_scope(*catalog, asked));
    complain_of_problems(context.out, coverage);
    if (context.out.json_wanted()) {
      RecoveryResult nothing;
      nothing.state = RecoveryState::kDone;
      context.out.print_json(to_json(nothing, gaps_ ? coverage.gaps() : 0));
    } else if (gaps_) {
      context.out.print(coverage.uncertain()   ? "nothing was recovered: not everything could be checked"
                        : coverage.gaps() == 0 ? "nothing is missing"
                                               : "nothing is missing that the archive could put back");
    } else {
      context.out.print(
          coverage.quiet()
              ? "quiet: these hours are complete and had no events, so there is nothing to recover"
              : "the archive holds nothing of this scope, so there is nothing to recover");
    }
    if (gaps_ && coverage.gaps() > 0) return kExitGaps;
    return coverage.uncertain() ? kExitFailed : kExitDone;
  }

  Result<int> decide(Context& context, const RecoveryPlan& plan) const {
    Output& out = context.out;
    const bool go = yes_ && !plan_only_;
    if (!out.json_wanted()) print_plan(out, plan);
    if (plan_only_) {
      if (!save_.empty()) CV_TRY(save_plan(plan, save_));
      if (out.json_wanted()) out.print_json(to_json(as_planned(plan), 0));
      return kExitDone;
    }
    const std::string question = (stage_only_ ? "stage " + counted(plan.expected.rows, "row")
                                              : "insert " + counted(plan.new_rows(), "row")) +
                                 "?";
    if (!go && !context.confirm(question)) {
      if (out.json_wanted()) out.print_json(to_json(as_planned(plan), 0));
      out.note("nothing was changed; say --yes to recover without being asked");
      return kExitUsage;
    }
    Progress progress(out, context.parts.clock());
    CV_ASSIGN(Executor executor, make_executor(context, progress));
    CV_ASSIGN(const RecoveryResult result, executor.run(plan, context.stop, executor_options(context)));
    if (result.state == RecoveryState::kStaged) return report_staged(context, result);
    return report(context, plan.scope, result);
  }

  Result<int> discard(Context& context) const {
    Progress progress(context.out, context.parts.clock());
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    CV_ASSIGN(Warehouse* const warehouse, context.parts.warehouse());
    CV_ASSIGN(const std::optional<Remains> remains,
              find_remains(*store, context.parts.layout(), *warehouse, discard_));
    if (remains) return discard_remains(context, *warehouse, *remains);
    CV_ASSIGN(Executor executor, make_executor(context, progress));
    CV_ASSIGN(const std::int64_t inserted, executor.discard(discard_, actor(context)));
    report_discarded(context, inserted);
    return kExitDone;
  }

  // Nobody can carry it out any more. What it was to do cannot be told, so a person decides.
  Result<int> discard_remains(Context& context, Warehouse& warehouse, const Remains& remains) const {
    const auto tables = static_cast<std::int64_t>(remains.side_tables.size());
    context.out.note("recovery " + discard_ +
                     " can be neither resumed nor ended: " + printable(remains.damage.to_string()));
    context.out.note("it left " + (tables == 0 ? "no side table" : counted(tables, "side table")) + "; " +
                     (remains.merged_parts == 0
                          ? "the warehouse has no record that any of its rows were inserted"
                          : "by the warehouse's records it has inserted " + counted(remains.inserted, "row") +
                                ", which stay"));
    if (tables > 0 && !yes_ && !context.confirm("drop " + counted(tables, "side table") + "?")) {
      context.out.note("nothing was changed; say --yes to drop them without being asked");
      return kExitUsage;
    }
    CV_TRY(drop_side_tables(warehouse, remains));
    report_discarded(context, remains.inserted);
    context.out.note("its files stay as they are; what is still missing: changevault gaps");
    return kExitDone;
  }

  void report_discarded(Context& context, std::int64_t inserted) const {
    if (context.out.json_wanted()) {
      context.out.print_json({{"id", discard_}, {"state", "failed"}, {"inserted", inserted}});
    } else {
      context.out.print("recovery " + discard_ + " was given up; " +
                        (inserted == 0 ? "nothing was inserted"
                                       : counted(inserted, "row") + " that it had inserted before stay"));
    }
  }

  Result<int> resume(Context& context) const {
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    Progress progress(context.out, context.parts.clock());
    CV_ASSIGN(Executor executor, make_executor(context, progress));
    CV_ASSIGN(const RecoveryResult result,
              executor.resume(resume_, actor(context), context.stop, executor_options(context)));
    const std::string key = context.parts.layout().recovery_plan(resume_);
    CV_ASSIGN(const std::string bytes, store->get(key));
    CV_ASSIGN(const RecoveryPlan plan, decode_plan(bytes, key));
    return report(context, plan.scope, result);
  }

  static Result<Executor> make_executor(Context& context, Progress& progress) {
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    CV_ASSIGN(Warehouse* const warehouse, context.parts.warehouse());
    Executor executor(
        {*store, context.parts.layout(), *warehouse, context.parts.clock(), context.parts.random()});
    executor.on_progress([&progress](RecoveryStep step, std::int64_t done, std::int64_t all) {
      progress.show([&] {
        const std::string title = changevault::name(step);
        if (step != RecoveryStep::kStage && all > 1)
          return title + ": part " + with_thousands(std::min(done + 1, all)) + " of " + with_thousands(all);
        return step == RecoveryStep::kStage ? title + ": " + with_thousands(done) + " of " +
                                                  counted(all, "segment") + progress.remaining(done, all)
                                            : title;
      });
    });
    return executor;
  }

  // Parts of hours are proven by the re-check of every planned event; whole hours are counted again on both
  // sides.
  static Result<int> report(Context& context, const Scope& scope, const RecoveryResult& result) {
    RecoveryFinding found;
    found.gaps_left = result.state == RecoveryState::kDone ? 0 : 1;
    const bool whole = scope.is_whole_hours();
    CV_ASSIGN(found.without_ledger, is_without_ledger(context));
    // What was there already may stand where it does not belong.
    if (!found.without_ledger && (whole || result.already_present > 0)) {
      const Result<Coverage> again = gaps_now(context, whole ? scope : hours_of(scope));
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

  ScopeOptions scope_;
  bool gaps_ = false;
  bool yes_ = false;
  bool plan_only_ = false;
  std::string save_;
  std::string apply_;
  std::string resume_;
  std::string discard_;
  bool stage_only_ = false;
  std::map<std::string, std::int64_t> text_bytes_;  // by key, of the segments that are recovered
};

}  // namespace

std::unique_ptr<Verb> make_recover_verb() {
  return std::make_unique<RecoverVerb>();
}

}  // namespace changevault
