#include <algorithm>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "cli/csv.h"
#include "cli/ledger_warning.h"
#include "cli/progress.h"
#include "cli/scope_options.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "codec/json.h"
#include "service/archive_files.h"
#include "service/download.h"
#include "service/target_folder.h"

namespace changevault {
namespace {

class GetVerb final : public Verb {
 public:
  std::string name() const override { return "get"; }
  std::string summary() const override { return "archived files to this machine, byte for byte"; }
  std::string usage() const override {
    return "[DB [COLL]] [YYYY/MM[/DD [HH]]] | FILE  -d DIR | -o FILE [flags]";
  }
  std::string details() const override {
    return "Below DIR the folders are those of the archive. Files are copied whole and each is read back and "
           "checked "
           "by\n"
           "the ledger's sha256 before it gets its name. What is there already and equal is skipped, so "
           "running it "
           "again\n"
           "brings only what is missing; a different file is refused without --overwrite.";
  }
  std::string examples() const override {
    return "changevault get inventory_db products 2025/01/15 -d restored\n"
           "changevault get --pattern '*/2025/01/*/14-*' -d restored --output json\n"
           "changevault get inventory_db products 2025/01/15 14 -o products-14.jsonl.gz";
  }
  bool takes_csv() const override { return true; }
  void add_options(Options& options) override {
    scope_.add_to(options);
    options.add_option("-d", directory_, "write below this folder, made where it is missing")
        ->type_name("DIR");
    options.add_option("-o", file_, "write the one file of the scope to this one")->type_name("FILE");
    options.add_flag("--overwrite", overwrite_, "replace files that stand there and differ");
  }

  Result<int> run(Context& context) override {
    CV_ASSIGN(const Scope scope, scope_.scope());
    if (directory_.empty() == file_.empty()) {
      return Error(ErrorCode::kUsage,
                   directory_.empty() ? "it is not said where to" : "-d and -o each say where to", "",
                   "give one: -d DIR for all files, -o FILE for a single one");
    }
    if (file_ == "-") {
      return Error(ErrorCode::kUsage, "-o takes the name of a file", file_,
                   "records to standard output: changevault cat");
    }
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    CV_ASSIGN(const ArchivedFiles found, archived_files(*store, context.parts.layout(), scope));
    warn_of_damage(context.out, found.problems);
    if (found.files.empty()) return print_quiet(context, scope);
    note_whole_files(context.out, scope);
    const std::filesystem::path place =
        file_.empty() ? std::filesystem::path(directory_) : std::filesystem::path(file_).parent_path();
    CV_ASSIGN(const std::vector<DownloadRequest> requests, requests_of(found, context.parts.layout()));
    CV_TRY(must_lie_outside_store(store->url(), place));
    CV_ASSIGN(const TargetFolder target, TargetFolder::open(place));
    CV_ASSIGN(const int code, fetch(context, *store, target, requests));
    const int known = ledger_exit(context.out, found.uncertain);
    return code == kExitDone ? known : code;
  }

 private:
  struct Sum {
    std::int64_t written = 0;
    std::int64_t already_there = 0;
    std::int64_t failed = 0;
    std::int64_t different = 0;  // of those: another file stands there
    std::int64_t records = 0;
    std::int64_t bytes = 0;
    int code = kExitDone;
  };

  static Result<int> print_quiet(Context& context, const Scope& scope) {
    if (context.out.json_wanted()) {
      context.out.print_json({{"files", Json::array()}, {"total", to_json(Sum())}});
    } else if (context.out.csv_wanted()) {
      csv_rows(context.out);
    } else {
      context.out.print("quiet: " + printable(to_string(scope)) +
                        " is sealed and had no such events, so no file");
    }
    return kExitDone;
  }

  Result<std::vector<DownloadRequest>> requests_of(const ArchivedFiles& found,
                                                   const KeyLayout& layout) const {
    if (!file_.empty() && found.files.size() > 1) {
      return Error(ErrorCode::kUsage,
                   "the scope has " + counted(static_cast<std::int64_t>(found.files.size()), "file") +
                       ", -o takes one",
                   file_, "say -d DIR, or name one file as ls prints it");
    }
    std::vector<DownloadRequest> requests;
    for (const ArchivedFile& file : found.files) {
      requests.push_back({file, file_.empty() ? file.segment.key.substr(layout.archive_prefix().size())
                                              : std::filesystem::path(file_).filename().string()});
    }
    return requests;
  }

  Result<int> fetch(Context& context, ObjectStore& store, const TargetFolder& target,
                    const std::vector<DownloadRequest>& requests) const {
    Output& out = context.out;
    Progress progress(out, context.parts.clock());
    std::int64_t all_bytes = 0;
    for (const DownloadRequest& request : requests) all_bytes += request.file.bytes;
    DownloadOptions options;
    options.overwrite = overwrite_;
    options.parallel = store.concurrency();
    // Few files do not leave requests unused.
    options.ranges_at_once =
        std::max(1, options.parallel / static_cast<int>(std::max<std::size_t>(1, requests.size())));
    options.stop = context.stop;
    options.on_progress = [&](std::int64_t fetched) {
      progress.show([&] {
        return progress.byte_rate(fetched) + " of " + human_bytes(all_bytes) +
               progress.remaining(std::min(fetched, all_bytes), all_bytes);
      });
    };
    Sum sum;
    Json files = Json::array();
    std::optional<CsvRows> csv;
    if (out.csv_wanted()) csv.emplace(csv_rows(out));
    const Result<void> result =
        download(store, context.parts.random(), target, requests, options, [&](const DownloadedFile& file) {
          add(sum, file);
          if (out.json_wanted()) {
            files.push_back(to_json(file));
          } else if (csv) {
            csv->add(to_json(file));
          } else {
            print_line(out, file);
          }
        });
    if (!result) {
      return Error(result.error().code, "stopped; " + counted(sum.written, "file") + " written so far", "",
                   "run the same command again: what is there already is skipped");
    }
    if (out.json_wanted()) {
      out.print_json({{"files", std::move(files)}, {"total", to_json(sum)}});
    } else if (!csv) {
      print_sum(out, sum);
    }
    return sum.code;
  }

  static void add(Sum& sum, const DownloadedFile& file) {
    sum.written += file.outcome == DownloadedFile::Outcome::kWritten ? 1 : 0;
    sum.already_there += file.outcome == DownloadedFile::Outcome::kAlreadyThere ? 1 : 0;
    if (!file.error) {
      sum.records += file.records;
      sum.bytes += file.bytes;
      return;
    }
    ++sum.failed;
    // Wrong bytes weigh most, then what may go better next time.
    const ErrorCode code = file.error->code;
    sum.different += code == ErrorCode::kAlreadyExists ? 1 : 0;
    const int exit = code == ErrorCode::kAlreadyExists ? kExitUsage : exit_code(code);
    const auto weight = [](int of) {
      return of == kExitFailed ? 3 : of == exit_code(ErrorCode::kUnreachable) ? 2 : of == kExitDone ? 0 : 1;
    };
    if (weight(exit) > weight(sum.code)) sum.code = exit;
  }

  static Json to_json(const DownloadedFile& file) {
    Json json = {{"key", file.key}, {"path", file.path}, {"state", changevault::name(file.outcome)}};
    if (file.error) {
      json["error"] = {{"code", changevault::name(file.error->code)},
                       {"message", file.error->message},
                       {"object", file.error->object},
                       {"hint", file.error->hint}};
      return json;
    }
    json["records"] = file.records;
    json["bytes"] = file.bytes;
    json["checked"] = file.checked;
    return json;
  }

  static Json to_json(const Sum& sum) {
    return {{"files", sum.written + sum.already_there},
            {"written", sum.written},
            {"already_there", sum.already_there},
            {"failed", sum.failed},
            {"records", sum.records},
            {"bytes", sum.bytes}};
  }

  static CsvRows csv_rows(Output& out) {
    return CsvRows(out,
                   {"key", "path", "state", "records", "bytes", "checked", "error.code", "error.message"});
  }

  static void print_line(Output& out, const DownloadedFile& file) {
    if (file.error) {
      out.print(out.paint(Color::kRed, "FAILED ") + " " + printable(file.path));
      out.print("        " + printable(file.error->to_string()));
      if (!file.error->hint.empty()) out.print("        hint: " + printable(file.error->hint));
      return;
    }
    const bool written = file.outcome == DownloadedFile::Outcome::kWritten;
    out.print(fmt::format("{} {:>9} records {:>10}  {} ok  {}", written ? "written" : "there  ",
                          with_thousands(file.records), human_bytes(file.bytes), file.checked,
                          printable(file.path)));
  }

  static void print_sum(Output& out, const Sum& sum) {
    out.print(counted(sum.written + sum.already_there, "file") + ", " + counted(sum.records, "record") +
              ", " + human_bytes(sum.bytes) +
              (sum.already_there > 0 ? " (" + with_thousands(sum.already_there) + " already there)" : ""));
    const std::int64_t others = sum.failed - sum.different;
    if (sum.different > 0) {
      out.print(out.paint(Color::kRed, counted(sum.different, "file") + " not written") +
                ": another file stands there; replace with --overwrite, or choose another place");
    }
    if (others > 0) {
      out.print(out.paint(Color::kRed, counted(others, "file") + " failed") +
                "; run the same command again to try only these");
    }
  }

  ScopeOptions scope_;
  std::string directory_;
  std::string file_;
  bool overwrite_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_get_verb() {
  return std::make_unique<GetVerb>();
}

}  // namespace changevault
