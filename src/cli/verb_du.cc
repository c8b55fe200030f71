#include <algorithm>
#include <map>

#include "cli/csv.h"
#include "cli/ledger_warning.h"
#include "cli/scope_options.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "codec/json.h"
#include "service/archive_files.h"

namespace changevault {
namespace {

struct Usage {
  std::int64_t segments = 0;
  std::int64_t records = 0;
  std::int64_t bytes = 0;
  std::int64_t text_bytes = 0;
  Usage& operator+=(const ArchivedFile& file) {
    ++segments;
    records += file.segment.records;
    bytes += file.bytes;
    text_bytes += file.text_bytes;
    return *this;
  }
};

// How deep the tree goes: the place of a file as its database, collection, day and hour.
enum class Depth : std::size_t { kDatabase = 1, kCollection, kDay, kHour };
using Place = std::vector<std::string>;

constexpr const char* kLevels[] = {"database", "collection", "day", "hour"};

Place place_of(const ArchivedFile& file, Depth depth) {
  const std::string hour = to_string(file.hour);
  Place place{file.ns.database, file.ns.collection, hour.substr(0, 10), hour};
  place.resize(static_cast<std::size_t>(depth));
  return place;
}

// A bar of everything; rows with a name of usual length stay within 80 cells.
constexpr std::int64_t kBarCells = 16;
constexpr std::size_t kLongestName = 80;

class DuVerb final : public Verb {
 public:
  std::string name() const override { return "du"; }
  std::string summary() const override { return "how much is archived: segments, records, bytes as a tree"; }
  std::string usage() const override { return kScopeUsage; }
  std::string details() const override {
    return "Files are counted whole: one that holds a record of the scope counts with all of its records.";
  }
  std::string examples() const override {
    return "changevault du\nchangevault du inventory_db --by day\n"
           "changevault du --date 2025-01-15 --by hour --output json";
  }
  bool takes_csv() const override { return true; }
  void add_options(Options& options) override {
    scope_.add_to(options);
    options.add_option("--by", by_, "how deep: database, collection, day or hour (default: collection)")
        ->one_of({"database", "collection", "day", "hour"})
        ->type_name("LEVEL");
  }

  Result<int> run(Context& context) override {
    CV_ASSIGN(const Scope scope, scope_.scope());
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    CV_ASSIGN(const ArchivedFiles found, archived_files(*store, context.parts.layout(), scope));
    warn_of_damage(context.out, found.problems);
    note_whole_files(context.out, scope);
    if (context.out.json_wanted()) {
      print_json(context.out, found);
    } else if (context.out.csv_wanted()) {
      print_csv(context.out, found);
    } else if (found.files.empty()) {
      context.out.print("quiet: " + printable(to_string(scope)) + " is sealed and had no such events");
    } else {
      print_tree(context.out, found);
    }
    return ledger_exit(context.out, found.uncertain);
  }

 private:
  Depth depth() const {
    std::size_t level = 0;
    while (by_ != kLevels[level]) ++level;
    return static_cast<Depth>(level + 1);
  }

  static Json to_json(const Usage& usage, bool by_ledger) {
    return {{"segments", usage.segments},
            {"records", by_ledger ? Json(usage.records) : Json(nullptr)},
            {"bytes", usage.bytes},
            {"text_bytes", by_ledger ? Json(usage.text_bytes) : Json(nullptr)}};
  }

  // One for each place of the depth asked for.
  Json entries_of(const ArchivedFiles& found) const {
    std::map<Place, Usage> leaves;
    for (const ArchivedFile& file : found.files) leaves[place_of(file, depth())] += file;
    Json entries = Json::array();
    for (const auto& [place, usage] : leaves) {
      Json entry = Json::object();
      for (std::size_t i = 0; i < place.size(); ++i) entry[kLevels[i]] = place[i];
      entry.update(to_json(usage, found.by_ledger));
      entries.push_back(std::move(entry));
    }
    return entries;
  }

  static Usage total_of(const ArchivedFiles& found) {
    Usage total;
    for (const ArchivedFile& file : found.files) total += file;
    return total;
  }

  void print_json(Output& out, const ArchivedFiles& found) const {
    out.print_json(
        {{"by", by_}, {"entries", entries_of(found)}, {"total", to_json(total_of(found), found.by_ledger)}});
  }

  void print_csv(Output& out, const ArchivedFiles& found) const {
    std::vector<std::string> columns(kLevels, kLevels + static_cast<std::size_t>(depth()));
    columns.insert(columns.end(), {"segments", "records", "bytes", "text_bytes"});
    CsvRows rows(out, std::move(columns));
    for (const Json& entry : entries_of(found)) rows.add(entry);
  }

  // Every level has its line, the parents before their children.
  void print_tree(Output& out, const ArchivedFiles& found) const {
    std::map<Place, Usage> nodes;
    for (const ArchivedFile& file : found.files) {
      for (std::size_t level = 1; level <= static_cast<std::size_t>(depth()); ++level)
        nodes[place_of(file, static_cast<Depth>(level))] += file;
    }
    using Align = Table::Align;
    Table table({{"ARCHIVED"},
                 {"SEGMENTS", Align::kRight},
                 {"RECORDS", Align::kRight},
                 {"SIZE", Align::kRight},
                 {"TEXT", Align::kRight},
                 {"SHARE", Align::kRight},
                 {""}});
    const Usage total = total_of(found);
    const auto add = [&](const std::string& name, const Usage& usage) {
      table.add({name, with_thousands(usage.segments), found.by_ledger ? with_thousands(usage.records) : "?",
                 human_bytes(usage.bytes), found.by_ledger ? human_bytes(usage.text_bytes) : "?",
                 share(usage.bytes, total.bytes), picture(usage.bytes, total.bytes)});
    };
    for (const auto& [place, usage] : nodes) add(title(place), usage);
    add("total", total);
    table.fit(0, out);
    ignore_error(out.write(table.to_string()), "kept for flush");
    if (!found.by_ledger)
      out.note("note: this archive has no ledger, so counts are not known without reading");
  }

  static std::string share(std::int64_t bytes, std::int64_t all) {
    const std::int64_t percent = all == 0 ? 0 : (bytes * 200 + all) / (2 * all);
    return percent == 0 && bytes > 0 ? "< 1 %" : std::to_string(percent) + " %";
  }

  // What is there is seen, however small.
  static std::string picture(std::int64_t bytes, std::int64_t all) {
    if (bytes <= 0 || all <= 0) return "";
    return std::string(static_cast<std::size_t>(std::max<std::int64_t>(1, bytes * kBarCells / all)), '#');
  }

  static std::string title(const Place& place) {
    const std::string indent(2 * (place.size() - 1), ' ');
    if (place.size() == static_cast<std::size_t>(Depth::kHour))
      return indent + place.back().substr(11, 2) + ":00";
    if (place.back().empty()) return indent + (place.size() == 1 ? "(no database)" : "(no collection)");
    return indent + shortened(printable(place.back()), kLongestName);
  }

  ScopeOptions scope_;
  std::string by_ = "collection";
};

}  // namespace

std::unique_ptr<Verb> make_du_verb() {
  return std::make_unique<DuVerb>();
}

}  // namespace changevault
