#include <algorithm>
#include <optional>
#include <tuple>

#include "cli/common_options.h"
#include "cli/csv.h"
#include "cli/ledger_warning.h"
#include "cli/scope_options.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "codec/json.h"
#include "service/archive_files.h"

namespace changevault {
namespace {

class LsVerb final : public Verb {
 public:
  std::string name() const override { return "ls"; }
  std::string summary() const override { return "what is archived: files, records, sizes"; }
  std::string usage() const override { return kScopeUsage; }
  std::string examples() const override {
    return "changevault ls\nchangevault ls inventory_db products 2025/01/15 14 --long\n"
           "changevault ls inventory_db --newest-first --limit 20\n"
           "changevault ls --dead-letters --date 2025-01-15..2025-01-17 --output json";
  }
  bool takes_csv() const override { return true; }
  void add_options(Options& options) override {
    scope_.add_to(options);
    options.add_flag("-l,--long", long_, "records per operation and the time of writing, too");
    options.add_option("--limit", limit_, "only this many files")->type_name("N")->whole_number();
    options.add_flag("--newest-first", newest_first_, "by hour, the newest first");
    options.add_flag("--dead-letters", dead_letters_, "messages that were no change events, kept apart");
  }

  Result<int> run(Context& context) override {
    CV_ASSIGN(const Scope scope, scope_.scope());
    if (dead_letters_) CV_TRY(refuse_what_letters_lack(scope));
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    const KeyLayout& layout = context.parts.layout();
    CV_ASSIGN(ArchivedFiles found, dead_letters_ ? dead_letter_files(*store, layout, scope)
                                                 : archived_files(*store, layout, scope));
    const auto all = static_cast<std::int64_t>(found.files.size());
    choose(found.files);
    warn_of_damage(context.out, found.problems);
    note_whole_files(context.out, scope);
    if (context.out.json_wanted()) {
      print_json(found, context.out);
    } else if (context.out.csv_wanted()) {
      CsvRows rows(context.out,
                   {"key", "database", "collection", "hour", "records", "operations", "bytes", "modified"});
      for (const ArchivedFile& file : found.files) rows.add(to_json(found, file));
    } else {
      print_table(found, scope, context.out);
    }
    if (const auto shown = static_cast<std::int64_t>(found.files.size()); shown < all)
      context.out.note("note: " + with_thousands(shown) + " of " + counted(all, "file") + ", by --limit");
    return ledger_exit(context.out, found.uncertain);
  }

 private:
  // Counts of the whole file, from the ledger.
  static Json operations_json(const ArchivedFiles& found, const ArchivedFile& file) {
    return found.by_ledger ? Json(file.operations) : Json(nullptr);
  }

  static std::string operation_words(const ArchivedFiles& found, const ArchivedFile& file) {
    if (!found.by_ledger) return "?";
    std::string out;
    for (const auto& [operation, records] : file.operations)
      out += (out.empty() ? "" : ", ") + printable(operation) + " " + with_thousands(records);
    return out;
  }

  Table empty_table() const {
    using Align = Table::Align;
    std::vector<Table::Column> columns{{"HOUR (UTC)"}, {"COLLECTION"}, {"RECORDS", Align::kRight}};
    if (long_) columns.push_back({"OPERATIONS"});
    columns.push_back({"SIZE", Align::kRight});
    if (long_) columns.push_back({"WRITTEN (UTC)"});
    columns.push_back({"FILE"});
    return Table(std::move(columns));
  }

  std::vector<std::string> row_of(const ArchivedFiles& found, const ArchivedFile& file) const {
    std::vector<std::string> row{human_time(file.hour.start()).substr(0, 13),
                                 dead_letters_ ? "" : to_string(file.ns),
                                 found.by_ledger ? with_thousands(file.segment.records) : "?"};
    if (long_) row.push_back(operation_words(found, file));
    row.push_back(human_bytes(file.bytes));
    if (long_) row.push_back(human_time(file.modified));
    row.push_back(file.segment.key.substr(file.segment.key.rfind('/') + 1));
    return row;
  }

  static Result<void> refuse_what_letters_lack(const Scope& scope) {
    const bool times_alone = scope.database.empty() && scope.collection.empty() && scope.operations.empty() &&
                             !scope.asks_content();
    if (times_alone) return {};
    return Error(ErrorCode::kUsage, "dead letters have no collection, no operation and no key",
                 printable(to_string(scope)), "give times alone, or nothing: changevault ls --dead-letters");
  }

  void choose(std::vector<ArchivedFile>& files) const {
    if (newest_first_) {
      std::ranges::stable_sort(files, [](const ArchivedFile& a, const ArchivedFile& b) {
        return std::tie(a.hour, a.latest) > std::tie(b.hour, b.latest);
      });
    }
    if (limit_ && static_cast<std::size_t>(*limit_) < files.size())
      files.resize(static_cast<std::size_t>(*limit_));
  }

  static Json to_json(const ArchivedFiles& found, const ArchivedFile& file) {
    Json json = {{"key", file.segment.key},
                 {"database", file.ns.database},
                 {"collection", file.ns.collection},
                 {"hour", to_string(file.hour)},
                 {"records", found.by_ledger ? Json(file.segment.records) : Json(nullptr)},
                 {"operations", operations_json(found, file)},
                 {"bytes", file.bytes},
                 {"modified", to_rfc3339(file.modified)}};
    if (file.adopted) json["adopted"] = true;
    return json;
  }

  static void print_json(const ArchivedFiles& found, Output& out) {
    Json segments = Json::array();
    std::int64_t records = 0;
    std::int64_t bytes = 0;
    for (const ArchivedFile& file : found.files) {
      segments.push_back(to_json(found, file));
      records += file.segment.records;
      bytes += file.bytes;
    }
    const std::size_t count = segments.size();
    out.print_json({{"segments", std::move(segments)},
                    {"total",
                     {{"segments", count},
                      {"records", found.by_ledger ? Json(records) : Json(nullptr)},
                      {"bytes", bytes}}}});
  }

  void print_table(const ArchivedFiles& found, const Scope& scope, Output& out) const {
    if (found.files.empty()) {
      out.print(dead_letters_
                    ? "no dead letters"
                    : "quiet: " + printable(to_string(scope)) + " is sealed and had no such events");
      return;
    }
    Table table = empty_table();
    std::int64_t records = 0;
    std::int64_t bytes = 0;
    for (const ArchivedFile& file : found.files) {
      table.add(row_of(found, file));
      records += file.segment.records;
      bytes += file.bytes;
    }
    table.fit(1, out);
    ignore_error(out.write(table.to_string()), "kept for flush");
    const auto count = static_cast<std::int64_t>(found.files.size());
    out.print(counted(count, "file") + (found.by_ledger ? ", " + counted(records, "record") : "") + ", " +
              human_bytes(bytes));
    if (!found.by_ledger)
      out.note("note: this archive has no ledger, so counts are not known without reading");
  }

  ScopeOptions scope_;
  bool long_ = false;
  std::optional<std::int64_t> limit_;
  bool newest_first_ = false;
  bool dead_letters_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_ls_verb() {
  return std::make_unique<LsVerb>();
}

}  // namespace changevault
