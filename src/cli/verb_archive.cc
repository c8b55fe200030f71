#include "cli/daemon_words.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "service/jobs.h"

namespace changevault {
namespace {

class ArchiveVerb final : public Verb {
 public:
  std::string name() const override { return "archive"; }
  std::string summary() const override { return "hub to archive, through the consumer group"; }
  std::string usage() const override { return "[--once [--close]] [--accept-loss] [--new-epoch]"; }
  std::string details() const override {
    return "Runs until it is stopped; what it holds is then written first. Killed anywhere, the next run "
           "goes on\n"
           "without a loss and without archiving an event twice. Any number of them may run: they share the\n"
           "partitions of the hub, and a partition whose archiver dies or stalls goes to another one.";
  }
  std::string examples() const override {
    return "changevault archive\nchangevault archive --once --close      after an import: the newest hour "
           "can be sealed";
  }
  void add_options(CLI::App& app) override {
    app.add_flag("--once", once_, "stop at the end of the hub");
    app.add_flag("--close", close_, "with --once: no more events come for the newest hour");
    app.add_flag("--accept-loss", accept_loss_,
                 "what the hub deleted before it was archived is listed as lost, and archiving goes on");
    app.add_flag(
        "--new-epoch", new_epoch_,
        "the hub was made again or set back: go on with its oldest event (one that is gone is made)");
  }
  Result<int> run(Context& context) override {
    if (close_ && !once_) {
      return Error(ErrorCode::kUsage, "--close ends an import and goes with --once only", "",
                   "write: changevault archive --once --close");
    }
    CV_ASSIGN(const Archiver::Parts parts,
              archiver_parts(context.parts, new_epoch_ ? OpenMode::kCreate : OpenMode::kOpen));
    ArchiverOptions options = archiver_options(context.configuration, context.identity.owner());
    options.accept_loss = accept_loss_;
    options.new_epoch = new_epoch_;
    Archiver archiver(parts, options);
    archiver.on_notice([&](const std::string& words) { context.out.note(words); });
    if (!once_) context.out.note("archiving " + parts.hub.url() + "; stop with Ctrl-C");
    Progress progress(context.out, parts.clock, kDaemonLogInterval);
    archiver.on_progress(
        [&](const ArchiveTotals& totals) { progress.show([&] { return describe(totals); }); });
    const ArchiveMode mode = close_  ? ArchiveMode::kOnceAndClose
                             : once_ ? ArchiveMode::kOnce
                                     : ArchiveMode::kFollow;
    CV_ASSIGN(const ArchiveTotals totals, archiver.run(mode, context.stop));
    if (context.out.json_wanted()) {
      context.out.print_json(to_json(totals));
    } else {
      context.out.print(describe(totals));
    }
    return kExitDone;
  }

 private:
  bool once_ = false;
  bool close_ = false;
  bool accept_loss_ = false;
  bool new_epoch_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_archive_verb() {
  return std::make_unique<ArchiveVerb>();
}

}  // namespace changevault
