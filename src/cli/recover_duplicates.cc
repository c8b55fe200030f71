#include "cli/recover_duplicates.h"

#include <algorithm>
#include <utility>

#include "cli/csv.h"
#include "cli/gap_problems.h"
#include "cli/plan_files.h"
#include "cli/text.h"
#include "cli/verb.h"
#include "codec/json.h"

namespace changevault {
namespace {

constexpr std::size_t kExamples = 5;
constexpr std::size_t kCellsShown = 10;

void line(Output& out, const char* title, const std::string& text) {
  out.print("  " + std::string(title) + std::string(14 - std::string_view(title).size(), ' ') + text);
}

Json examples_json(const std::vector<DuplicateExample>& examples) {
  Json list = Json::array();
  for (const DuplicateExample& example : examples) {
    Json json = {{"event_id", example.event_id}, {"rows", example.rows}};
    if (!example.differs.empty()) json["differs"] = example.differs;
    list.push_back(std::move(json));
  }
  return list;
}

Json cell_json(const DuplicateCell& cell) {
  return {{"hour", cell.hour ? Json(to_string(*cell.hour)) : Json(nullptr)},
          {"database", cell.ns.database},
          {"collection", cell.ns.collection},
          {"ids", cell.ids},
          {"rows", cell.rows},
          {"to_remove", cell.rows - cell.ids},
          {"unequal_ids", cell.unequal_ids},
          {"unequal_rows", cell.unequal_rows}};
}

void print_plan_csv(Output& out, const RemovalPlan& plan) {
  CsvRows rows(out,
               {"hour", "database", "collection", "ids", "rows", "to_remove", "unequal_ids", "unequal_rows"});
  for (const DuplicateCell& cell : plan.cells) rows.add(cell_json(cell));
}

Json plan_json(const FoundDuplicates& found) {
  const RemovalPlan& plan = found.plan;
  Json cells = Json::array();
  for (const DuplicateCell& cell : plan.cells) cells.push_back(cell_json(cell));
  return {{"id", plan.id},
          {"plan_hash", plan.hash()},
          {"ids", plan.sum.ids},
          {"rows", plan.sum.rows},
          {"to_remove", plan.to_remove()},
          {"removed", 0},
          {"unequal_rows", plan.unequal_rows()},
          {"state", "planned"},
          {"cells", std::move(cells)},
          {"examples", examples_json(found.examples)},
          {"unequal", examples_json(found.unequal)}};
}

void print_cells(Output& out, const RemovalPlan& plan) {
  Table table({{"collection"},
               {"hour (UTC)"},
               {"event_ids", Table::Align::kRight},
               {"rows", Table::Align::kRight},
               {"to remove", Table::Align::kRight},
               {"differing rows, kept", Table::Align::kRight}});
  const auto add = [&](const std::string& what, const std::string& hour, const DuplicateCell& cell) {
    table.add({what, hour, with_thousands(cell.ids), with_thousands(cell.rows),
               with_thousands(cell.rows - cell.ids), with_thousands(cell.unequal_rows)});
  };
  DuplicateCell sum;
  for (std::size_t i = 0; i < plan.cells.size(); ++i) {
    const DuplicateCell& cell = plan.cells[i];
    sum.ids += cell.ids;
    sum.rows += cell.rows;
    sum.unequal_rows += cell.unequal_rows;
    if (i < kCellsShown)
      add(printable(to_string(cell.ns)),
          cell.hour ? human_time(cell.hour->start()).substr(0, 16) : "no usable time", cell);
  }
  if (plan.cells.size() > 1)
    add(plan.cells.size() > kCellsShown
            ? "all " + with_thousands(static_cast<std::int64_t>(plan.cells.size()))
            : "all",
        "", sum);
  table.fit(0, out);
  ignore_error(out.write(table.to_string()), "the output keeps its first failure for the end of the program");
}

void print_examples(Output& out, const char* title, const std::vector<DuplicateExample>& examples) {
  if (examples.empty()) return;
  out.print(title);
  for (const DuplicateExample& example : examples) {
    out.print("  " + printable(example.event_id) + "  " + counted(example.rows, "row") +
              (example.differs.empty() ? "" : ", different in " + example.differs));
  }
}

void print_plan(Output& out, const FoundDuplicates& found) {
  const RemovalPlan& plan = found.plan;
  if (out.csv_wanted()) return print_plan_csv(out, plan);
  out.print("removal " + plan.id);
  line(out, "scope", printable(to_string(plan.scope)));
  line(out, "stand twice",
       counted(plan.sum.ids, "event_id") + " in " + counted(plan.sum.rows, "row") +
           ", equal in every column of the record");
  line(out, "to remove", counted(plan.to_remove(), "row") + "; the first of each event_id stays");
  if (plan.unequal_rows() > 0)
    line(out, "not touched", counted(plan.unequal_rows(), "row") + " of event_ids whose rows differ");
  line(out, "plan hash", plan.hash());
  print_cells(out, plan);
  print_examples(out, "for example", found.examples);
  print_examples(out, "rows that differ are never removed; look at them with: changevault audit --event ID",
                 found.unequal);
}

// Rows that the archive does not hold are a matter of their own: they are named, and left alone.
Result<void> tell_of_strangers(Context& context, const Scope& scope) {
  CV_ASSIGN(const bool unknown, is_without_ledger(context));
  if (unknown) return {};
  const Result<Coverage> found = gaps_now(context, scope);
  if (!found && found.error().code == ErrorCode::kIndeterminate) return {};
  if (!found) return found.error();
  std::int64_t extra = 0;
  for (const GapCell& cell : found->cells) extra += cell.numbers.extra;
  if (extra == 0) return {};
  context.out.note(counted(extra, "row") +
                   " that the archive does not hold there: strangers, never removed by this");
  std::size_t shown = 0;
  for (const auto& [at, ids] : found->strangers) {
    for (const std::string& id : ids) {
      if (shown++ == kExamples) return {};
      const GapCell& cell = found->cells[at];
      context.out.note("  " + printable(id) + "  " + printable(to_string(found->ns(cell))) + " " +
                       human_time(cell.hour.start()).substr(0, 16));
    }
  }
  return {};
}

Result<int> report(Context& context, const RemovalPlan& plan, const RemovalResult& result) {
  Output& out = context.out;
  std::optional<std::int64_t> gaps_left;
  CV_ASSIGN(const bool unknown, is_without_ledger(context));
  if (!unknown) {
    const Result<Coverage> again = gaps_now(context, plan.scope);
    if (!again && again.error().code != ErrorCode::kIndeterminate) {
      Error error = again.error();
      error.message =
          "the rows are removed and proven, but the gaps left could not be counted: " + error.message;
      error.hint = "count them with: changevault gaps";
      return error;
    }
    if (again) complain_of_problems(out, *again);
    if (again) gaps_left = again->gaps();
  }
  const bool done = result.state == RecoveryState::kDone;
  if (out.json_wanted()) {
    Json json{{"id", result.id},
              {"plan_hash", result.plan_hash},
              {"ids", result.ids},
              {"to_remove", result.planned},
              {"removed", result.removed},
              {"state", name(result.state)},
              {"gaps_left", gaps_left ? Json(*gaps_left) : Json(nullptr)}};
    if (result.done_before) json["done_before"] = to_rfc3339(*result.done_before);
    out.print_json(json);
  } else if (result.done_before) {
    out.print("nothing was done: this removal ended at " + human_time(*result.done_before) + "; it removed " +
              counted(result.removed, "row") + " then");
  } else if (done) {
    out.print(out.paint(Color::kGreen, "done") + ": " + counted(result.removed, "row") + " removed; " +
              counted(result.ids, "event_id") + " stood more than once and each stands exactly once now");
  } else {
    out.print(out.paint(Color::kRed, "failed") + ": " + with_thousands(result.removed) + " of " +
              counted(result.planned, "row") + " removed; " + counted(result.check.duplicate, "event_id") +
              " still there more than once, " + with_thousands(result.check.missing) + " not there any more");
  }
  if (!out.json_wanted() && gaps_left) {
    out.print(*gaps_left == 0
                  ? "no gaps are left in this scope"
                  : counted(*gaps_left, "gap") + " left in this scope; look with: changevault gaps");
  }
  if (!done) return kExitFailed;
  return gaps_left.value_or(0) > 0 ? kExitGaps : kExitDone;
}

Result<Remover> make_remover(Context& context, Progress& progress) {
  CV_ASSIGN(ObjectStore* const store, context.parts.store());
  CV_ASSIGN(Warehouse* const warehouse, context.parts.warehouse());
  Remover remover(
      {*store, context.parts.layout(), *warehouse, context.parts.clock(), context.parts.random()});
  remover.on_progress([&progress](std::int64_t done, std::int64_t all) {
    progress.show([&] {
      return "removing: " + with_thousands(done) + " of " + counted(all, "part") +
             progress.remaining(done, all);
    });
  });
  return remover;
}

// A transaction for about as much as a load's, at 8 KiB a row.
RemovalOptions options_of(const Context& context) {
  constexpr std::int64_t kRow = std::int64_t{8} << 10;
  return {.rows_of_part = std::max<std::int64_t>(1, context.configuration.load.batch_bytes / kRow)};
}

Result<int> decide(Context& context, const FoundDuplicates& found, const RecoverFlags& flags) {
  Output& out = context.out;
  if (found.plan.cells.empty()) {
    if (out.json_wanted()) out.print_json(plan_json(found));
    if (out.csv_wanted()) print_plan_csv(out, found.plan);
    if (!out.json_wanted() && !out.csv_wanted()) out.print("no event_id of this scope stands more than once");
    CV_TRY(tell_of_strangers(context, found.plan.scope));
    return kExitDone;
  }
  if (!out.json_wanted()) print_plan(out, found);
  CV_TRY(tell_of_strangers(context, found.plan.scope));
  if (flags.plan_only && !flags.save.empty()) CV_TRY(save_plan_file(encode_plan(found.plan), flags.save));
  if (found.plan.to_remove() == 0) {
    if (out.json_wanted()) out.print_json(plan_json(found));
    out.note("nothing can be removed: the rows of each event_id differ");
    return kExitGaps;
  }
  if (!agreed(context, flags, "remove " + counted(found.plan.to_remove(), "row") + "?")) {
    if (out.json_wanted()) out.print_json(plan_json(found));
    if (flags.plan_only) return kExitDone;
    out.note("nothing was changed; say --yes to remove without being asked");
    return kExitUsage;
  }
  Progress progress(out, context.parts.clock());
  CV_ASSIGN(Remover remover, make_remover(context, progress));
  CV_ASSIGN(const RemovalResult result, remover.run(found.plan, context.stop, options_of(context)));
  return report(context, found.plan, result);
}

RemovalRequest request_of(const Context& context, const std::string& id, const Scope& scope) {
  return {id, scope, context.parts.clock().now(), actor_of(context)};
}

}  // namespace

Result<int> remove_duplicates(Context& context, const Scope& scope, const RecoverFlags& flags) {
  CV_ASSIGN(Warehouse* const warehouse, context.parts.warehouse());
  const std::string id = make_recovery_id(context.parts.clock().now(), context.parts.random());
  CV_ASSIGN(const FoundDuplicates found, plan_removal(request_of(context, id, scope), *warehouse, kExamples));
  return decide(context, found, flags);
}

Result<int> apply_removal(Context& context, const RemovalPlan& plan, const RecoverFlags& flags) {
  CV_ASSIGN(Warehouse* const warehouse, context.parts.warehouse());
  CV_ASSIGN(FoundDuplicates now,
            plan_removal(request_of(context, plan.id, plan.scope), *warehouse, kExamples));
  if (now.plan.hash() != plan.hash()) {
    return Error(ErrorCode::kStalePlan,
                 "the warehouse is not what the plan says: it has " + counted(now.plan.to_remove(), "row") +
                     " to remove now, the plan " + with_thousands(plan.to_remove()) +
                     "; rows that differ: " + with_thousands(now.plan.unequal_rows()) + " now, " +
                     with_thousands(plan.unequal_rows()) + " in the plan",
                 "recovery " + plan.id,
                 "make the plan anew with: changevault recover --remove-duplicates SCOPE --plan=FILE");
  }
  now.plan = plan;
  return decide(context, now, flags);
}

Result<int> resume_removal(Context& context, const RemovalPlan& plan) {
  Progress progress(context.out, context.parts.clock());
  CV_ASSIGN(Remover remover, make_remover(context, progress));
  CV_ASSIGN(const RemovalResult result,
            remover.resume(plan, actor_of(context), context.stop, options_of(context)));
  return report(context, plan, result);
}

Result<int> discard_removal(Context& context, const RemovalPlan& plan) {
  Progress progress(context.out, context.parts.clock());
  CV_ASSIGN(Remover remover, make_remover(context, progress));
  CV_ASSIGN(const std::int64_t removed, remover.discard(plan, actor_of(context)));
  if (context.out.json_wanted()) {
    context.out.print_json({{"id", plan.id}, {"state", "failed"}, {"removed", removed}});
  } else {
    context.out.print("removal " + plan.id + " was given up; " +
                      (removed == 0 ? "it had removed nothing"
                                    : counted(removed, "row") + " that it had removed are gone"));
  }
  return kExitDone;
}

}  // namespace changevault
