#include "cli/csv.h"
#include "cli/gap_problems.h"
#include "cli/gap_report.h"
#include "cli/hub_report.h"
#include "cli/scope_options.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "codec/json.h"
#include "net/url_text.h"
#include "service/hub_comparison.h"

namespace changevault {
namespace {

class GapsVerb final : public Verb {
 public:
  std::string name() const override { return "gaps"; }
  std::string summary() const override {
    return "coverage: hours of collections where warehouse and archive differ";
  }
  std::string usage() const override { return kScopeUsage; }
  std::string details() const override {
    return "Compares counts and digests of every hour of every collection, and the event_ids where these "
           "differ.\n"
           "Without a time range: from the archive's first hour to its last known one, and rows of the "
           "warehouse\n"
           "that none of these hours has.\n"
           "Exit code 3 when there are gaps (duplicate, extra, missing, partial, lost), 4 when there are "
           "none "
           "but\n"
           "something of the archive could not be read, 5 when nothing is known, or when the archive has no\n"
           "ledger: then its files are read and counted, and nothing says whether they are all there were.\n"
           "A gap that was acknowledged is none, as long as it is what was seen then; see changevault ack "
           "--help.\n"
           "With --hub the archive is also held against all that the hub has, whatever the scope: events "
           "that "
           "are\n"
           "not archived yet (no gap), events that the hub deleted before they were, and a hub that is not "
           "the "
           "one\n"
           "that was archived (both exit code 3). A hub that cannot be asked is exit code 6, after the rest "
           "is "
           "shown.";
  }
  std::string examples() const override {
    return "changevault gaps\nchangevault gaps inventory_db products 2025/01/15\n"
           "changevault gaps --date 2025-01-01..2025-01-31 --output json\n"
           "changevault gaps --hub                             is anything in the hub that is not archived?";
  }
  bool takes_csv() const override { return true; }
  void add_options(Options& options) override {
    scope_.add_to(options);
    options.add_flag("--all", all_, "every day and every gap, however many");
    options.add_flag("--acknowledged", acknowledged_, "which gaps were acknowledged, by whom and why");
    options.add_flag("--hub", hub_,
                     "the hub against the archive, too: what is not archived yet, what is lost");
  }

  Result<int> run(Context& context) override {
    CV_ASSIGN(const Scope scope, scope_.scope());
    if (hub_ && context.out.csv_wanted()) return no_csv("gaps --hub");
    CV_ASSIGN(KnownArchive archive, context.known_archive(scope));
    // First, so that it is still the hub of which the ledger was read; the comparison takes its time.
    const HubSide hub = hub_ ? HubSide(ask_hub(context, archive)) : std::nullopt;
    const Result<GapFinding> found = find_watched_gaps(context, archive, scope);
    if (!found && (!hub || found.error().code == ErrorCode::kUsage)) return found.error();
    if (found) complain_of_damage(context.out, found->acks);
    if (context.out.json_wanted()) {
      write_json(context, found, hub);
    } else if (context.out.csv_wanted()) {
      if (found) print_coverage_csv(context.out, found->coverage);
    } else {
      if (found) print_coverage(context.out, *found, {scope, all_, acknowledged_, table_of(context)});
      if (hub && *hub) print_hub_coverage(context.out, **hub, all_);
    }
    if (found) complain(context.out, found->coverage);
    if (found && found->by_reading) tell_by_reading(context.out, *found->by_reading);
    if (found && found->adopted > 0) {
      context.out.note("note: the archive lists " + counted(found->adopted, "file") +
                       " of other programs; whether these are all there were is not proven, so their hours "
                       "are never sealed");
    }
    return outcome(context.out, found, hub);
  }

 private:
  using HubSide = std::optional<Result<HubCoverage>>;  // nullopt: nobody asks for it

  static const std::string& table_of(const Context& context) { return context.configuration.warehouse.table; }

  static Result<HubCoverage> ask_hub(Context& context, KnownArchive& archive) {
    if (archive.by_ledger) return compare_hub(context.parts, *archive.by_ledger);
    return Error(ErrorCode::kIndeterminate,
                 "this archive has no ledger, and only that says which of the hub's events it has",
                 without_secrets(context.configuration.hub.url), "leave out --hub");
  }

  // Of a comparison that failed nothing stands in the document.
  static void write_json(Context& context, const Result<GapFinding>& found, const HubSide& hub) {
    Json more = Json::object();
    if (found && found->by_reading) more["without_ledger"] = by_reading_json(*found->by_reading);
    if (found && found->adopted > 0) more["adopted"] = found->adopted;
    if (hub) more["hub"] = hub_json(*hub, without_secrets(context.configuration.hub.url));
    if (!found) return context.out.print_json(more);
    write_coverage_json(
        found->coverage,
        [&](std::string_view piece) {
          ignore_error(context.out.write(piece),
                       "the output keeps its first failure for the end of the program");
        },
        more);
  }

  static void complain(Output& out, const Coverage& coverage) {
    if (coverage.quiet()) out.note("quiet: these hours are complete, and there were no events");
    complain_of_problems(out, coverage);
  }

  // What could not be asked comes before what was found: a script must not take the rest for the whole.
  static Result<int> outcome(Output& out, const Result<GapFinding>& found, const HubSide& hub) {
    if (hub && !*hub) out.error(hub->error());
    if (!found) return found.error();
    if (hub && !*hub) return not_asked(hub->error());
    if (found->coverage.gaps() > 0 || (hub && (*hub)->is_gap())) return kExitGaps;
    if (found->coverage.uncertain() || (hub && (*hub)->uncertain())) return kExitFailed;
    return found->by_reading ? kExitIndeterminate : kExitDone;
  }

  // A hub that is not there, or is none, does not answer either: 2 and 4 would speak of the rest.
  static int not_asked(const Error& error) {
    const bool of_hub = error.code != ErrorCode::kIndeterminate && error.code != ErrorCode::kCancelled;
    return exit_code(of_hub ? ErrorCode::kUnreachable : error.code);
  }

  ScopeOptions scope_;
  bool all_ = false;
  bool acknowledged_ = false;
  bool hub_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_gaps_verb() {
  return std::make_unique<GapsVerb>();
}

}  // namespace changevault
