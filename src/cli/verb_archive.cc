#include "archive/chain.h"
#include "cli/daemon_words.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "codec/json.h"
#include "service/jobs.h"

namespace changevault {
namespace {

Result<void> check_archive_is_there(Parts& parts) {
  CV_ASSIGN(ObjectStore* const store, parts.store());
  Chain seals(*store, parts.layout().seal_chain());
  CV_ASSIGN(const Slot end, seals.find_end());
  if (end > Slot(0)) return {};
  return Error(ErrorCode::kUsage, "there is no archive here yet", store->url() + "/" + parts.layout().root(),
               "run 'changevault init' first; if there should be one, check store.url and store.root");
}

class ArchiveVerb final : public Verb {
 public:
  std::string name() const override { return "archive"; }
  std::string summary() const override { return "hub to archive, through the consumer group"; }
  std::string usage() const override { return "[--once [--close]] [--accept-loss] [--new-epoch [--yes]]"; }
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
  void add_options(Options& options) override {
    options.add_flag("--once", once_, "stop at the end of the hub");
    options.add_flag("--close", close_, "with --once: no more events come for the newest hour");
    options.add_flag("--accept-loss", accept_loss_,
                     "what the hub deleted before it was archived is listed as lost, and archiving goes on");
    options.add_flag(
        "--new-epoch", new_epoch_,
        "the hub was made again or set back: go on with its oldest event (one that is gone is made)");
    options.add_flag("--yes,-y", yes_, "with --new-epoch: make a hub that is gone without asking");
  }
  Result<int> run(Context& context) override {
    if (close_ && !once_) {
      return Error(ErrorCode::kUsage, "--close ends an import and goes with --once only", "",
                   "write: changevault archive --once --close");
    }
    CV_ASSIGN(const OpenMode mode_of_parts, open_mode(context));
    CV_ASSIGN(const Archiver::Parts parts, archiver_parts(context.parts, mode_of_parts));
    ArchiverOptions options = archiver_options(context.configuration, context.identity.owner());
    options.accept_loss = accept_loss_;
    options.new_epoch = new_epoch_;
    Archiver archiver(parts, options);
    archiver.on_notice([&](const std::string& words) { context.out.note(words); });
    if (!once_) context.out.note("archiving " + parts.hub.url() + "; stop with Ctrl-C");
    Progress progress(context.out, parts.clock, once_ ? kProgressInterval : kDaemonLogInterval);
    const std::int64_t waiting = once_ ? events_waiting(parts.hub, context.configuration.hub.group) : 0;
    archiver.on_progress([&](const ArchiveTotals& totals) {
      progress.show([&] {
        return describe(totals) + (once_ ? ", " + progress.rate(totals.events, "event") +
                                               progress.remaining(totals.events, waiting)
                                         : "");
      });
    });
    const ArchiveMode mode = close_  ? ArchiveMode::kOnceAndClose
                             : once_ ? ArchiveMode::kOnce
                                     : ArchiveMode::kFollow;
    CV_ASSIGN(const ArchiveTotals totals, archiver.run(mode, context.stop));
    if (context.out.json_wanted()) {
      context.out.print_json(to_json(totals));
    } else {
      context.out.print(describe(totals));
    }
    if (once_ && context.stop.stop_requested()) {
      return Error(ErrorCode::kCancelled, "stopped before the end of the hub", parts.hub.url(),
                   std::string("go on with: changevault archive --once") + (close_ ? " --close" : ""));
    }
    return kExitDone;
  }

 private:
  // For the picture of how far it is alone: the ledger decides where archiving begins. 0: not known.
  static std::int64_t events_waiting(Hub& hub, const std::string& group) {
    const Result<GroupDescription> described = hub.describe_group(group);
    std::int64_t lag = 0;
    if (described) {
      for (const GroupPosition& position : described->positions) lag += position.lag();
    }
    return lag;
  }

  // A hub is made only for an archive that is there, at a place that a person has seen named.
  Result<OpenMode> open_mode(Context& context) const {
    if (!new_epoch_) return OpenMode::kOpen;
    CV_TRY(check_archive_is_there(context.parts));
    const Result<Hub*> hub = context.parts.hub(OpenMode::kOpen);
    if (hub) return OpenMode::kOpen;
    const std::string& url = context.configuration.hub.url;
    if (yes_ || context.confirm("there is no hub at " + printable(url) + "; make a new, empty one there?"))
      return OpenMode::kReplace;
    return Error(ErrorCode::kUsage, hub.error().message, hub.error().object,
                 "nothing was made. If hub.url is wrong, correct it; to make a new, empty hub at " + url +
                     ": changevault archive --new-epoch --yes");
  }

  bool yes_ = false;
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
