#include <map>
#include <optional>
#include <set>

#include "archive/segment_feed.h"
#include "cli/csv.h"
#include "cli/gap_problems.h"
#include "cli/gap_report.h"
#include "cli/ledger_warning.h"
#include "cli/plan_files.h"
#include "cli/progress.h"
#include "cli/recover_duplicates.h"
#include "cli/recover_files.h"
#include "cli/recovery_report.h"
#include "cli/recovery_steps.h"
#include "cli/scope_options.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "codec/json.h"
#include "recovery/executor.h"
#include "recovery/file_plan.h"
#include "recovery/remains.h"
#include "service/scope_check.h"
#include "store/store_with_files.h"

namespace changevault {
namespace {

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
           "Without a terminal and without --yes the plan is printed and nothing happens (exit code 2).\n"
           "--from-files takes files that were worked on by hand (local ones, or KEYs and prefixes in the "
           "store) the same\n"
           "way, and says what the archive does not vouch for. --remove-duplicates reduces rows that stand "
           "more "
           "than once,\n"
           "equal in every column of the record, to the first; rows that differ and rows that the archive "
           "does not hold are\n"
           "shown and never removed.";
  }
  std::string examples() const override {
    return "changevault recover inventory_db products 2025/01/15 14\n"
           "changevault recover inventory_db products --date 2025-01-15 --hours 10-15 --op delete --yes\n"
           "changevault recover --gaps --yes\n"
           "changevault recover inventory_db products 2025/01/15 14 --stage-only --yes\n"
           "changevault recover --from-files products-fixed.jsonl recovery/2025-01-15/\n"
           "changevault recover inventory_db products 2025/01/15 --remove-duplicates";
  }
  bool takes_csv() const override { return true; }
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
  void add_options(Options& options) override {
    scope_.add_to(options);
    options.add_flag("--gaps", gaps_, "only the hours of which `gaps` says that events are missing");
    options
        .add_option("--from-files", files_.names,
                    "records of these files or objects instead of the archive's")
        ->type_name("FILE|PREFIX");
    options.add_flag("--accept-changed", files_.accept_changed,
                     "with --from-files: also events that the archive holds with other content");
    options.add_flag("--remove-duplicates", remove_duplicates_,
                     "rows that stand more than once, all equal: keep the first of each event");
    options.add_flag("--yes,-y", flags_.yes, "do not ask");
    options.add_flag("--plan", flags_.plan_only,
                     "show the plan and stop; --plan=FILE (or --plan FILE.json) writes it down, too");
    options.add_option("--save", flags_.save, "with --plan: write the plan to this file")->type_name("FILE");
    options.add_option("--apply", apply_, "carry out a plan that --save wrote")->type_name("FILE");
    options.add_flag("--stage-only", flags_.stage_only,
                     "stage and check, show rows, and wait for --resume or --discard");
    options.add_option("--resume", resume_, "go on with a recovery that waits or was interrupted")
        ->type_name("ID");
    options.add_option("--discard", discard_, "give up a recovery that waits or was interrupted")
        ->type_name("ID");
  }

  Result<int> run(Context& context) override {
    CV_ASSIGN(const Scope scope, scope_.scope());
    CV_TRY(check_flags(scope));
    if (context.out.csv_wanted() && !flags_.plan_only) return no_csv("recover without --plan");
    context.parts.only_read();
    if (!discard_.empty()) return discard(context);
    if (!resume_.empty()) return resume(context);
    if (!apply_.empty()) return apply(context);
    if (!files_.names.empty()) return recover_files(context, scope, files_, flags_);
    if (remove_duplicates_) return changevault::remove_duplicates(context, scope, flags_);
    return gaps_ ? recover_gaps(context, scope) : recover_scope(context, scope);
  }

 private:
  Result<void> check_flags(const Scope& scope) const {
    const bool named = scope != Scope{} || gaps_ || !files_.names.empty() || remove_duplicates_;
    const int ways =
        (named ? 1 : 0) + (apply_.empty() ? 0 : 1) + (resume_.empty() ? 0 : 1) + (discard_.empty() ? 0 : 1);
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
    if ((gaps_ ? 1 : 0) + (files_.names.empty() ? 0 : 1) + (remove_duplicates_ ? 1 : 0) > 1) {
      return Error(ErrorCode::kUsage,
                   "--gaps, --from-files and --remove-duplicates are three different works", "",
                   "give one of them");
    }
    if (files_.accept_changed && files_.names.empty())
      return Error(ErrorCode::kUsage, "--accept-changed goes with --from-files");
    return check_stages();
  }

  Result<void> check_stages() const {
    if (flags_.stage_only &&
        (flags_.plan_only || remove_duplicates_ || !resume_.empty() || !discard_.empty())) {
      return Error(ErrorCode::kUsage, "--stage-only goes with a scope, --gaps, --from-files or --apply", "",
                   "stage first; go on with: changevault recover --resume ID");
    }
    if (!flags_.save.empty() && !flags_.plan_only) {
      return Error(ErrorCode::kUsage, "--save goes with --plan", "",
                   "write: changevault recover … --plan --save FILE");
    }
    return {};
  }

  Result<int> apply(Context& context) {
    CV_ASSIGN(const AnyPlan any, read_plan_file(apply_));
    if (const RemovalPlan* const removal = std::get_if<RemovalPlan>(&any))
      return apply_removal(context, *removal, flags_);
    const RecoveryPlan& plan = std::get<RecoveryPlan>(any);
    flags_.resumable = true;
    if (plan.files) {
      CV_TRY(check_warehouse_fits(context, plan));
      CV_ASSIGN(ObjectStore* const store, context.parts.store());
      StoreWithFiles files(*store);
      CV_TRY(check_files_fit(plan, files, context.stop));
      return decide(context, plan, flags_, sizes_);
    }
    CV_ASSIGN(const Context::FoundCatalog found, context.catalog_of(plan.scope));
    const Catalog& catalog = found.catalog;
    CV_TRY(check_plan_fits(plan, catalog));
    CV_ASSIGN(const RecoveryPlan now, plan_now(context, plan.scope, segments_of(plan, catalog)));
    CV_TRY(check_still_there(context, plan, now));
    note_newer_segments(context, catalog, plan);
    remember_text(catalog.select(plan.scope));
    return decide(context, plan, flags_, sizes_);
  }

  static std::vector<const ListedSegment*> segments_of(const RecoveryPlan& plan, const Catalog& catalog) {
    std::set<std::string> keys;
    for (const PlannedSegment& segment : plan.segments) keys.insert(segment.key);
    std::vector<const ListedSegment*> segments = catalog.select(plan.scope);
    std::erase_if(segments, [&](const ListedSegment* s) { return !keys.contains(s->facts.key); });
    return segments;
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

  void remember_text(const std::vector<const ListedSegment*>& segments) {
    for (const ListedSegment* segment : segments) sizes_[segment->facts.key] = segment->facts.text_bytes;
  }

  Result<int> recover_gaps(Context& context, const Scope& scope) {
    CV_ASSIGN(KnownArchive archive, context.known_archive(scope));
    Result<Coverage> counted_gaps = find_gaps(context, archive, scope);
    if (!counted_gaps) return before_anything(std::move(counted_gaps).error());
    const Coverage gaps = std::move(counted_gaps).value();
    complain_of_problems(context.out, gaps);
    CV_ASSIGN(const RecoverableSegments found, segments_to_recover(context.parts, archive, gaps));
    complain_of_left_out(context.out, gaps, found.left_out);
    std::vector<const ListedSegment*> segments;
    for (const ListedSegment& segment : found.segments) segments.push_back(&segment);
    return recover(context, scope, std::move(segments), nullptr);
  }

  Result<int> recover_scope(Context& context, const Scope& scope) {
    CV_ASSIGN(const Context::FoundCatalog found, context.catalog_of(scope));
    const Catalog& catalog = found.catalog;
    if (found.without_ledger && catalog.select(scope).empty()) return no_record_found(scope);
    CV_ASSIGN(const int code, recover(context, scope, catalog.select(scope), &catalog));
    const int known = ledger_exit(context.out, is_uncertain(catalog.problems(), scope));
    return code == kExitDone ? known : code;
  }

  // `catalog`: where the scope was asked for by name, not by its gaps.
  Result<int> recover(Context& context, const Scope& scope, std::vector<const ListedSegment*> segments,
                      const Catalog* catalog) {
    if (segments.empty()) return nothing_to_do(context, scope, catalog);
    remember_text(segments);
    CV_ASSIGN(const RecoveryPlan plan, plan_now(context, scope, std::move(segments)));
    if (plan.segments.empty()) return nothing_to_do(context, scope, catalog);
    return decide(context, plan, flags_, sizes_);
  }

  static Result<RecoveryPlan> plan_now(Context& context, const Scope& scope,
                                       std::vector<const ListedSegment*> segments) {
    PlanRequest request;
    request.scope = scope;
    request.segments = std::move(segments);
    request.now = context.parts.clock().now();
    request.id = make_recovery_id(request.now, context.parts.random());
    request.actor = actor_of(context);
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    CV_ASSIGN(Warehouse* const warehouse, context.parts.warehouse());
    SegmentFeed feed(*store, request.scope, context.stop);
    feed.complete_with(context.configuration.source.id);
    Progress progress(context.out, context.parts.clock());
    Result<RecoveryPlan> made =
        make_plan(request, feed, *warehouse, [&](std::int64_t done, std::int64_t all) {
          progress.show([&] {
            return "planning: " + with_thousands(done) + " of " + counted(all, "segment") +
                   progress.remaining(done, all);
          });
        });
    if (!made) return before_anything(std::move(made).error());
    return made;
  }

  // No segment holds anything of the scope: that is fine where the hours are known, and no answer where they
  // are not.
  Result<int> nothing_to_do(Context& context, const Scope& scope, const Catalog* catalog) const {
    const Scope hours = hours_of(scope);
    CV_ASSIGN(const bool without_ledger, is_without_ledger(context));
    if (without_ledger && !gaps_) return no_record_found(scope);
    CV_ASSIGN(const Coverage coverage, gaps_now(context, hours));
    Scope asked = hours;
    asked.pattern = scope.pattern;
    if (catalog != nullptr) CV_TRY(find_scope(*catalog, asked));
    complain_of_problems(context.out, coverage);
    if (context.out.json_wanted()) {
      RecoveryResult nothing;
      nothing.state = RecoveryState::kDone;
      context.out.print_json(to_json(nothing, gaps_ ? coverage.gaps() : 0));
    } else if (context.out.csv_wanted()) {
      print_plan_csv(context.out, {});
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
    if (without_ledger) context.out.note(kNoLedger);
    if (gaps_ && coverage.gaps() > 0) return kExitGaps;
    return coverage.uncertain() ? kExitFailed : without_ledger ? kExitIndeterminate : kExitDone;
  }

  static Result<AnyPlan> stored_plan(Context& context, const std::string& id) {
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    const std::string key = context.parts.layout().recovery_plan(id);
    Result<std::string> bytes = store->get(key);
    if (!bytes && bytes.error().code == ErrorCode::kNotFound)
      return Error(ErrorCode::kNotFound, "there is no recovery of this id", id,
                   "see all of them with: changevault audit");
    if (!bytes) return std::move(bytes).error();
    return decode_any_plan(*bytes, key);
  }

  // Said by its id: nobody asks again.
  Result<int> discard(Context& context) const {
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    CV_ASSIGN(Warehouse* const warehouse, context.parts.warehouse());
    CV_ASSIGN(const std::optional<Remains> remains,
              find_remains(*store, context.parts.layout(), *warehouse, discard_));
    if (remains) return discard_remains(context, *warehouse, *remains);
    CV_ASSIGN(const AnyPlan any, stored_plan(context, discard_));
    context.parts.allow_writing();
    if (const RemovalPlan* const removal = std::get_if<RemovalPlan>(&any))
      return discard_removal(context, *removal);
    Executor executor(
        {*store, context.parts.layout(), *warehouse, context.parts.clock(), context.parts.random()});
    CV_ASSIGN(const std::int64_t inserted, executor.discard(discard_, actor_of(context)));
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
    if (tables > 0 && !agreed(context, flags_, "drop " + counted(tables, "side table") + "?")) {
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
    CV_ASSIGN(const AnyPlan any, stored_plan(context, resume_));
    context.parts.allow_writing();
    if (const RemovalPlan* const removal = std::get_if<RemovalPlan>(&any))
      return resume_removal(context, *removal);
    return resume_recovery(context, std::get<RecoveryPlan>(any), sizes_);
  }

  ScopeOptions scope_;
  bool gaps_ = false;
  FilesWanted files_;
  bool remove_duplicates_ = false;
  RecoverFlags flags_;
  std::string apply_;
  std::string resume_;
  std::string discard_;
  TextSizes sizes_;  // of the segments that are recovered
};

}  // namespace

std::unique_ptr<Verb> make_recover_verb() {
  return std::make_unique<RecoverVerb>();
}

}  // namespace changevault
