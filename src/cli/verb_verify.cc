#include "archive/verify.h"
#include "cli/progress.h"
#include "cli/scope_options.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "service/scope_check.h"

namespace changevault {
namespace {

constexpr std::size_t kProblemsShown = 50;

// A sealed scope without a single segment: the seals were checked and say that nothing was there.
bool is_proven_quiet(const VerifyReport& report, const Scope& scope, Context& context) {
  const bool nothing_read = report.segments_checked == 0 && report.dead_letters_checked == 0;
  if (report.verdict == Verdict::kFail || !nothing_read || !report.problems.empty() ||
      report.seals_checked == 0)
    return false;
  const Result<Catalog> catalog = context.catalog();
  if (!catalog.has_value()) return false;
  const Result<ScopeFinding> finding = find_scope(*catalog, scope);
  return finding.has_value() && finding->quiet();
}

int exit_code_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
      return kExitDone;
    case Verdict::kFail:
      return kExitFailed;
    case Verdict::kIndeterminate:
      break;
  }
  return kExitIndeterminate;
}

class VerifyVerb final : public Verb {
 public:
  std::string name() const override { return "verify"; }
  std::string summary() const override { return "integrity and completeness of the archive itself"; }
  std::string usage() const override { return kScopeUsage; }
  std::string details() const override {
    return "Reads every byte in the scope: ledger, files, checksums, every record, counts, seals.\n"
           "Exit code 0: PASS, 4: FAIL, 5: INDETERMINATE (nothing could be checked).";
  }
  std::string examples() const override {
    return "changevault verify\nchangevault verify inventory_db products 2025/01/15";
  }
  void add_options(CLI::App& app) override { scope_.add_to(app); }

  Result<int> run(Context& context) override {
    CV_ASSIGN(const Scope scope, scope_.scope());
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    Progress progress(context.out, context.parts.clock());
    const auto show = [&](const VerifyProgress& p) {
      progress.show([&] {
        return "verifying file " + with_thousands(p.segments_done) + " of " + with_thousands(p.segments_all) +
               ", " + human_bytes(p.bytes_read) + progress.remaining(p.bytes_read, p.bytes_all);
      });
    };
    CV_ASSIGN(VerifyReport report, verify_archive(*store, context.parts.layout(), scope, show, context.stop));
    const bool quiet = is_proven_quiet(report, scope, context);
    if (quiet) report.verdict = Verdict::kPass;
    if (context.out.json_wanted()) {
      print_json(report, context.out);
    } else {
      print_text(report, quiet, context.out);
    }
    return exit_code_of(report.verdict);
  }

 private:
  static void print_json(const VerifyReport& report, Output& out) {
    Json problems = Json::array();
    for (const VerifyProblem& p : report.problems) {
      problems.push_back({{"kind", p.kind}, {"key", p.key}, {"detail", p.detail}});
    }
    Json document = {{"result", changevault::name(report.verdict)},
                     {"segments_checked", report.segments_checked},
                     {"records_checked", report.records_checked},
                     {"problems", std::move(problems)},
                     {"dead_letters_checked", report.dead_letters_checked},
                     {"seals_checked", report.seals_checked},
                     {"slots_checked", report.slots_checked},
                     {"bytes_read", report.bytes_read},
                     {"leftovers", report.leftovers}};
    if (!report.reason.empty()) document["reason"] = report.reason;
    out.print_json(document);
  }

  static void print_text(const VerifyReport& report, bool quiet, Output& out) {
    const Color color = report.verdict == Verdict::kPass   ? Color::kGreen
                        : report.verdict == Verdict::kFail ? Color::kRed
                                                           : Color::kYellow;
    std::string line = out.paint(color, changevault::name(report.verdict)) + ": ";
    if (quiet) {
      line += "quiet, the scope is sealed and had no such events";
    } else {
      line += counted(report.segments_checked, "file") + " and " + counted(report.records_checked, "record") +
              " checked, " + human_bytes(report.bytes_read) + " read";
    }
    out.print(line);
    out.print("ledger: " + counted(report.slots_checked, "slot") + ", " +
              counted(report.seals_checked, "seal"));
    if (report.dead_letters_checked > 0)
      out.print("dead letters: " + with_thousands(report.dead_letters_checked));
    if (!report.leftovers.empty()) {
      out.print("leftovers: " + counted(static_cast<std::int64_t>(report.leftovers.size()), "object") +
                (report.verdict == Verdict::kPass
                     ? " of interrupted writes that nothing refers to; harmless"
                     : " that the ledger as it stands does not list; keep them until it is repaired"));
    }
    if (!report.reason.empty() && !quiet) out.print("reason: " + report.reason);
    print_problems(report, out);
  }

  static void print_problems(const VerifyReport& report, Output& out) {
    if (report.problems.empty()) return;
    out.print("");
    out.print(counted(static_cast<std::int64_t>(report.problems.size()), "problem"));
    Table table({{"KIND"}, {"WHERE"}, {"WHAT"}});
    for (const VerifyProblem& p : report.problems) {
      if (table.rows() == kProblemsShown) break;
      table.add({p.kind, p.key, p.detail});
    }
    ignore_error(out.write(table.to_string()), "kept for flush");
    if (report.problems.size() > kProblemsShown) out.print("… and more; all of them with --output json");
  }

  ScopeOptions scope_;
};

}  // namespace

std::unique_ptr<Verb> make_verify_verb() {
  return std::make_unique<VerifyVerb>();
}

}  // namespace changevault
