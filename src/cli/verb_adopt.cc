#include "archive/adoption.h"
#include "cli/gap_report.h"
#include "cli/progress.h"
#include "cli/scope_options.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "codec/json.h"

namespace changevault {
namespace {

constexpr std::size_t kMostNamed = 20;

class AdoptVerb final : public Verb {
 public:
  std::string name() const override { return "adopt"; }
  std::string summary() const override { return "write a ledger for files that another program archived"; }
  std::string usage() const override { return kScopeUsage; }
  std::string details() const override {
    return "Reads every file of the scope that is not listed yet, whole: gzip checksums, and every line a "
           "record.\n"
           "Then shows what would be listed, and asks. Nothing of the files is changed or moved. Afterwards "
           "ls,\n"
           "gaps, verify and recover go by the ledger, for these files; load leaves them alone, recover "
           "--gaps\n"
           "puts into the warehouse what it lacks of them. That the files are all there were cannot be "
           "proven:\n"
           "their hours are never sealed. Run again, it lists what is new.\n"
           "Exit code 4 and nothing listed where a file is damaged; --leave-out-damaged lists the others.\n"
           "Without a terminal and without --yes the plan is printed and nothing happens (exit code 2).";
  }
  std::string examples() const override {
    return "changevault adopt\nchangevault adopt inventory_db --date 2024-01-01..2024-12-31 --yes";
  }
  void add_options(Options& options) override {
    scope_.add_to(options);
    options.add_flag("--yes,-y", yes_, "do not ask");
    options.add_flag("--leave-out-damaged", leave_out_damaged_,
                     "list what is whole, though some files are not");
  }

  Result<int> run(Context& context) override {
    CV_ASSIGN(const Scope scope, scope_.scope());
    CV_TRY(check_scope(scope));
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    Adoption adoption({*store, context.parts.layout(), context.parts.clock(), context.parts.random()});
    CV_ASSIGN(const AdoptionPlan plan, read(context, adoption, scope));
    if (!context.out.json_wanted()) print_plan(context.out, plan);
    if (!plan.damaged.empty() && !leave_out_damaged_) return refused(context, plan);
    if (plan.files.empty()) return nothing_to_do(context, plan);
    const bool agreed =
        yes_ || context.confirm("list " + counted(size_of(plan.files), "file") + " in the ledger?");
    if (!agreed) {
      if (context.out.json_wanted()) context.out.print_json(document(plan, {}, "planned"));
      context.out.note("nothing was changed; say --yes to adopt without being asked");
      return kExitUsage;
    }
    return carry_out(context, adoption, plan);
  }

 private:
  template <typename T>
  static std::int64_t size_of(const std::vector<T>& items) {
    return static_cast<std::int64_t>(items.size());
  }

  // Files are listed whole.
  static Result<void> check_scope(const Scope& scope) {
    const bool inside = !scope.operations.empty() || !scope.key.empty();
    if (!inside) return {};
    return Error(
        ErrorCode::kUsage, "files are adopted whole", to_string(scope),
        "leave out operations and keys; name database, collection, time, hours or a pattern of names");
  }

  static Result<AdoptionPlan> read(Context& context, Adoption& adoption, const Scope& scope) {
    Progress progress(context.out, context.parts.clock());
    FoundOptions options;
    options.source_id = context.configuration.source.id;
    options.now = context.parts.clock().now();
    options.stop = context.stop;
    options.on_progress = [&](const FoundProgress& p) {
      progress.show([&] {
        return "reading: " + with_thousands(p.files_done) + " of " + counted(p.files_all, "file") + ", " +
               human_bytes(p.bytes_done) + progress.remaining(p.bytes_done, p.bytes_all);
      });
    };
    Result<AdoptionPlan> plan = adoption.plan(scope, options);
    if (!plan && plan.error().code == ErrorCode::kCancelled) {
      plan.error().message += "; nothing was listed";
      plan.error().hint = "run the same command again, or adopt a part of the archive at a time";
    }
    return plan;
  }

  Result<int> carry_out(Context& context, Adoption& adoption, const AdoptionPlan& plan) const {
    Progress progress(context.out, context.parts.clock());
    CV_ASSIGN(const AdoptionOutcome outcome,
              adoption.carry_out(plan, context.identity.owner(), context.stop, [&](std::int64_t done) {
                progress.show([&] {
                  return "listing: " + with_thousands(done) + " of " + counted(size_of(plan.files), "file");
                });
              }));
    if (context.out.json_wanted()) {
      context.out.print_json(document(plan, outcome, "done"));
    } else {
      context.out.print(
          counted(outcome.files, "file") + " with " + counted(outcome.records, "record") + " listed in " +
          counted(outcome.slots, "ledger slot") +
          (outcome.by_others > 0 ? "; " + with_thousands(outcome.by_others) + " by somebody else" : ""));
      print_list(context.out, outcome.changed, "not listed");
      context.out.print("next: changevault verify · changevault gaps");
    }
    return outcome.changed.empty() && plan.damaged.empty() ? kExitDone : kExitFailed;
  }

  static Result<int> refused(Context& context, const AdoptionPlan& plan) {
    if (context.out.json_wanted()) context.out.print_json(document(plan, {}, "refused"));
    context.out.note(
        "nothing was listed: " + counted(size_of(plan.damaged), "file") +
        " cannot be listed as it is; put right or take away what is damaged, or list the others with "
        "--leave-out-damaged");
    return kExitFailed;
  }

  static Result<int> nothing_to_do(Context& context, const AdoptionPlan& plan) {
    if (context.out.json_wanted()) {
      context.out.print_json(document(plan, {}, "done"));
    } else {
      context.out.print("nothing to adopt: " + counted(plan.listed_already, "file") + " listed already");
    }
    return plan.damaged.empty() ? kExitDone : kExitFailed;
  }

  static void print_list(Output& out, const std::vector<NotAdopted>& files, const std::string& title) {
    if (files.empty()) return;
    out.print("");
    out.print(title + ", " + counted(size_of(files), "file"));
    Table table({{"FILE"}, {"WHY"}});
    for (const NotAdopted& file : files) {
      if (table.rows() == kMostNamed) break;
      table.add({file.key, file.why});
    }
    ignore_error(out.write(table.to_string()), "kept for flush");
    if (files.size() > kMostNamed) out.print("… and more; all of them with --output json");
  }

  // A line for each collection, however many files it has.
  static void print_plan(Output& out, const AdoptionPlan& plan) {
    struct Sum {
      std::int64_t files = 0, records = 0, bytes = 0;
      Timestamp first{INT64_MAX}, last{INT64_MIN};
    };
    std::map<Namespace, Sum> sums;
    for (const FoundFile& file : plan.files) {
      for (const CellCount& cell : file.cells) {
        Sum& sum = sums[cell.ns];
        sum.records += cell.digest.records;
        sum.first = std::min(sum.first, cell.hour.start());
        sum.last = std::max(sum.last, cell.hour.end());
        if (&cell == &file.cells.front()) ++sum.files;
        if (&cell == &file.cells.front()) sum.bytes += file.bytes;
      }
    }
    using Align = Table::Align;
    Table table({{"COLLECTION"},
                 {"FROM (UTC)"},
                 {"TO"},
                 {"FILES", Align::kRight},
                 {"RECORDS", Align::kRight},
                 {"SIZE", Align::kRight}});
    for (const auto& [ns, sum] : sums) {
      table.add({to_string(ns), human_time(sum.first).substr(0, 16), human_time(sum.last).substr(0, 16),
                 with_thousands(sum.files), with_thousands(sum.records), human_bytes(sum.bytes)});
    }
    if (!sums.empty()) ignore_error(out.write(table.to_string()), "kept for flush");
    out.print("to be listed: " + counted(size_of(plan.files), "file") +
              "; listed already: " + with_thousands(plan.listed_already));
    print_list(out, plan.damaged, "damaged");
    print_list(out, plan.ours, "left alone");
    tell_folder_clock(out, plan.notes);
  }

  static Json list_json(const std::vector<NotAdopted>& files) {
    Json list = Json::array();
    for (const NotAdopted& file : files) list.push_back({{"key", file.key}, {"why", file.why}});
    return list;
  }

  static Json document(const AdoptionPlan& plan, const AdoptionOutcome& outcome, const char* state) {
    std::int64_t records = 0;
    Json files = Json::array();
    for (const FoundFile& file : plan.files) {
      files.push_back(
          {{"key", file.key}, {"records", file.records}, {"bytes", file.bytes}, {"sha256", file.sha256}});
      records += file.records;
    }
    return {{"state", state},
            {"files", std::move(files)},
            {"records", records},
            {"listed", outcome.files},
            {"listed_already", plan.listed_already + outcome.by_others},
            {"slots", outcome.slots},
            {"damaged", list_json(plan.damaged)},
            {"left_alone", list_json(plan.ours)},
            {"changed", list_json(outcome.changed)}};
  }

  ScopeOptions scope_;
  bool yes_ = false;
  bool leave_out_damaged_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_adopt_verb() {
  return std::make_unique<AdoptVerb>();
}

}  // namespace changevault
