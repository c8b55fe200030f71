#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "archive/segment_feed.h"
#include "cli/gap_report.h"
#include "cli/progress.h"
#include "cli/scope_options.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "recovery/executor.h"
#include "service/scope_check.h"

namespace changevault {
namespace {

Json to_json(const RecoveryResult& result, std::int64_t gaps_left) {
  return {{"id", result.id},
          {"plan_hash", result.plan_hash},
          {"segments", result.segments},
          {"expected", result.expected},
          {"staged", result.staged},
          {"inserted", result.inserted},
          {"already_present", result.already_present},
          {"state", name(result.state)},
          {"gaps_left", gaps_left}};
}

std::string describe(const OperationCounts& operations) {
  std::string text;
  for (const auto& [operation, count] : operations) {
    text += (text.empty() ? "" : ", ") + printable(operation) + " " + with_thousands(count);
  }
  return text;
}

std::string describe_collections(const RecoveryPlan& plan) {
  std::set<Namespace> names;
  for (const PlannedSegment& segment : plan.segments) names.insert(segment.ns);
  std::string text = counted(static_cast<std::int64_t>(names.size()), "collection") + ": ";
  std::size_t named = 0;
  for (const Namespace& ns : names) {
    if (named == 5) return text + ", …";
    text += (named++ == 0 ? "" : ", ") + printable(to_string(ns));
  }
  return text;
}

std::string describe_hours(const RecoveryPlan& plan) {
  std::set<Hour> hours;
  for (const PlannedSegment& segment : plan.segments) hours.insert(segment.hour);
  return counted(static_cast<std::int64_t>(hours.size()), "hour") + " between " +
         human_time(hours.begin()->start()).substr(0, 16) + " and " +
         human_time(hours.rbegin()->end()).substr(0, 16) + " UTC";
}

void print_plan(Output& out, const RecoveryPlan& plan) {
  std::int64_t bytes = 0;
  for (const PlannedSegment& segment : plan.segments) bytes += segment.bytes;
  const auto line = [&](const char* title, const std::string& text) {
    out.print("  " + std::string(title) + std::string(14 - std::string_view(title).size(), ' ') + text);
  };
  out.print("recovery " + plan.id);
  line("scope", printable(to_string(plan.scope)));
  line("hours", describe_hours(plan));
  line("collections", describe_collections(plan));
  line("segments",
       counted(static_cast<std::int64_t>(plan.segments.size()), "segment") + ", " + human_bytes(bytes));
  line("rows expected", with_thousands(plan.expected.rows) + " (" + describe(plan.expected.operations) + ")");
  if (plan.expected.rows > plan.distinct) {
    line("repeats",
         with_thousands(plan.expected.rows - plan.distinct) + " given twice by the hub, kept once");
  }
  line("already there", with_thousands(plan.already_present));
  line("to insert", with_thousands(plan.new_rows()));
  line("plan hash", plan.hash());
}

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
  if (!file) return system_error(ErrorCode::kUsage, "the plan cannot be read", path, errno);
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return decode_plan(bytes, path);
}

class RecoverVerb final : public Verb {
 public:
  std::string name() const override { return "recover"; }
  std::string summary() const override { return "put a lost slice of the archive back into the warehouse"; }
  std::string usage() const override { return kScopeUsage; }
  std::string details() const override {
    return "Shows its plan and asks first. Rows are staged in a side table, checked against the archive's "
           "checksums,\n"
           "merged by event_id in one transaction, and checked again; what is there already is never "
           "touched.\n"
           "Without a terminal and without --yes the plan is printed and nothing happens (exit code 2).";
  }
  std::string examples() const override {
    return "changevault recover inventory_db products 2025/01/15 14\n"
           "changevault recover inventory_db products --date 2025-01-15 --hours 10-15 --op delete --yes\n"
           "changevault recover --gaps --yes";
  }
  void add_options(CLI::App& app) override {
    scope_.add_to(app);
    app.add_flag("--gaps", gaps_, "only the hours that `gaps` calls MISSING or PARTIAL");
    app.add_flag("--yes,-y", yes_, "do not ask");
    app.add_flag("--plan", plan_only_, "show the plan and stop");
    app.add_option("--save", save_, "with --plan: write the plan to this file")->type_name("FILE");
    app.add_option("--apply", apply_, "carry out a plan that --save wrote")->type_name("FILE");
    app.add_option("--resume", resume_, "end a recovery that was interrupted")->type_name("ID");
  }

  Result<int> run(Context& context) override {
    CV_ASSIGN(const Scope scope, scope_.scope());
    CV_TRY(check_flags(scope));
    CV_ASSIGN(const Catalog catalog, context.catalog());
    if (!resume_.empty()) return resume(context, catalog);
    if (!apply_.empty()) {
      CV_ASSIGN(const RecoveryPlan plan, read_plan(apply_));
      CV_TRY(check_plan_fits(plan, catalog));
      return decide(context, catalog, plan);
    }
    return recover(context, catalog, scope);
  }

 private:
  Result<void> check_flags(const Scope& scope) const {
    const bool scoped = scope != Scope{};
    const int ways = (scoped || gaps_ ? 1 : 0) + (apply_.empty() ? 0 : 1) + (resume_.empty() ? 0 : 1);
    if (ways == 0) {
      return Error(ErrorCode::kUsage, "it is not said what to recover", "",
                   "name database, collection and time, as in: changevault recover inventory_db products "
                   "2025/01/15 14; "
                   "or say --gaps for all that is missing");
    }
    if (ways > 1) {
      return Error(ErrorCode::kUsage, "a scope, --apply and --resume each say what to recover", "",
                   "give one of them");
    }
    if (!save_.empty() && !plan_only_) {
      return Error(ErrorCode::kUsage, "--save goes with --plan", "",
                   "write: changevault recover … --plan --save FILE");
    }
    return {};
  }

  static Actor actor(const Context& context) {
    return {context.identity.user, context.identity.host, "changevault " + context.identity.version};
  }

  Result<int> recover(Context& context, const Catalog& catalog, const Scope& scope) {
    std::optional<Coverage> gaps;
    if (gaps_) {
      CV_ASSIGN(gaps, find_gaps(context, catalog, scope));
    }
    PlanRequest request;
    request.scope = scope;
    request.segments = segments_to_recover(catalog, scope, gaps ? &*gaps : nullptr);
    if (request.segments.empty()) return nothing_to_do(context, catalog, scope);
    request.now = context.parts.clock().now();
    request.id = make_recovery_id(request.now, context.parts.random());
    request.actor = actor(context);
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    CV_ASSIGN(Warehouse* const warehouse, context.parts.warehouse());
    SegmentFeed feed(*store, request.scope, context.stop);
    Progress progress(context.out, context.parts.clock());
    CV_ASSIGN(const RecoveryPlan plan,
              make_plan(request, feed, *warehouse, [&](std::int64_t done, std::int64_t all) {
                progress.show([&] {
                  return "planning: " + with_thousands(done) + " of " + counted(all, "segment") +
                         progress.remaining(done, all);
                });
              }));
    if (plan.segments.empty()) return nothing_to_do(context, catalog, scope);
    return decide(context, catalog, plan);
  }

  // No segment holds anything of the scope: that is fine where the hours are known, and no answer where they
  // are not.
  Result<int> nothing_to_do(Context& context, const Catalog& catalog, const Scope& scope) const {
    Scope hours = scope;
    hours.operations.clear();
    hours.key.clear();
    hours.pattern.clear();
    CV_ASSIGN(const Coverage coverage, find_gaps(context, catalog, hours));
    if (!gaps_) CV_TRY(find_scope(catalog, hours));
    if (context.out.json_wanted()) {
      RecoveryResult nothing;
      nothing.state = RecoveryState::kDone;
      context.out.print_json(to_json(nothing, gaps_ ? coverage.gaps() : 0));
    } else if (gaps_) {
      context.out.print(coverage.gaps() == 0 ? "nothing is missing"
                                             : "nothing is missing that the archive could put back");
    } else {
      context.out.print(
          coverage.quiet()
              ? "quiet: these hours are complete and had no events, so there is nothing to recover"
              : "the archive holds nothing of this scope, so there is nothing to recover");
    }
    return gaps_ && coverage.gaps() > 0 ? kExitGaps : kExitDone;
  }

  Result<int> decide(Context& context, const Catalog& catalog, const RecoveryPlan& plan) const {
    Output& out = context.out;
    const bool go = yes_ && !plan_only_;
    if (!out.json_wanted()) print_plan(out, plan);
    if (plan_only_) {
      if (!save_.empty()) CV_TRY(save_plan(plan, save_));
      if (out.json_wanted()) out.print_json(to_json(as_planned(plan), 0));
      return kExitDone;
    }
    if (!go && !context.confirm("insert " + counted(plan.new_rows(), "row") + "?")) {
      if (out.json_wanted()) out.print_json(to_json(as_planned(plan), 0));
      out.note("nothing was changed; say --yes to recover without being asked");
      return kExitUsage;
    }
    Progress progress(out, context.parts.clock());
    CV_ASSIGN(Executor executor, make_executor(context, progress));
    CV_ASSIGN(const RecoveryResult result, executor.run(plan, context.stop));
    return report(context, catalog, plan.scope, result);
  }

  Result<int> resume(Context& context, const Catalog& catalog) const {
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    Progress progress(context.out, context.parts.clock());
    CV_ASSIGN(Executor executor, make_executor(context, progress));
    CV_ASSIGN(const RecoveryResult result, executor.resume(resume_, actor(context), context.stop));
    const std::string key = context.parts.layout().recovery_plan(resume_);
    CV_ASSIGN(const std::string bytes, store->get(key));
    CV_ASSIGN(const RecoveryPlan plan, decode_plan(bytes, key));
    return report(context, catalog, plan.scope, result);
  }

  static Result<Executor> make_executor(Context& context, Progress& progress) {
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    CV_ASSIGN(Warehouse* const warehouse, context.parts.warehouse());
    Executor executor(
        {*store, context.parts.layout(), *warehouse, context.parts.clock(), context.parts.random()});
    executor.on_progress([&progress](RecoveryStep step, std::int64_t done, std::int64_t all) {
      progress.show([&] {
        const std::string title = changevault::name(step);
        return step == RecoveryStep::kStage ? title + ": " + with_thousands(done) + " of " +
                                                  counted(all, "segment") + progress.remaining(done, all)
                                            : title;
      });
    });
    return executor;
  }

  // Parts of hours are proven by the re-check of every planned event; whole hours are counted again on both
  // sides.
  static Result<int> report(Context& context, const Catalog& catalog, const Scope& scope,
                            const RecoveryResult& result) {
    std::int64_t gaps_left = result.state == RecoveryState::kDone ? 0 : 1;
    if (scope.is_whole_hours()) {
      CV_ASSIGN(const Coverage coverage, find_gaps(context, catalog, scope));
      gaps_left = coverage.gaps();
    }
    Output& out = context.out;
    if (out.json_wanted()) {
      out.print_json(to_json(result, gaps_left));
    } else {
      print_result(out, result, gaps_left);
    }
    return gaps_left > 0 || result.state != RecoveryState::kDone ? kExitGaps : kExitDone;
  }

  static std::string describe_check(const CheckedStep& check) {
    std::string text;
    if (check.missing > 0) text = counted(check.missing, "planned event") + " not there";
    if (check.missing > 0 && check.duplicate > 0) text += " and ";
    if (check.duplicate > 0) {
      text += counted(check.duplicate, "planned event") + " there more than once (recover deletes no rows)";
    }
    return text;
  }

  static void print_result(Output& out, const RecoveryResult& result, std::int64_t gaps_left) {
    if (result.state == RecoveryState::kDone) {
      out.print(out.paint(Color::kGreen, "done") + ": " + counted(result.inserted, "row") + " inserted, " +
                with_thousands(result.already_present) +
                " already there; every planned event is there exactly once");
    } else {
      out.print(out.paint(Color::kRed, "failed") + ": " + counted(result.inserted, "row") +
                " inserted, but " + describe_check(result.check));
    }
    out.print(gaps_left == 0
                  ? "no gaps are left in this scope"
                  : counted(gaps_left, "gap") + " left in this scope; look with: changevault gaps");
  }

  ScopeOptions scope_;
  bool gaps_ = false;
  bool yes_ = false;
  bool plan_only_ = false;
  std::string save_;
  std::string apply_;
  std::string resume_;
};

}  // namespace

std::unique_ptr<Verb> make_recover_verb() {
  return std::make_unique<RecoverVerb>();
}

}  // namespace changevault
