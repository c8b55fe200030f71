#include "archive/verify.h"
#include "archive/verify_memory.h"
#include "cli/csv.h"
#include "cli/progress.h"
#include "cli/scope_options.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "codec/json.h"
#include "service/scope_check.h"

namespace changevault {
namespace {

constexpr std::size_t kProblemsShown = 50;

// A sealed scope without a single segment: the seals were checked and say that nothing was there.
// Of one about which nothing is known, `hint` says where to look.
bool is_proven_quiet(const VerifyReport& report, const Scope& scope, Context& context, std::string& hint) {
  const bool nothing_read =
      report.segments_checked == 0 && report.dead_letters_checked == 0 && report.remembered == 0;
  if (report.verdict == Verdict::kFail || !nothing_read || !report.problems.empty()) return false;
  const Result<Catalog> catalog = context.catalog();
  if (!catalog.has_value()) return false;
  const Result<ScopeFinding> finding = find_scope(*catalog, scope);
  if (!finding) hint = finding.error().hint;
  return report.seals_checked > 0 && finding.has_value() && finding->quiet();
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
           "--quick reads the ledger and looks for every file and its size, but does not read the files.\n"
           "--incremental does not read a file again that was verified from this machine before and has the\n"
           "same name, size and etag since; what changed without touching these is found by a full one.\n"
           "Exit code 0: PASS, 4: FAIL, 5: INDETERMINATE (nothing could be checked).\n"
           "With --output csv the problems alone.";
  }
  std::string examples() const override {
    return "changevault verify\nchangevault verify inventory_db products 2025/01/15\nchangevault verify "
           "--incremental";
  }
  bool takes_csv() const override { return true; }
  void add_options(Options& options) override {
    scope_.add_to(options);
    options.add_flag("--quick", quick_, "all but the content of the files");
    options.add_flag("--incremental", incremental_,
                     "only what was not verified before, or has changed since");
  }

  Result<int> run(Context& context) override {
    CV_ASSIGN(const Scope scope, scope_.scope());
    CV_TRY(refuse_conditions(scope, "verify checks whole files"));
    if (quick_ && incremental_) {
      return Error(ErrorCode::kUsage, "--quick and --incremental are two ways to verify", "",
                   "choose one: --quick reads no file, --incremental reads those that are new");
    }
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    VerifyMemory memory = remembered(context);
    const VerifyMode mode = quick_         ? VerifyMode::kQuick
                            : incremental_ ? VerifyMode::kIncremental
                                           : VerifyMode::kFull;
    Progress progress(context.out, context.parts.clock());
    const auto show = [&](const VerifyProgress& p) {
      progress.show([&] {
        return "verifying file " + with_thousands(p.segments_done) + " of " + with_thousands(p.segments_all) +
               ", " + progress.byte_rate(p.bytes_read) + progress.remaining(p.bytes_read, p.bytes_all);
      });
    };
    Result<VerifyReport> verified = verify_archive(*store, context.parts.layout(), scope, show, context.stop,
                                                   {mode, &memory, context.parts.clock().now()});
    if (!quick_) keep(memory, context);
    if (!verified && verified.error().code == ErrorCode::kCancelled && memory.size() > 0)
      verified.error().hint = "what was checked is remembered; go on with: changevault verify --incremental";
    CV_ASSIGN(VerifyReport report, std::move(verified));
    std::string hint;
    const bool quiet = is_proven_quiet(report, scope, context, hint);
    if (quiet) report.verdict = Verdict::kPass;
    for (const std::string& note : report.notes) context.out.note("note: " + note);
    if (context.out.json_wanted()) {
      print_json(report, context.out);
    } else if (context.out.csv_wanted()) {
      print_csv(report, context.out);
    } else {
      print_text(report, quiet, context.out);
    }
    if (report.verdict == Verdict::kIndeterminate && !hint.empty())
      context.out.complain("hint: " + printable(hint));
    return exit_code_of(report.verdict);
  }

 private:
  // A memory that cannot be used costs time, not truth.
  VerifyMemory remembered(Context& context) const {
    if (quick_) return VerifyMemory();
    auto memory = read_verify_memory(context.configuration.verify.memory);
    if (memory) return std::move(*memory).value_or(VerifyMemory());
    if (incremental_) context.out.note("note: everything is checked; " + memory.error().to_string());
    return VerifyMemory();
  }

  void keep(const VerifyMemory& memory, Context& context) const {
    if (memory.size() == 0) return;
    const auto written = write_verify_memory(memory, context.configuration.verify.memory);
    if (!written && incremental_)
      context.out.note("note: the next --incremental begins anew; " + written.error().to_string());
  }

  static void print_json(const VerifyReport& report, Output& out) {
    Json problems = Json::array();
    for (const VerifyProblem& p : report.problems) {
      problems.push_back({{"kind", p.kind}, {"key", p.key}, {"detail", p.detail}});
    }
    Json document = {{"result", changevault::name(report.verdict)},
                     {"mode", changevault::name(report.mode)},
                     {"segments_checked", report.segments_checked},
                     {"records_checked", report.records_checked},
                     {"problems", std::move(problems)},
                     {"dead_letters_checked", report.dead_letters_checked},
                     {"seals_checked", report.seals_checked},
                     {"slots_checked", report.slots_checked},
                     {"bytes_read", report.bytes_read},
                     {"not_checked", Json::array()},
                     {"remembered", report.remembered},
                     {"oldest_check", nullptr},
                     {"lost_ranges", report.lost_ranges},
                     {"oversize", {{"bodies", report.oversize_bodies}, {"bytes", report.oversize_bytes}}},
                     {"leftovers", report.leftovers},
                     {"salvage", report.salvage},
                     {"foreign", report.foreign},
                     {"adopted", report.adopted_checked}};
    if (report.mode == VerifyMode::kQuick) document["not_checked"].push_back("content");
    if (report.oldest_check) document["oldest_check"] = to_rfc3339(*report.oldest_check);
    if (!report.reason.empty()) document["reason"] = report.reason;
    out.print_json(document);
  }

  // The problems; the verdict is the exit code.
  static void print_csv(const VerifyReport& report, Output& out) {
    CsvRows rows(out, {"kind", "key", "detail"});
    for (const VerifyProblem& p : report.problems)
      rows.add({{"kind", p.kind}, {"key", p.key}, {"detail", p.detail}});
  }

  static void print_text(const VerifyReport& report, bool quiet, Output& out) {
    const Color color = report.verdict == Verdict::kPass   ? Color::kGreen
                        : report.verdict == Verdict::kFail ? Color::kRed
                                                           : Color::kYellow;
    std::string line = out.paint(color, changevault::name(report.verdict)) + ": ";
    out.print(line + (quiet ? "quiet, the scope is sealed and had no such events" : extent(report)));
    out.print("ledger: " + counted(report.slots_checked, "slot") + ", " +
              counted(report.seals_checked, "seal"));
    if (report.adopted_checked > 0) {
      out.print("adopted: " + counted(report.adopted_checked, "file") +
                " of these; that other programs wrote no more than they hold is not proven");
    }
    if (report.dead_letters_checked > 0)
      out.print("dead letters: " + with_thousands(report.dead_letters_checked));
    if (report.lost_ranges > 0) {
      out.print("lost: " + counted(report.lost_ranges, "range") + " that the hub no longer had" +
                (report.salvage.empty()
                     ? ""
                     : ", " + counted(static_cast<std::int64_t>(report.salvage.size()), "salvaged object")));
    }
    if (!report.foreign.empty()) {
      out.print("not ours: " + counted(static_cast<std::int64_t>(report.foreign.size()), "object") +
                " of other programs, left alone");
    }
    if (!report.leftovers.empty()) {
      out.print("leftovers: " + counted(static_cast<std::int64_t>(report.leftovers.size()), "object") +
                (report.verdict == Verdict::kPass
                     ? " of interrupted writes that nothing refers to; harmless, `changevault repair` "
                       "removes them"
                     : " that the ledger as it stands does not list; keep them until it is repaired"));
    }
    if (!report.reason.empty() && !quiet) out.print("reason: " + report.reason);
    print_problems(report, out);
  }

  // What was looked at, and what was not.
  static std::string extent(const VerifyReport& report) {
    const std::string files = counted(report.segments_checked, "file");
    if (report.mode == VerifyMode::kQuick)
      return files + " looked for by name and size; what is in them was not read (--quick)";
    std::string line = files + " and " + counted(report.records_checked, "record") + " checked, " +
                       human_bytes(report.bytes_read) + " read";
    if (report.mode == VerifyMode::kIncremental) {
      line += "; " + counted(report.remembered, "unchanged file") + " by memory";
      if (report.oldest_check) line += ", the oldest check of " + human_time(*report.oldest_check) + " UTC";
    }
    return line;
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
    out.print("what can be rebuilt is shown by: changevault repair");
  }

  ScopeOptions scope_;
  bool quick_ = false;
  bool incremental_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_verify_verb() {
  return std::make_unique<VerifyVerb>();
}

}  // namespace changevault
