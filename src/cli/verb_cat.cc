#include <limits>

#include "archive/segment_feed.h"
#include "cli/ledger_warning.h"
#include "cli/pretty_json.h"
#include "cli/progress.h"
#include "cli/reading_report.h"
#include "cli/record_options.h"
#include "cli/scope_options.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "service/archive_files.h"
#include "service/object_lines.h"
#include "service/record_reading.h"

namespace changevault {
namespace {

class CatVerb final : public Verb {
 public:
  std::string name() const override { return "cat"; }
  std::string summary() const override { return "archived records to stdout"; }
  std::string usage() const override { return kScopeOrFileUsage; }
  std::string details() const override {
    return "What is read is proven against the ledger; damage ends with exit code 4. Of a file of which only "
           "a "
           "short time or a few\n"
           "records are asked for, only the blocks that can hold them are fetched, each proven by its own "
           "sha256.\n"
           "--where compares values, not text: 5 is 5.0 and {\"$numberLong\":\"5\"}. VALUE is JSON, and what "
           "is no "
           "JSON is a text;\n"
           "null also means that the field is not there.\n"
           "FILE is a name that ls prints, or a whole key; of dead letters, too.\n"
           "Of an archive without a ledger the records' own time counts, whatever clock its folders follow: "
           "files "
           "are read once\n"
           "to learn it. With --limit or --last only the folders of that time are looked at.";
  }
  std::string examples() const override {
    return "changevault cat inventory_db products 2025/01/15 14\n"
           "changevault cat --op delete --date 2025-01-15 --limit 3 --pretty\n"
           "changevault cat inventory_db products --last 10 --fields "
           "enqueued_time,operation_type,full_document.price\n"
           "changevault cat inventory_db products 2025/01/15 --where full_document.price=5 --where "
           "operation_type=insert\n"
           "changevault cat inventory_db orders --key '{\"_id\":\"42\"}' | jq .raw_event";
  }
  void add_options(Options& options) override {
    scope_.add_to(options);
    records_.add_to(options);
    options.add_flag("--pretty", pretty_, "records over several lines");
  }

  Result<int> run(Context& context) override {
    CV_ASSIGN(const Scope scope, scope_.scope());
    CV_TRY(records_.read());
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    const KeyLayout& layout = context.parts.layout();
    Result<ArchivedFiles> found = context.files_to_read(scope, records_.reading());
    if (!found && found.error().code == ErrorCode::kIndeterminate && scope_.names_file()) {
      CV_ASSIGN(const ArchivedFiles letters, dead_letter_files(*store, layout, scope));
      if (letters.files.empty()) return found.error();
      warn_of_damage(context.out, letters.problems);
      return print_dead_letters(context, *store, letters);
    }
    if (!found) return found.error();
    warn_of_damage(context.out, found->problems);
    if (found->files.empty()) {
      context.out.note("quiet: " + to_string(scope) + " is sealed and had no such events");
      return kExitDone;
    }
    ReadingOptions reading = records_.reading();
    reading.proven_first = true;  // what stands on stdout cannot be taken back
    SegmentFeed feed(*store, scope, context.stop);
    feed.complete_with(context.configuration.source.id);
    std::int64_t printed = 0;
    Progress progress(context.out, context.parts.clock());
    CV_ASSIGN(const ReadTally tally, read_records(found->files, feed, reading, [&](std::string_view line) {
                ++printed;
                // Records on the same screen are progress enough.
                if (!context.out.terminal().out && printed % 1024 == 0)
                  progress.show([&] { return progress.rate(printed, "record"); });
                return print(context, line);
              }));
    CV_TRY(context.out.flush());
    if (!tally.cut_short) {
      const std::string none = "no record of the " +
                               counted(static_cast<std::int64_t>(found->files.size()), "file") +
                               " is in the scope";
      context.out.note((printed == 0 ? none : counted(printed, "record")) + "; " +
                       describe_reading(tally, found->by_ledger));
    }
    return ledger_exit(context.out, found->uncertain);
  }

 private:
  Result<void> print(Context& context, std::string_view line) {
    const std::string record = records_.chosen(line);
    CV_TRY(context.out.write(pretty_ ? pretty_json(record) : record));
    return context.out.write("\n");
  }

  // Their lines are no records, so there are no fields to choose and no times to sort by.
  Result<int> print_dead_letters(Context& context, ObjectStore& store, const ArchivedFiles& letters) {
    if (records_.needs_records())
      return Error(ErrorCode::kUsage, "dead letters are no records", letters.files.front().segment.key,
                   "leave out --last, --newest-first and --fields");
    std::int64_t left = records_.limit().value_or(std::numeric_limits<std::int64_t>::max());
    for (const ArchivedFile& file : letters.files) {
      if (left <= 0) break;
      const Result<void> read =
          for_each_line_of(store, file.segment, context.stop, [&](std::string_view line) -> Result<void> {
            CV_TRY(print(context, line));
            if (--left > 0) return {};
            return Error(ErrorCode::kCancelled, "enough was read");
          });
      if (!read.has_value() && left > 0) return read.error();
    }
    return kExitDone;
  }

  ScopeOptions scope_;
  RecordOptions records_;
  bool pretty_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_cat_verb() {
  return std::make_unique<CatVerb>();
}

}  // namespace changevault
