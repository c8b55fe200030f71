#include "cli/daemon_words.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "codec/json.h"
#include "service/jobs.h"

namespace changevault {
namespace {

std::int64_t rows_per_second(const LoadTotals& totals) {
  return totals.spent.ms == 0 ? 0 : totals.rows * 1000 / totals.spent.ms;
}

std::string describe_with_rate(const LoadTotals& totals) {
  std::string words = describe(totals);
  if (totals.rows > 0 && totals.spent.ms > 0) {
    words += " (" + with_thousands(rows_per_second(totals)) + " rows/s)";
  }
  return words;
}

class LoadVerb final : public Verb {
 public:
  std::string name() const override { return "load"; }
  std::string summary() const override { return "archive to warehouse, each segment once"; }
  std::string usage() const override { return "[--once]"; }
  std::string examples() const override { return "changevault load\nchangevault load --once --output json"; }
  void add_options(Options& options) override {
    options.add_flag("--once", once_, "stop when everything listed is loaded");
  }
  Result<int> run(Context& context) override {
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    CV_ASSIGN(Warehouse* const warehouse, context.parts.warehouse());
    Loader loader(*store, context.parts.layout(), *warehouse, context.parts.clock(),
                  loader_options(context.configuration));
    if (!once_) context.out.note("loading into " + warehouse->url() + "; stop with Ctrl-C");
    Progress progress(context.out, context.parts.clock(), once_ ? kProgressInterval : kDaemonLogInterval);
    loader.on_progress([&](const LoadTotals& totals) {
      progress.show([&] {
        return "loading: " + progress.rate(totals.rows + totals.reading, "row") +
               (totals.waiting > 0 ? ", " + with_thousands(totals.segments) + " of " +
                                         counted(totals.segments + totals.waiting, "segment") +
                                         progress.remaining(totals.segments, totals.segments + totals.waiting)
                                   : "");
      });
    });
    loader.on_wait([&](const std::string& words) { context.out.note(words); });
    CV_ASSIGN(const LoadTotals totals, loader.run(once_, context.stop));
    if (context.out.json_wanted()) {
      Json json = to_json(totals);
      json["rows"] = totals.rows;
      json["seconds"] = static_cast<double>(totals.spent.ms) / 1000;
      json["rows_per_second"] = rows_per_second(totals);
      context.out.print_json(json);
    } else {
      context.out.print(describe_with_rate(totals));
    }
    return kExitDone;
  }

 private:
  bool once_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_load_verb() {
  return std::make_unique<LoadVerb>();
}

}  // namespace changevault
