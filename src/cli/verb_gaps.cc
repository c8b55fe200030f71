#include "cli/gap_problems.h"
#include "cli/gap_report.h"
#include "cli/scope_options.h"
#include "cli/verbs.h"

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
           "something of the archive could not be read, 5 when nothing is known.\n"
           "A gap that was acknowledged is none, as long as it is what was seen then; see changevault ack "
           "--help.";
  }
  std::string examples() const override {
    return "changevault gaps\nchangevault gaps inventory_db products 2025/01/15\n"
           "changevault gaps --date 2025-01-01..2025-01-31 --output json";
  }
  void add_options(CLI::App& app) override {
    scope_.add_to(app);
    app.add_flag("--all", all_, "every day and every gap, however many");
    app.add_flag("--acknowledged", acknowledged_, "which gaps were acknowledged, by whom and why");
  }

  Result<int> run(Context& context) override {
    CV_ASSIGN(const Scope scope, scope_.scope());
    CV_ASSIGN(HourCatalog catalog, context.hour_catalog());
    CV_ASSIGN(const GapFinding found, find_all_gaps(context.parts, catalog, scope, context.stop));
    const Coverage& coverage = found.coverage;
    complain_of_damage(context.out, found.acks);
    if (context.out.json_wanted()) {
      write_coverage_json(coverage, [&](std::string_view piece) {
        ignore_error(context.out.write(piece),
                     "the output keeps its first failure for the end of the program");
      });
    } else {
      print_coverage(context.out, found, {scope, all_, acknowledged_, context.configuration.warehouse.table});
    }
    if (coverage.quiet()) context.out.note("quiet: these hours are complete, and there were no events");
    complain_of_problems(context.out, coverage);
    if (coverage.gaps() > 0) return kExitGaps;
    return coverage.uncertain() ? kExitFailed : kExitDone;
  }

 private:
  ScopeOptions scope_;
  bool all_ = false;
  bool acknowledged_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_gaps_verb() {
  return std::make_unique<GapsVerb>();
}

}  // namespace changevault
