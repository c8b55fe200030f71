#include <filesystem>

#include "archive/segment_feed.h"
#include "cli/ledger_warning.h"
#include "cli/progress.h"
#include "cli/reading_report.h"
#include "cli/record_options.h"
#include "cli/scope_options.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "codec/json.h"
#include "service/archive_files.h"
#include "service/beside_key.h"
#include "service/export_records.h"
#include "service/mapped_file.h"
#include "service/target_folder.h"

namespace changevault {
namespace {

class ExportVerb final : public Verb {
 public:
  std::string name() const override { return "export"; }
  std::string summary() const override { return "records of a scope as one file, here or in the store"; }
  std::string usage() const override {
    return "[DB [COLL]] [YYYY/MM[/DD [HH]]] | FILE  -o FILE | --to-store KEY [flags]";
  }
  std::string details() const override {
    return "JSON lines, gzip where the name ends in .gz. All that is read is proven by the ledger: whole "
           "segments, "
           "and of a short\n"
           "time within an hour only the blocks that can hold it, each by its own sha256. The file gets its "
           "name "
           "when all are.\n"
           "In the store it stands beside the archive, never in it, so that a warehouse can load it from its "
           "stage; a KEY that\n"
           "ends in '/' is a folder, and the name is made up.";
  }
  std::string examples() const override {
    return "changevault export inventory_db products 2025/01/15 --hours 10-15 -o products.jsonl.gz\n"
           "changevault export inventory_db 2025/01/15 --op delete -o deletes.jsonl\n"
           "changevault export inventory_db products --where full_document.price=5 --fields full_document -o "
           "fives.jsonl\n"
           "changevault export inventory_db products 2025/01/15 14 --to-store recovery/products-14.jsonl.gz";
  }
  void add_options(Options& options) override {
    scope_.add_to(options);
    records_.add_to(options);
    options.add_option("-o", file_, "write this file")->type_name("FILE");
    options.add_option("--to-store", key_, "create this object in the store, outside of store.root")
        ->type_name("KEY");
    options.add_flag("--overwrite", overwrite_, "with -o: replace a file that stands there");
  }

  Result<int> run(Context& context) override {
    CV_ASSIGN(const Scope scope, scope_.scope());
    CV_TRY(records_.read());
    if (file_.empty() == key_.empty()) {
      return Error(ErrorCode::kUsage,
                   file_.empty() ? "it is not said where to" : "-o and --to-store each say where to", "",
                   "give one: -o FILE for this machine, --to-store KEY for the store");
    }
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    CV_TRY(choose_key(context));
    CV_ASSIGN(const ArchivedFiles found, context.files_to_read(scope, records_.reading()));
    warn_of_damage(context.out, found.problems);
    CV_ASSIGN(const std::filesystem::path place, place_of(*store));
    CV_ASSIGN(const TargetFolder target, TargetFolder::open(place));
    const std::string name =
        key_.empty() ? std::filesystem::path(file_).filename().string() : "changevault-export";
    CV_ASSIGN(NewFile file, target.create(name, context.parts.random().nonce()));
    CV_ASSIGN(const ExportReport report, fill(context, *store, scope, found, file));
    if (report.records > 0) CV_TRY(key_.empty() ? keep(file) : put(*store, file, report));
    print(context, target, name, report, found);
    return ledger_exit(context.out, found.uncertain);
  }

 private:
  const std::string& wanted() const { return key_.empty() ? file_ : key_; }

  // Nothing but the archive lives below its root.
  Result<void> choose_key(Context& context) {
    if (key_.empty()) return {};
    if (key_.ends_with('/')) {
      std::string time = to_rfc3339_seconds(context.parts.clock().now());
      std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
      key_ += "export-" + time + "-" + context.parts.random().nonce().substr(0, 8) + ".jsonl.gz";
    }
    return check_key_beside(context.parts.layout(), key_);
  }

  // Where the bytes are gathered: beside the file they become, else where temporary files are.
  Result<std::filesystem::path> place_of(const ObjectStore& store) const {
    if (!key_.empty()) return std::filesystem::temp_directory_path();
    const std::filesystem::path path(file_);
    if (file_ == "-")
      return Error(ErrorCode::kUsage, "-o takes the name of a file", file_,
                   "records to standard output: changevault cat");
    if (!path.has_filename())
      return Error(ErrorCode::kUsage, "-o names a folder, not a file", file_,
                   "for example: -o events.jsonl.gz");
    std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
    CV_TRY(must_lie_outside_store(store.url(), folder));
    return folder;
  }

  Result<ExportReport> fill(Context& context, ObjectStore& store, const Scope& scope,
                            const ArchivedFiles& found, NewFile& file) {
    SegmentFeed feed(store, scope, context.stop);
    feed.complete_with(context.configuration.source.id);
    Progress progress(context.out, context.parts.clock());
    ExportOptions options;
    options.gzip = wanted().ends_with(".gz");
    options.gzip_level = context.configuration.archive.gzip_level;
    options.reading = records_.reading();
    if (records_.has_fields()) options.choose = [&](std::string_view line) { return records_.chosen(line); };
    options.reading.on_progress = [&](std::int64_t done, std::int64_t all) {
      progress.show([&] {
        return with_thousands(done) + " of " + counted(all, "file") + ", " +
               progress.rate(feed.records_read(), "record") + progress.remaining(done, all);
      });
    };
    return export_records(feed, found.files, options,
                          [&](std::string_view bytes) { return file.write(bytes); });
  }

  Result<void> keep(NewFile& file) const {
    CV_TRY(file.sync());
    Result<void> placed = file.place(overwrite_);
    if (placed || placed.error().code != ErrorCode::kAlreadyExists) return placed;
    Error error = placed.error();
    error.code = ErrorCode::kUsage;
    error.hint = "choose another name, or replace it with --overwrite";
    return error;
  }

  Result<void> put(ObjectStore& store, const NewFile& file, const ExportReport& report) const {
    CV_ASSIGN(const MappedFile mapped, MappedFile::of(file.file(), file.path()));
    const char* type = key_.ends_with(".gz") ? "application/gzip" : "application/x-ndjson";
    CV_ASSIGN(const PutOutcome outcome, store.put_if_absent(key_, mapped.bytes(), {type, {}, report.sha256}));
    if (outcome == PutOutcome::kCreated) return {};
    return Error(ErrorCode::kUsage, "an object stands there already; nothing was overwritten", key_,
                 "choose another name");
  }

  void print(Context& context, const TargetFolder& target, const std::string& name,
             const ExportReport& report, const ArchivedFiles& found) const {
    const auto files = static_cast<std::int64_t>(found.files.size());
    const bool by_ledger = found.by_ledger;
    const bool written = report.records > 0;
    const std::string place = key_.empty() ? target.describe(name) : key_;
    if (context.out.json_wanted()) {
      Json json = {{key_.empty() ? "path" : "key", written ? Json(place) : Json()},
                   {"records", report.records},
                   {"files", files},
                   {"text_bytes", report.text_bytes},
                   {"bytes", written ? report.bytes : 0},
                   {"sha256", written ? Json(report.sha256) : Json()}};
      add_reading(json, report.read, by_ledger);
      context.out.print_json(json);
    } else if (!written) {
      context.out.print("no record of the " + counted(files, "file") +
                        " is in the scope; nothing was written");
      context.out.print(describe_reading(report.read, by_ledger));
    } else {
      context.out.print(counted(report.records, "record") + " of " + counted(files, "file") + ", " +
                        human_bytes(report.bytes) + (key_.empty() ? " in " : " in the store as ") +
                        printable(place));
      context.out.print(describe_reading(report.read, by_ledger));
    }
  }

  ScopeOptions scope_;
  RecordOptions records_;
  std::string file_;
  std::string key_;
  bool overwrite_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_export_verb() {
  return std::make_unique<ExportVerb>();
}

}  // namespace changevault
