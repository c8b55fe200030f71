#include "cli/daemon_words.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "service/jobs.h"

namespace changevault {
namespace {

class LoadVerb final : public Verb {
 public:
  std::string name() const override { return "load"; }
  std::string summary() const override { return "archive to warehouse, each segment once"; }
  std::string usage() const override { return "[--once]"; }
  std::string examples() const override { return "changevault load\nchangevault load --once --output json"; }
  void add_options(CLI::App& app) override {
    app.add_flag("--once", once_, "stop when everything listed is loaded");
  }
  Result<int> run(Context& context) override {
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    CV_ASSIGN(Warehouse* const warehouse, context.parts.warehouse());
    Loader loader(*store, context.parts.layout(), *warehouse, context.parts.clock(),
                  loader_options(context.configuration));
    if (!once_) context.out.note("loading into " + warehouse->url() + "; stop with Ctrl-C");
    Progress progress(context.out, context.parts.clock(), kDaemonLogInterval);
    loader.on_progress([&](const LoadTotals& totals) { progress.show([&] { return describe(totals); }); });
    CV_ASSIGN(const LoadTotals totals, loader.run(once_, context.stop));
    if (context.out.json_wanted()) {
      context.out.print_json(to_json(totals));
    } else {
      context.out.print(describe(totals));
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
