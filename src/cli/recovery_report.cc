#include "cli/recovery_report.h"

#include <set>
#include <utility>

#include "cli/csv.h"
#include "cli/gap_report.h"
#include "cli/text.h"
#include "cli/verb.h"
#include "codec/json.h"

namespace changevault {
namespace {

constexpr std::size_t kCellsShown = 10;
constexpr std::size_t kFilesShown = 10;

std::string describe(const OperationCounts& operations) {
  std::string text;
  for (const auto& [operation, count] : operations) {
    text += (text.empty() ? "" : ", ") + printable(operation) + " " + with_thousands(count);
  }
  return text;
}

std::string describe_collections(const RecoveryPlan& plan) {
  std::set<Namespace> names;
  for (const PlannedSegment& segment : plan.segments) names.insert(segment.ns);
  if (!plan.cells.empty()) names.clear();
  for (const PlannedCell& cell : plan.cells) names.insert(cell.ns);
  std::string text = counted(static_cast<std::int64_t>(names.size()), "collection") + ": ";
  std::size_t named = 0;
  for (const Namespace& ns : names) {
    if (named == 5) return text + ", …";
    text += (named++ == 0 ? "" : ", ") + printable(to_string(ns));
  }
  return text;
}

std::string describe_hours(const RecoveryPlan& plan) {
  std::set<Hour> hours;
  for (const PlannedSegment& segment : plan.segments) hours.insert(segment.hour);
  if (!plan.cells.empty()) hours.clear();
  for (const PlannedCell& cell : plan.cells) hours.insert(cell.hour);
  return counted(static_cast<std::int64_t>(hours.size()), "hour") + " between " +
         human_time(hours.begin()->start()).substr(0, 16) + " and " +
         human_time(hours.rbegin()->end()).substr(0, 16) + " UTC";
}

std::int64_t bytes_of(const RecoveryPlan& plan) {
  std::int64_t bytes = 0;
  for (const PlannedSegment& segment : plan.segments) bytes += segment.bytes;
  return bytes;
}

// What each hour of each collection has and gets; the first of them, and all together.
void print_cells(Output& out, const RecoveryPlan& plan) {
  if (plan.cells.empty()) return;
  Table table({{"collection"},
               {"hour (UTC)"},
               {plan.files                    ? "files"
                : plan.scope.is_whole_hours() ? "archive"
                                              : "in scope",
                Table::Align::kRight},
               {"warehouse", Table::Align::kRight},
               {"already there", Table::Align::kRight},
               {"new", Table::Align::kRight}});
  const auto add = [&](const std::string& what, const std::string& hour, const PlannedCell& cell) {
    table.add({what, hour, with_thousands(cell.archive), with_thousands(cell.warehouse),
               with_thousands(cell.already_present), with_thousands(cell.new_rows())});
  };
  PlannedCell sum;
  for (std::size_t i = 0; i < plan.cells.size(); ++i) {
    const PlannedCell& cell = plan.cells[i];
    sum.archive += cell.archive;
    sum.warehouse += cell.warehouse;
    sum.distinct += cell.distinct;
    sum.already_present += cell.already_present;
    if (i < kCellsShown)
      add(printable(to_string(cell.ns)), human_time(cell.hour.start()).substr(0, 16), cell);
  }
  const auto all = static_cast<std::int64_t>(plan.cells.size());
  if (plan.cells.size() > kCellsShown)
    table.add({"… and " + with_thousands(all - static_cast<std::int64_t>(kCellsShown)) + " more", "", "", "",
               "", ""});
  if (plan.cells.size() > 1) add("all " + with_thousands(all), "", sum);
  table.fit(0, out);
  ignore_error(out.write(table.to_string()), "the output keeps its first failure for the end of the program");
}

Json cell_json(const PlannedCell& cell) {
  return {{"hour", to_string(cell.hour)},
          {"database", cell.ns.database},
          {"collection", cell.ns.collection},
          {"archive", cell.archive},
          {"warehouse", cell.warehouse},
          {"already_present", cell.already_present},
          {"new", cell.new_rows()}};
}

void print_files(Output& out, const RecoveryPlan& plan) {
  if (!plan.files) return;
  for (std::size_t i = 0; i < plan.segments.size() && i < kFilesShown; ++i) {
    const PlannedSegment& file = plan.segments[i];
    out.print("  " + printable(file.key) + "  " + counted(file.records, "record") + ", " +
              human_bytes(file.bytes) + ", sha256 " + file.sha256);
  }
  if (plan.segments.size() > kFilesShown)
    out.print("  … and " +
              counted(static_cast<std::int64_t>(plan.segments.size() - kFilesShown), "more file"));
  const FileProof& proof = *plan.files;
  out.print("what vouches for them");
  out.print("  " + with_thousands(proof.archived) + " are in the archive with the same content");
  if (proof.changed > 0)
    out.print(out.paint(Color::kYellow, "  " + with_thousands(proof.changed) +
                                            " are in the archive with other content (--accept-changed)"));
  if (proof.unknown > 0)
    out.print(
        out.paint(Color::kYellow, "  " + with_thousands(proof.unknown) +
                                      " are not in the archive: nothing proves them, and gaps will call "
                                      "them extra"));
  if (proof.unreadable > 0)
    out.print("  " + counted(proof.unreadable, "archived file") + " could not be read to compare with");
}

Result<void> print_sample(Context& context, const std::string& side_table) {
  CV_ASSIGN(Warehouse* const warehouse, context.parts.warehouse());
  CV_ASSIGN(const SqlTable rows,
            warehouse->sql("SELECT enqueued_time, operation_type, database_name, collection_name, "
                           "document_key FROM " +
                           side_table + " ORDER BY enqueued_time, sequence_number LIMIT 10"));
  Table table({{"ENQUEUED (UTC)"}, {"OPERATION"}, {"COLLECTION"}, {"DOCUMENT KEY"}});
  for (const auto& row : rows.rows) {
    const auto text = [&](std::size_t i) { return printable(row[i].value_or("")); };
    table.add({text(0), text(1), text(2) + "." + text(3), text(4)});
  }
  return context.out.write(table.to_string());
}

std::string describe_check(const CheckedStep& check) {
  std::string text;
  if (check.missing > 0) text = counted(check.missing, "planned event") + " not there";
  if (check.missing > 0 && check.duplicate > 0) text += " and ";
  if (check.duplicate > 0) {
    text +=
        counted(check.duplicate, "planned event") + " there more than once (see recover --remove-duplicates)";
  }
  return text;
}

}  // namespace

Json to_json(const RecoveryResult& result, std::int64_t gaps_left) {
  Json json{{"id", result.id},
            {"plan_hash", result.plan_hash},
            {"segments", result.segments},
            {"expected", result.expected},
            {"staged", result.staged},
            {"inserted", result.inserted},
            {"already_present", result.already_present},
            {"state", name(result.state)},
            {"gaps_left", gaps_left}};
  if (result.done_before) json["done_before"] = to_rfc3339(*result.done_before);
  return json;
}

Json plan_json(const RecoveryPlan& plan) {
  Json json = to_json(as_planned(plan), 0);
  json["gaps_left"] = nullptr;  // nothing was counted again
  json["new"] = plan.new_rows();
  json["bytes"] = bytes_of(plan);
  Json cells = Json::array();
  for (const PlannedCell& cell : plan.cells) cells.push_back(cell_json(cell));
  json["cells"] = std::move(cells);
  if (!plan.files) return json;
  Json files = Json::array();
  for (const PlannedSegment& file : plan.segments)
    files.push_back(
        {{"file", file.key}, {"records", file.records}, {"bytes", file.bytes}, {"sha256", file.sha256}});
  json["files"] = std::move(files);
  json["archived"] = plan.files->archived;
  json["changed"] = plan.files->changed;
  json["unknown"] = plan.files->unknown;
  json["unreadable"] = plan.files->unreadable;
  return json;
}

void print_plan(Output& out, const RecoveryPlan& plan) {
  const auto line = [&](const char* title, const std::string& text) {
    out.print("  " + std::string(title) + std::string(14 - std::string_view(title).size(), ' ') + text);
  };
  out.print("recovery " + plan.id);
  line("scope", printable(to_string(plan.scope)));
  line("hours", describe_hours(plan));
  line("collections", describe_collections(plan));
  line(plan.files ? "files" : "segments",
       counted(static_cast<std::int64_t>(plan.segments.size()), plan.files ? "file" : "segment") + ", " +
           human_bytes(bytes_of(plan)) + " to read");
  line("rows expected", with_thousands(plan.expected.rows) + " (" + describe(plan.expected.operations) + ")");
  if (plan.expected.rows > plan.distinct) {
    line("repeats",
         with_thousands(plan.expected.rows - plan.distinct) +
             (plan.files ? " more than once in the files, kept once" : " given twice by the hub, kept once"));
  }
  line("already there", with_thousands(plan.already_present));
  line("to insert", with_thousands(plan.new_rows()));
  line("plan hash", plan.hash());
  print_cells(out, plan);
  print_files(out, plan);
}

void print_plan_csv(Output& out, const RecoveryPlan& plan) {
  CsvRows rows(out, {"hour", "database", "collection", "archive", "warehouse", "already_present", "new"});
  for (const PlannedCell& cell : plan.cells) rows.add(cell_json(cell));
}

// Where the rows stand, and the first of them.
Result<int> report_staged(Context& context, const RecoveryResult& result) {
  Output& out = context.out;
  Json tables = Json::array();
  for (const std::string& chunk : result.chunks)
    tables.push_back(context.configuration.warehouse.table + "_recovery_" + chunk);
  if (out.json_wanted()) {
    Json document = to_json(result, 0);
    document["gaps_left"] = nullptr;  // nothing is merged, so nothing was counted again
    document["side_tables"] = std::move(tables);
    out.print_json(document);
    return kExitDone;
  }
  out.print(out.paint(Color::kYellow, "staged") + ": " + counted(result.staged, "row") + " in " +
            (tables.size() == 1
                 ? "the side table "
                 : counted(static_cast<std::int64_t>(tables.size()), "side table") + ", the first is ") +
            tables[0].get<std::string>() + "; nothing is inserted yet");
  CV_TRY(print_sample(context, tables[0].get<std::string>()));
  out.print("look at all of them with: changevault sql 'SELECT * FROM " + tables[0].get<std::string>() + "'");
  out.print("insert them with:         changevault recover --resume " + result.id);
  out.print("give them up with:        changevault recover --discard " + result.id);
  return kExitDone;
}

void print_result(Output& out, const RecoveryResult& result, const RecoveryFinding& found) {
  if (result.done_before) {
    out.print("nothing was done: this recovery ended at " + human_time(*result.done_before) +
              "; it inserted " + counted(result.inserted, "row") + " then");
  } else if (result.state == RecoveryState::kDone && !found.in_place) {
    out.print(out.paint(Color::kYellow, "not all in place") + ": " + counted(result.inserted, "row") +
              " inserted, " + with_thousands(result.already_present) +
              " already there, some at a wrong place");
  } else if (result.state == RecoveryState::kDone) {
    out.print(out.paint(Color::kGreen, "done") + ": " + counted(result.inserted, "row") + " inserted, " +
              with_thousands(result.already_present) +
              " already there; every planned event is there exactly once");
  } else {
    out.print(out.paint(Color::kRed, "failed") + ": " + counted(result.inserted, "row") + " inserted, but " +
              describe_check(result.check));
  }
  if (found.not_covered) {
    out.print("the archive knows nothing of these hours, so nothing says whether this is all");
    return;
  }
  if (found.without_ledger) out.print(kNoLedger);
  out.print(found.gaps_left == 0
                ? std::string("no gaps are left in ") +
                      (found.checked ? "this scope" : "what could be checked")
                : counted(found.gaps_left, "gap") + " left in this scope; look with: changevault gaps");
}

}  // namespace changevault
