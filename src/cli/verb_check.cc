#include "cli/csv.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "codec/json.h"
#include "service/check.h"

namespace changevault {
namespace {

class CheckVerb final : public Verb {
 public:
  std::string name() const override { return "check"; }
  std::string summary() const override { return "tries every configured part and says what to fix"; }
  std::string usage() const override { return "[--output table|json|csv]"; }
  std::string details() const override {
    return "Reach and rights, create-only writes, clocks, free disk space, the hub's retention against what "
           "is "
           "archived,\n"
           "the table's columns. Writes one small object beside the archive and removes it again. Warnings "
           "do not "
           "fail it.";
  }
  std::string examples() const override {
    return "changevault check\nchangevault check --output json | jq '.parts[] | select(.state != \"ok\")'";
  }
  bool takes_csv() const override { return true; }
  void add_options(Options&) override {}

  Result<int> run(Context& context) override {
    const std::vector<CheckFinding> findings = check_parts(context.parts);
    int code = kExitDone;
    Json parts = Json::array();
    for (const CheckFinding& finding : findings) {
      const bool failed = finding.error && !finding.warning;
      if (failed && code == kExitDone) code = exit_code(finding.error->code);
      parts.push_back({{"part", finding.part},
                       {"ok", !failed},
                       {"state", failed            ? "failed"
                                 : finding.warning ? "warning"
                                                   : "ok"},
                       {"detail", detail(finding)}});
      if (finding.error) parts.back()["hint"] = finding.error->hint;
    }
    if (context.out.json_wanted()) {
      context.out.print_json({{"ok", code == kExitDone}, {"parts", std::move(parts)}});
    } else if (context.out.csv_wanted()) {
      CsvRows rows(context.out, {"part", "ok", "state", "detail", "hint"});
      for (const Json& part : parts) rows.add(part);
    } else {
      print(findings, context);
    }
    return code;
  }

 private:
  static std::string detail(const CheckFinding& finding) {
    return finding.error ? finding.error->to_string() : finding.what;
  }

  static void print(const std::vector<CheckFinding>& findings, Context& context) {
    Output& out = context.out;
    out.print("configuration  " + context.configuration.file.string());
    for (const CheckFinding& finding : findings) {
      const std::string pad(15 - finding.part.size(), ' ');
      const std::string mark = finding.warning ? out.paint(Color::kYellow, "warning ")
                               : finding.error ? out.paint(Color::kRed, "FAILED ")
                                               : out.paint(Color::kGreen, "ok ");
      std::string line = finding.part;
      out.print(line.append(pad).append(mark).append(printable(detail(finding))));
      if (finding.error && !finding.error->hint.empty())
        out.print(std::string(15, ' ') + "hint: " + printable(finding.error->hint));
    }
  }
};

}  // namespace

std::unique_ptr<Verb> make_check_verb() {
  return std::make_unique<CheckVerb>();
}

}  // namespace changevault
