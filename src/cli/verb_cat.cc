#include <algorithm>
#include <limits>
#include <optional>

#include "archive/segment_feed.h"
#include "cli/common_options.h"
#include "cli/field_selection.h"
#include "cli/ledger_warning.h"
#include "cli/pretty_json.h"
#include "cli/scope_options.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "service/archive_files.h"
#include "service/last_records.h"
#include "service/object_lines.h"

namespace changevault {
namespace {

class CatVerb final : public Verb {
 public:
  std::string name() const override { return "cat"; }
  std::string summary() const override { return "archived records to stdout"; }
  std::string usage() const override { return kScopeOrFileUsage; }
  std::string details() const override {
    return "Each file is proven against the ledger while it is read; a damaged one ends with exit code 4.\n"
           "FILE is a name that ls prints, or a whole key; of dead letters, too.";
  }
  std::string examples() const override {
    return "changevault cat inventory_db products 2025/01/15 14\n"
           "changevault cat --op delete --date 2025-01-15 --limit 3 --pretty\n"
           "changevault cat inventory_db products --last 10 --fields "
           "enqueued_time,operation_type,full_document.price\n"
           "changevault cat inventory_db orders --key '{\"_id\":\"42\"}' | jq .raw_event";
  }
  void add_options(CLI::App& app) override {
    scope_.add_to(app);
    app.add_option("--limit", limit_, "stop after this many records")->type_name("N")->check(whole_number());
    app.add_option("--last", last_, "the newest records, newest first")
        ->type_name("N")
        ->check(whole_number());
    app.add_option("--fields", fields_, "only these fields: event_id,full_document.price")->type_name("LIST");
    app.add_flag("--pretty", pretty_, "records over several lines");
  }

  Result<int> run(Context& context) override {
    CV_ASSIGN(const Scope scope, scope_.scope());
    if (limit_ && last_)
      return Error(ErrorCode::kUsage, "--limit counts from the beginning, --last from the end", "",
                   "give one of them");
    if (fields_) {
      CV_ASSIGN(selection_, FieldSelection::parse(*fields_));
    }
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    const KeyLayout& layout = context.parts.layout();
    Result<ArchivedFiles> found = archived_files(*store, layout, scope);
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
    SegmentFeed feed(*store, scope, context.stop);
    std::int64_t printed = 0;
    if (last_) {
      CV_ASSIGN(printed, print_last(context, *found, feed));
    } else {
      CV_ASSIGN(printed, print_first(context, *found, feed));
    }
    CV_TRY(context.out.flush());
    if (printed == 0 && limit_.value_or(last_.value_or(1)) > 0)
      context.out.note("no record of the " + counted(static_cast<std::int64_t>(found->files.size()), "file") +
                       " is in the scope");
    return ledger_exit(context.out, found->uncertain);
  }

 private:
  Result<void> print(Context& context, std::string_view line) {
    std::string chosen;
    if (selection_) chosen = selection_->select(line);
    const std::string_view record = selection_ ? std::string_view(chosen) : line;
    CV_TRY(context.out.write(pretty_ ? pretty_json(record) : std::string(record)));
    return context.out.write("\n");
  }

  Result<std::int64_t> print_first(Context& context, const ArchivedFiles& found, SegmentFeed& feed) {
    const std::int64_t limit = limit_.value_or(std::numeric_limits<std::int64_t>::max());
    std::int64_t printed = 0;
    for (const ArchivedFile& file : found.files) {
      if (printed >= limit) break;
      const Result<void> read = feed.read(file.segment, [&](const RecordView& record) -> Result<void> {
        CV_TRY(print(context, record.line));
        if (++printed < limit) return {};
        return Error(ErrorCode::kCancelled, "enough was read");  // the way to end a reading early
      });
      if (!read.has_value() && printed < limit) return read.error();
      if (context.out.failed()) return context.out.flush().error();
    }
    return printed;
  }

  Result<std::int64_t> print_last(Context& context, const ArchivedFiles& found, SegmentFeed& feed) {
    CV_ASSIGN(const std::vector<std::string> lines, last_records(found.files, feed, *last_));
    for (const std::string& line : lines) CV_TRY(print(context, line));
    return static_cast<std::int64_t>(lines.size());
  }

  // Their lines are no records, so there are no fields to choose and no times to sort by.
  Result<int> print_dead_letters(Context& context, ObjectStore& store, const ArchivedFiles& letters) {
    if (last_ || selection_)
      return Error(ErrorCode::kUsage, "dead letters are no records", letters.files.front().segment.key,
                   "leave out --last and --fields");
    std::int64_t left = limit_.value_or(std::numeric_limits<std::int64_t>::max());
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
  std::optional<std::int64_t> limit_;
  std::optional<std::int64_t> last_;
  std::optional<std::string> fields_;
  std::optional<FieldSelection> selection_;
  bool pretty_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_cat_verb() {
  return std::make_unique<CatVerb>();
}

}  // namespace changevault
