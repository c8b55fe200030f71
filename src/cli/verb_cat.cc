#include <limits>

#include "archive/segment_feed.h"
#include "cli/common_options.h"
#include "cli/pretty_json.h"
#include "cli/progress.h"
#include "cli/scope_options.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "service/archive_files.h"

namespace changevault {
namespace {

class CatVerb final : public Verb {
 public:
  std::string name() const override { return "cat"; }
  std::string summary() const override { return "archived records to stdout"; }
  std::string usage() const override { return kScopeUsage; }
  std::string details() const override {
    return "Each file is proven against the ledger while it is read; a damaged one ends with exit code 4.";
  }
  std::string examples() const override {
    return "changevault cat inventory_db products 2025/01/15 14\n"
           "changevault cat --op delete --date 2025-01-15 --limit 3 --pretty\n"
           "changevault cat inventory_db orders --key '{\"_id\":\"42\"}' | jq .raw_event";
  }
  void add_options(CLI::App& app) override {
    scope_.add_to(app);
    app.add_option("--limit", limit_, "stop after this many records")->type_name("N")->check(whole_number());
    app.add_flag("--pretty", pretty_, "records over several lines");
  }

  Result<int> run(Context& context) override {
    CV_ASSIGN(const Scope scope, scope_.scope());
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    CV_ASSIGN(const ArchivedFiles found, archived_files(*store, context.parts.layout(), scope));
    if (found.files.empty()) {
      context.out.note("quiet: " + to_string(scope) + " is sealed and had no such events");
      return kExitDone;
    }
    SegmentFeed feed(*store, scope, context.stop);
    std::int64_t printed = 0;
    bool enough = limit_ == 0;
    const auto each = [&](const RecordView& record) -> Result<void> {
      CV_TRY(context.out.write(pretty_ ? pretty_json(record.line) : std::string(record.line)));
      CV_TRY(context.out.write("\n"));
      enough = ++printed == limit_;
      if (enough) return Error(ErrorCode::kCancelled, "enough was read");  // the way to end a reading early
      return {};
    };
    for (const ArchivedFile& file : found.files) {
      if (enough) break;
      const Result<void> read = feed.read(file.segment, each);
      if (!read.has_value() && !enough) return read.error();
    }
    CV_TRY(context.out.flush());
    if (printed == 0 && limit_ > 0)
      context.out.note("no record of the " + counted(count(found), "file") + " is in the scope");
    return kExitDone;
  }

 private:
  static std::int64_t count(const ArchivedFiles& found) {
    return static_cast<std::int64_t>(found.files.size());
  }

  ScopeOptions scope_;
  std::int64_t limit_ = std::numeric_limits<std::int64_t>::max();
  bool pretty_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_cat_verb() {
  return std::make_unique<CatVerb>();
}

}  // namespace changevault
