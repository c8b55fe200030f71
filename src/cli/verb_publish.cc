#include "capture/file_publisher.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "cli/verbs.h"

namespace changevault {
namespace {

Json to_json(const PublishTotals& totals) {
  return {{"events", totals.events},
          {"bytes", totals.bytes},
          {"empty_lines", totals.empty_lines},
          {"late", totals.late},
          {"without_time", totals.without_time},
          {"oversize", totals.oversize}};
}

std::string describe(const PublishTotals& totals) {
  std::string out = "published " + counted(totals.events, "event") + " (" + human_bytes(totals.bytes) + ")";
  if (totals.empty_lines > 0) out += "; " + counted(totals.empty_lines, "empty line") + " skipped";
  if (totals.oversize > 0)
    out += "; " + counted(totals.oversize, "event") + " larger than the hub takes put into the store";
  if (totals.late > 0) out += "; " + counted(totals.late, "late event") + " accepted";
  if (totals.without_time > 0)
    out += "; " + counted(totals.without_time, "event") + " without a time took the one before";
  return out;
}

class PublishVerb final : public Verb {
 public:
  std::string name() const override { return "publish"; }
  std::string summary() const override { return "change events, one JSON per line, to the hub"; }
  std::string usage() const override { return "FILE…|- [flags]"; }
  std::string details() const override {
    return "Each line is sent as it is; gzip files are read too. The same document always goes to the same "
           "partition.\n"
           "Of an event that is larger than the hub takes, the body goes into the store and a pointer into "
           "the "
           "hub;\n"
           "archive puts them together again.";
  }
  std::string examples() const override {
    return "changevault publish events.jsonl more.jsonl.gz\n"
           "tail -f events.jsonl | changevault publish -\n"
           "changevault publish --time-from cluster_time 2024-*.jsonl.gz      history, with its own times";
  }
  void add_options(CLI::App& app) override {
    app.add_option("FILE", files_, "")->group("");
    app.add_option("--time-from", time_from_,
                   "cluster_time: import with the events' own times (embedded hub)")
        ->check(CLI::IsMember({"cluster_time"}))
        ->type_name("FIELD");
    app.add_flag("--allow-late", allow_late_,
                 "with --time-from: accept times that go back by more than 60 s");
  }
  Result<int> run(Context& context) override {
    if (files_.empty()) {
      return Error(ErrorCode::kUsage, "no file is named", "", "name files, or - for standard input");
    }
    if (allow_late_ && time_from_.empty()) {
      return Error(ErrorCode::kUsage, "--allow-late goes with --time-from only", "",
                   "write: changevault publish --time-from cluster_time --allow-late FILE…");
    }
    CV_ASSIGN(Hub* const hub, context.parts.hub());
    PublishOptions options;
    options.time_from_cluster_time = !time_from_.empty();
    options.allow_late = allow_late_;
    options.oversize = {&context.parts.layout(), [&] { return context.parts.store(); }};
    Progress progress(context.out, context.parts.clock());
    const auto show = [&](const PublishTotals& totals) {
      progress.show([&] { return progress.rate(totals.events, "event"); });
    };
    CV_ASSIGN(const PublishTotals totals,
              publish_files(*hub, files_, options, context.parts.clock(), show, context.stop));
    if (context.out.json_wanted()) {
      context.out.print_json(to_json(totals));
    } else {
      context.out.print(describe(totals));
    }
    return kExitDone;
  }

 private:
  std::vector<std::string> files_;
  std::string time_from_;
  bool allow_late_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_publish_verb() {
  return std::make_unique<PublishVerb>();
}

}  // namespace changevault
