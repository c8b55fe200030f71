#include <algorithm>

#include "base/mutex.h"
#include "cli/daemon_words.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "codec/json.h"
#include "service/jobs.h"
#include "service/supervisor.h"

namespace changevault {
namespace {

constexpr Duration kFirstPause = seconds(5);
constexpr Duration kLongestPause = minutes(1);

// What both jobs have done so far, on one line. Thread-safe.
class Screen {
 public:
  Screen(Output& out, Clock& clock) : progress_(out, clock, kDaemonLogInterval) {}

  void set(const ArchiveTotals& totals) CV_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    archived_ = totals;
  }
  void set(const LoadTotals& totals) CV_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    loaded_ = totals;
  }
  void show(const auto& totals) CV_EXCLUDES(mutex_) {
    set(totals);
    const MutexLock lock(mutex_);
    progress_.show([line = describe(archived_) + " · " + describe(loaded_)] { return line; });
  }
  ArchiveTotals archived() CV_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return archived_;
  }
  LoadTotals loaded() CV_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return loaded_;
  }

 private:
  Mutex mutex_;
  Progress progress_ CV_GUARDED_BY(mutex_);
  ArchiveTotals archived_ CV_GUARDED_BY(mutex_);
  LoadTotals loaded_ CV_GUARDED_BY(mutex_);
};

class RunVerb final : public Verb {
 public:
  std::string name() const override { return "run"; }
  std::string summary() const override { return "archive and load in one process"; }
  std::string usage() const override { return "[--accept-loss]"; }
  std::string details() const override {
    return "Runs until it is stopped (SIGTERM, Ctrl-C); what it holds is then written first. An error of "
           "the\n"
           "archiver stops both; while loading fails archiving goes on, and loading is tried again.";
  }
  std::string examples() const override { return "changevault run"; }
  void add_options(Options& options) override {
    options.add_flag("--accept-loss", accept_loss_,
                     "what the hub deleted before it was archived is listed as lost, and archiving goes on");
  }

  Result<int> run(Context& context) override {
    // Everything is opened here, before there are threads: Parts is not thread-safe, what it gives is.
    CV_ASSIGN(const Archiver::Parts parts, archiver_parts(context.parts));
    CV_ASSIGN(Warehouse* const warehouse, context.parts.warehouse());
    ArchiverOptions options = archiver_options(context.configuration, context.identity.owner());
    options.accept_loss = accept_loss_;
    Archiver archiver(parts, options);
    Loader loader(parts.store, parts.layout, *warehouse, parts.clock, loader_options(context.configuration));

    Screen screen(context.out, parts.clock);
    archiver.on_progress([&](const ArchiveTotals& totals) { screen.show(totals); });
    archiver.on_notice([&](const std::string& words) { context.out.note(words); });
    Duration pause = kFirstPause;  // behind a failure; of the loading thread, which tells its progress, too
    loader.on_progress([&](const LoadTotals& totals) {
      pause = kFirstPause;
      screen.show(totals);
    });

    Supervisor supervisor;
    supervisor.add("archive", [&](std::stop_token stop) -> Result<void> {
      CV_ASSIGN(const ArchiveTotals totals, archiver.run(ArchiveMode::kFollow, stop));
      screen.set(totals);
      return {};
    });
    supervisor.add("load", [&](std::stop_token stop) -> Result<void> {
      // The archive must go on whatever the warehouse does: what the hub deletes meanwhile would be lost.
      for (;; pause = std::min(milliseconds(2 * pause.ms), kLongestPause)) {
        const Result<LoadTotals> totals = loader.run(false, stop);
        if (totals) {
          screen.set(*totals);
          return {};
        }
        if (stop.stop_requested()) return totals.error();
        context.out.note("load: " + printable(totals.error().to_string()) +
                         "; archiving goes on, loading is tried again in " + to_string(pause));
        if (!parts.clock.sleep(pause, stop)) return totals.error();
      }
    });
    context.out.note("archiving " + context.configuration.hub.url + " and loading " +
                     context.configuration.warehouse.url + "; stop with Ctrl-C");
    CV_TRY(supervisor.run(context.stop));
    if (context.out.json_wanted()) {
      context.out.print_json({{"archive", to_json(screen.archived())}, {"load", to_json(screen.loaded())}});
    } else {
      context.out.print("stopped: " + describe(screen.archived()) + "; " + describe(screen.loaded()));
    }
    return kExitDone;
  }

 private:
  bool accept_loss_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_run_verb() {
  return std::make_unique<RunVerb>();
}

}  // namespace changevault
