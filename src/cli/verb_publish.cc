#include <filesystem>

#include "capture/file_publisher.h"
#include "cli/progress.h"
#include "cli/scope_text.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "codec/json.h"

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
  void add_options(Options& options) override {
    options.add_position("FILE", files_);
    options
        .add_option("--time-from", time_from_,
                    "cluster_time: import with the events' own times (embedded hub)")
        ->one_of({"cluster_time"})
        ->type_name("FIELD");
    options.add_flag("--allow-late", allow_late_,
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
    progress.begin("publishing");
    PublishTotals sent;
    const std::int64_t all_bytes = bytes_of_files();
    const auto show = [&](const PublishTotals& totals) {
      sent = totals;
      progress.show([&] {
        return progress.rate(totals.events, "event") + progress.remaining(totals.bytes, all_bytes);
      });
    };
    Result<PublishTotals> published =
        publish_files(*hub, files_, options, context.parts.clock(), show, context.stop);
    if (!published && published.error().code == ErrorCode::kCancelled)
      published.error().hint = how_to_go_on(sent);
    CV_ASSIGN(const PublishTotals totals, std::move(published));
    if (context.out.json_wanted()) {
      context.out.print_json(to_json(totals));
    } else {
      context.out.print(describe(totals));
    }
    return kExitDone;
  }

 private:
  static bool is_gzip(const std::string& file) { return file.ends_with(".gz"); }

  // Of text that is not compressed and has an end; else 0, and nobody knows how much is left.
  std::int64_t bytes_of_files() const {
    std::int64_t bytes = 0;
    for (const std::string& file : files_) {
      std::error_code failed;
      const bool plain = std::filesystem::is_regular_file(file, failed) && !is_gzip(file);
      const auto size = plain ? std::filesystem::file_size(file, failed) : 0;
      if (!plain || failed) return 0;
      bytes += static_cast<std::int64_t>(size);
    }
    return bytes;
  }

  // What was sent stays sent: again, it would be archived twice (and loaded once).
  std::string how_to_go_on(const PublishTotals& sent) const {
    if (files_.size() == 1 && files_[0] != "-" && time_from_.empty()) {
      const std::string from = std::to_string(sent.events + sent.empty_lines + 1);
      return "go on behind them with: " +
             std::string(is_gzip(files_[0]) ? "gunzip -c " : "tail -n +" + from + " ") +
             quoted_word(files_[0]) + (is_gzip(files_[0]) ? " | tail -n +" + from : "") +
             " | changevault publish -";
    }
    return std::string("the same command again sends all of them anew") +
           (time_from_.empty() ? "" : " (with --allow-late)") +
           ": an event that is archived twice is in the warehouse once";
  }

  std::vector<std::string> files_;
  std::string time_from_;
  bool allow_late_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_publish_verb() {
  return std::make_unique<PublishVerb>();
}

}  // namespace changevault
