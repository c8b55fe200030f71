#include <filesystem>

#include "cli/progress.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "codec/json.h"
#include "net/url_text.h"
#include "service/configuration.h"
#include "service/copy_archive.h"
#include "service/target_folder.h"

namespace changevault {
namespace {

class CopyVerb final : public Verb {
 public:
  std::string name() const override { return "copy"; }
  std::string summary() const override { return "the archive with its ledger to another store"; }
  std::string usage() const override { return "--to URL [flags]"; }
  std::string details() const override {
    return "Every file is proven by the ledger's sha256 on its way; the ledger comes last. Nothing is "
           "overwritten at the\n"
           "destination, and the source is only read. Run again, it brings what is missing or new; so an "
           "archive that\n"
           "is still written to is copied twice, the second time with 'archive' stopped. Then set store.url "
           "to it.";
  }
  std::string examples() const override {
    return "changevault copy --to azure://myaccount/archive\n"
           "changevault copy --to file:/backup/archive --set store.url=azure://myaccount/archive";
  }
  void add_options(Options& options) override {
    options.add_option("--to", to_, "the other store, written as store.url is; made where it is missing")
        ->type_name("URL");
    options.add_option("--to-secret-file", secret_file_, "as store.secret_file, for the other store")
        ->type_name("FILE");
  }

  Result<int> run(Context& context) override {
    if (to_.empty())
      return Error(ErrorCode::kUsage, "it is not said where to", "",
                   "name the other store: changevault copy --to URL");
    CV_ASSIGN(ObjectStore* const from, context.parts.store());
    CV_ASSIGN(const std::string wanted, store_url(to_, std::filesystem::current_path()));
    CV_TRY(must_be_apart(from->url(), wanted));
    CV_ASSIGN(const std::unique_ptr<ObjectStore> to,
              context.parts.other_store(to_, secret_file_, OpenMode::kCreate));
    CV_TRY(must_be_apart(from->url(), to->url()));
    CopyOptions options;
    options.memory = context.configuration.archive.memory;
    options.stop = context.stop;
    Progress progress(context.out, context.parts.clock());
    options.on_progress = [&](std::int64_t objects, std::int64_t bytes) {
      progress.show([&] { return progress.rate(objects, "file") + ", " + progress.byte_rate(bytes); });
    };
    Result<CopyReport> copied = copy_archive(*from, *to, context.parts.layout(), options);
    if (!copied) return interrupted(copied.error());
    return report(context, *to, *copied);
  }

 private:
  // Neither place is the other, nor inside of it: what is written would be read again.
  static Result<void> must_be_apart(const std::string& from, const std::string& to) {
    constexpr std::string_view kFile = "file:";
    if (from.starts_with(kFile) && to.starts_with(kFile)) {
      CV_TRY(must_lie_outside_store(from, to.substr(kFile.size())));
      return must_lie_outside_store(to, from.substr(kFile.size()));
    }
    const std::string ours = from + "/";
    const std::string theirs = to + "/";
    if (!ours.starts_with(theirs) && !theirs.starts_with(ours)) return {};
    return Error(ErrorCode::kUsage, "the archive and its copy would lie in each other", without_secrets(to),
                 "name a place of its own");
  }

  static Error interrupted(Error error) {
    if (error.code != ErrorCode::kCancelled) return error;
    error.message = "stopped; the destination is no archive before all is there";
    error.hint = "run the same command again: what is there already is skipped";
    return error;
  }

  static Result<int> report(Context& context, const ObjectStore& to, const CopyReport& report) {
    Output& out = context.out;
    const bool nothing = report.copied + report.already_there == 0 && report.problems.empty();
    if (nothing) {
      return Error(ErrorCode::kIndeterminate, "there is no archive to copy", "",
                   "correct store.url and store.root in the configuration");
    }
    const int code = !report.problems.empty() ? kExitFailed : kExitDone;
    if (out.json_wanted()) {
      out.print_json(to_json(to, report));
      return code;
    }
    for (const CopyProblem& problem : report.problems)
      out.print(out.paint(Color::kRed, "FAILED ") + " " + printable(problem.error.to_string()));
    out.print(counted(report.copied, "file") + " copied, " + human_bytes(report.bytes) + "; " +
              with_thousands(report.already_there) + " already there; " + with_thousands(report.proven) +
              " proven by the ledger");
    if (!report.problems.empty()) {
      out.print(
          "the ledger was not copied: the destination is no archive until these are settled; see "
          "'changevault verify'");
    } else if (!report.by_ledger) {
      out.print("this archive has no ledger: its files were copied as they are");
    } else {
      out.print("next: changevault verify --set store.url=" + without_secrets(to.url()) +
                ", then write that into the configuration");
    }
    return code;
  }

  static Json to_json(const ObjectStore& to, const CopyReport& report) {
    Json problems = Json::array();
    for (const CopyProblem& problem : report.problems)
      problems.push_back({{"kind", changevault::name(problem.error.code)},
                          {"key", problem.key},
                          {"detail", problem.error.message}});
    return {{"to", to.url()},
            {"copied", report.copied},
            {"already_there", report.already_there},
            {"bytes", report.bytes},
            {"proven", report.proven},
            {"by_ledger", report.by_ledger},
            {"complete", report.complete},
            {"problems", std::move(problems)}};
  }

  std::string to_;
  std::string secret_file_;
};

}  // namespace

std::unique_ptr<Verb> make_copy_verb() {
  return std::make_unique<CopyVerb>();
}

}  // namespace changevault
