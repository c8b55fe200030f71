#include "cli/recovery_report.h"

#include <set>
#include <utility>

#include "cli/text.h"
#include "cli/verb.h"

namespace changevault {
namespace {

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
  return counted(static_cast<std::int64_t>(hours.size()), "hour") + " between " +
         human_time(hours.begin()->start()).substr(0, 16) + " and " +
         human_time(hours.rbegin()->end()).substr(0, 16) + " UTC";
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
    text += counted(check.duplicate, "planned event") + " there more than once (recover deletes no rows)";
  }
  return text;
}

}  // namespace

Json to_json(const RecoveryResult& result, std::int64_t gaps_left) {
  return {{"id", result.id},
          {"plan_hash", result.plan_hash},
          {"segments", result.segments},
          {"expected", result.expected},
          {"staged", result.staged},
          {"inserted", result.inserted},
          {"already_present", result.already_present},
          {"state", name(result.state)},
          {"gaps_left", gaps_left}};
}

void print_plan(Output& out, const RecoveryPlan& plan) {
  std::int64_t bytes = 0;
  for (const PlannedSegment& segment : plan.segments) bytes += segment.bytes;
  const auto line = [&](const char* title, const std::string& text) {
    out.print("  " + std::string(title) + std::string(14 - std::string_view(title).size(), ' ') + text);
  };
  out.print("recovery " + plan.id);
  line("scope", printable(to_string(plan.scope)));
  line("hours", describe_hours(plan));
  line("collections", describe_collections(plan));
  line("segments",
       counted(static_cast<std::int64_t>(plan.segments.size()), "segment") + ", " + human_bytes(bytes));
  line("rows expected", with_thousands(plan.expected.rows) + " (" + describe(plan.expected.operations) + ")");
  if (plan.expected.rows > plan.distinct) {
    line("repeats",
         with_thousands(plan.expected.rows - plan.distinct) + " given twice by the hub, kept once");
  }
  line("already there", with_thousands(plan.already_present));
  line("to insert", with_thousands(plan.new_rows()));
  line("plan hash", plan.hash());
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
  if (result.state == RecoveryState::kDone && !found.in_place) {
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
  if (found.without_ledger) {
    out.print("this archive has no ledger, so nothing says whether its files are all there were");
    return;
  }
  out.print(found.gaps_left == 0
                ? std::string("no gaps are left in ") +
                      (found.checked ? "this scope" : "what could be checked")
                : counted(found.gaps_left, "gap") + " left in this scope; look with: changevault gaps");
}

}  // namespace changevault
