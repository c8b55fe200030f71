#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "archive/repair.h"
#include "archive/repair_journal.h"
#include "cli/progress.h"
#include "cli/scope_options.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "codec/json.h"
#include "recovery/audit.h"

namespace changevault {
namespace {

namespace fs = std::filesystem;

// A side table that a recovery left behind.
struct DeadStage {
  std::string id;
  std::string why;
  bool droppable = false;
};

// "20250116t081500z_1a2b3c4d_c002" is a part of the recovery without the last word.
const PastRecovery* recovery_of(const std::vector<PastRecovery>& recoveries, const std::string& stage) {
  for (const PastRecovery& past : recoveries) {
    if (stage == past.id || stage.starts_with(past.id + "_c")) return &past;
  }
  return nullptr;
}

Result<std::vector<DeadStage>> dead_stages(Context& context) {
  CV_ASSIGN(ObjectStore* const store, context.parts.store());
  CV_ASSIGN(Warehouse* const warehouse, context.parts.warehouse());
  CV_ASSIGN(const std::vector<std::string> stages, warehouse->stages());
  std::vector<DeadStage> out;
  if (stages.empty()) return out;
  CV_ASSIGN(const std::vector<PastRecovery> recoveries, past_recoveries(*store, context.parts.layout()));
  for (const std::string& stage : stages) {
    const PastRecovery* past = recovery_of(recoveries, stage);
    if (past == nullptr) {
      out.push_back({stage, "no recovery of this archive is called so"});
    } else if (past->state() == "done" || past->state() == "failed") {
      out.push_back({stage, "its recovery is over (" + past->state() + ")", true});
    } else {
      out.push_back(
          {stage, "its recovery did not end; end it with: changevault recover --resume " + past->id});
    }
  }
  return out;
}

Json to_json(const RepairItem& item) {
  return {{"action", name(item.action)}, {"key", item.key},        {"bytes", item.bytes},
          {"sha256", item.sha256},       {"problem", item.detail}, {"sources", item.sources}};
}

Json to_json(const std::vector<RepairRefusal>& refusals) {
  Json out = Json::array();
  for (const RepairRefusal& refusal : refusals)
    out.push_back({{"key", refusal.key}, {"problem", refusal.problem}, {"advice", refusal.advice}});
  return out;
}

// What a repair works on and what came of it.
struct Work {
  RepairPlan plan;
  std::vector<DeadStage> stages;
  RepairOutcome outcome;
  std::vector<std::string> dropped;
  const char* state = "nothing to do";

  bool empty() const {
    return plan.items.empty() &&
           std::none_of(stages.begin(), stages.end(), [](const DeadStage& s) { return s.droppable; });
  }
  std::int64_t count(RepairAction action) const {
    return std::count_if(plan.items.begin(), plan.items.end(),
                         [&](const RepairItem& item) { return item.action == action; });
  }
};

class RepairVerb final : public Verb {
 public:
  std::string name() const override { return "repair"; }
  std::string summary() const override { return "put right in the archive what can be, without guessing"; }
  std::string usage() const override { return kScopeUsage; }
  std::string details() const override {
    return "Verifies the scope, shows what it can put right, and asks first:\n"
           "lost or damaged files, rebuilt from what is left of them, from the hub's events or from a copy, "
           "and written\n"
           "only if they have the ledger's sha256; ledger slots from a copy; the chain of seals, gone as a "
           "whole, begun\n"
           "again where the hub proves what was archived (the next archive writes the seals); leftovers of "
           "interrupted\n"
           "writes and side tables of ended recoveries are removed. What a damaged file is replaced by, and "
           "the damaged\n"
           "file itself, are kept in the folder --keep. Without a terminal and without --yes nothing happens "
           "(exit code "
           "2).\n"
           "Exit code 4: something is wrong that cannot be put right, with what to do about it.";
  }
  std::string examples() const override {
    return "changevault repair\n"
           "changevault repair inventory_db products 2025/01/15 --yes\n"
           "changevault repair --copy /backup/archive --yes";
  }
  void add_options(Options& options) override {
    scope_.add_to(options);
    options.add_flag("--yes,-y", yes_, "do not ask");
    options.add_flag("--list", list_, "what was repaired before, and by whom");
    options.add_flag("--quick", quick_, "look for what is gone or has another size, do not read the files");
    options.add_option("--copy", copy_, "a copy of the store's folder, to take lost bytes from")
        ->type_name("DIR");
    options
        .add_option("--keep", keep_, "where damaged files are kept (default: repair, beside verify.memory)")
        ->type_name("DIR");
  }

  Result<int> run(Context& context) override {
    CV_ASSIGN(const Scope scope, scope_.scope());
    CV_TRY(refuse_conditions(scope, "repair puts whole files right"));
    if (!copy_.empty() && !fs::is_directory(copy_)) {
      return Error(ErrorCode::kUsage, "there is no such folder", copy_,
                   "name the folder that holds a copy of the archive's root");
    }
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    if (list_) return list(context, *store);
    Repairer repairer({*store, context.parts.layout(), context.parts.clock(), context.parts.random()},
                      sources(context), {context.configuration.hub.group, context.configuration.source.id});
    Work work;
    CV_ASSIGN(work.plan, make_plan(context, repairer, scope));
    auto stages = dead_stages(context);
    if (stages) {
      work.stages = std::move(*stages);
    } else {
      context.out.note("note: side tables were not looked for: " + stages.error().to_string());
    }
    if (!context.out.json_wanted()) print_plan(context.out, work);
    if (work.empty()) return finish(context, work);
    if (!yes_ && !context.confirm(question(work))) {
      work.state = "planned";
      if (context.out.json_wanted()) print_json(context.out, work);
      context.out.note("nothing was changed; say --yes to repair without being asked");
      return kExitUsage;
    }
    CV_TRY(carry_out(context, repairer, work));
    return finish(context, work);
  }

 private:
  // Which of two did not end can be told where another one was begun since: repairs take turns.
  static const char* state_of(const PastRepair& repair, bool newest) {
    if (!repair.ended) return newest ? "not ended" : "interrupted";
    return repair.not_done.empty() ? "done" : "incomplete";
  }

  static Result<int> list(Context& context, ObjectStore& store) {
    CV_ASSIGN(const std::vector<PastRepair> repairs, past_repairs(store, context.parts.layout()));
    Json documents = Json::array();
    Table table({{"ID"},
                 {"BEGUN (UTC)"},
                 {"BY"},
                 {"STATE"},
                 {"DONE", Table::Align::kRight},
                 {"NOT DONE", Table::Align::kRight}});
    for (const PastRepair& repair : repairs) {
      const char* state = state_of(repair, &repair == &repairs.back());
      Json items = Json::array();
      for (const RepairItem& item : repair.planned) items.push_back(to_json(item));
      documents.push_back({{"id", repair.id},
                           {"begun", to_rfc3339(repair.begun)},
                           {"user", repair.actor.user},
                           {"host", repair.actor.host},
                           {"program", repair.actor.program},
                           {"state", state},
                           {"items", std::move(items)},
                           {"done", repair.done},
                           {"not_done", to_json(repair.not_done)}});
      table.add({repair.id, human_time(repair.begun), printable(repair.actor.user + "@" + repair.actor.host),
                 state, with_thousands(static_cast<std::int64_t>(repair.done.size())),
                 with_thousands(static_cast<std::int64_t>(repair.not_done.size()))});
    }
    if (context.out.json_wanted()) {
      context.out.print_json({{"repairs", std::move(documents)}});
    } else if (repairs.empty()) {
      context.out.print("no repairs so far");
    } else {
      CV_TRY(context.out.write(table.to_string()));
    }
    return kExitDone;
  }

  fs::path keep(const Context& context) const {
    return keep_.empty() ? fs::path(context.configuration.verify.memory).parent_path() / "repair"
                         : fs::path(keep_);
  }

  // Each source that cannot be had is a note: the others may be enough.
  RebuildSources sources(Context& context) const {
    RebuildSources out;
    out.gzip_level = context.configuration.archive.gzip_level;
    if (auto hub = context.parts.hub()) {
      out.hub = *hub;
    } else {
      context.out.note("note: without the hub: " + hub.error().to_string());
    }
    if (auto warehouse = context.parts.warehouse()) {
      out.stamps = [warehouse = *warehouse, table = context.configuration.warehouse.table](
                       PartitionId partition, Sequence first, Sequence last) {
        return stamps(*warehouse, table, partition, first, last);
      };
    } else {
      context.out.note("note: without the warehouse: " + warehouse.error().to_string());
    }
    out.copy = [kept = keep(context), from = copy_](const std::string& key) {
      return find_copy(kept, from, key);
    };
    return out;
  }

  static Result<std::optional<std::string>> find_copy(const fs::path& kept, const fs::path& from,
                                                      const std::string& key) {
    if (!from.empty()) {
      std::ifstream in(from / key, std::ios::binary);
      if (in)
        return std::optional(
            std::string{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()});
    }
    return kept_bytes(kept, key);
  }

  // When the archiver wrote the records, as the warehouse has it. What cannot be learned is no hint.
  static Result<StampHints> stamps(Warehouse& warehouse, const std::string& table, PartitionId partition,
                                   Sequence first, Sequence last) {
    const auto rows =
        warehouse.sql("SELECT sequence_number, processed_timestamp FROM " + table +
                      " WHERE partition_id = '" + to_string(partition) + "' AND sequence_number BETWEEN " +
                      std::to_string(first.value) + " AND " + std::to_string(last.value));
    StampHints hints;
    if (!rows) return hints;
    for (const auto& row : rows->rows) {
      if (!row[0] || !row[1]) continue;
      if (const auto time = parse_rfc3339(*row[1] + (row[1]->ends_with("Z") ? "" : "Z")))
        hints.emplace(Sequence(std::stoll(*row[0])), *time);
    }
    return hints;
  }

  Result<RepairPlan> make_plan(Context& context, Repairer& repairer, const Scope& scope) const {
    Progress progress(context.out, context.parts.clock());
    const auto show = [&](const VerifyProgress& p) {
      progress.show([&] {
        return "verifying file " + with_thousands(p.segments_done) + " of " + with_thousands(p.segments_all) +
               progress.remaining(p.bytes_read, p.bytes_all);
      });
    };
    return repairer.plan(scope, quick_ ? VerifyMode::kQuick : VerifyMode::kFull, show, context.stop);
  }

  Result<void> carry_out(Context& context, Repairer& repairer, Work& work) const {
    const RepairActor actor{context.identity.user, context.identity.host,
                            "changevault " + context.identity.version};
    if (!work.plan.items.empty()) {
      Progress progress(context.out, context.parts.clock());
      progress.begin("repairing");
      CV_ASSIGN(work.outcome, repairer.run(work.plan, keep(context), actor, context.stop));
    }
    for (const DeadStage& stage : work.stages) {
      if (!stage.droppable) continue;
      CV_ASSIGN(Warehouse* const warehouse, context.parts.warehouse());
      CV_TRY(warehouse->drop_stage(stage.id));
      work.dropped.push_back(stage.id);
    }
    work.state = work.outcome.not_done.empty() && work.plan.refusals.empty() ? "done" : "incomplete";
    return {};
  }

  static Result<int> finish(Context& context, Work& work) {
    if (work.empty() && !work.plan.refusals.empty()) work.state = "incomplete";
    if (context.out.json_wanted()) {
      print_json(context.out, work);
    } else {
      print_outcome(context, work);
    }
    if (!work.plan.refusals.empty() || !work.outcome.not_done.empty()) return kExitFailed;
    return work.plan.verified.verdict == Verdict::kIndeterminate ? kExitIndeterminate : kExitDone;
  }

  static std::string question(const Work& work) {
    std::string text;
    const auto add = [&](std::int64_t n, const char* verb, const char* noun) {
      if (n > 0) text += (text.empty() ? "" : ", ") + std::string(verb) + " " + counted(n, noun);
    };
    add(work.count(RepairAction::kRestoreObject), "restore", "file");
    add(work.count(RepairAction::kRestoreSlot), "restore", "ledger slot");
    add(work.count(RepairAction::kBeginSeals), "begin", "chain of seals");
    add(work.count(RepairAction::kRemoveLeftover), "remove", "leftover");
    add(std::count_if(work.stages.begin(), work.stages.end(), [](const DeadStage& s) { return s.droppable; }),
        "drop", "side table");
    return text + "?";
  }

  static void print_plan(Output& out, const Work& work) {
    const RepairPlan& plan = work.plan;
    out.print("verified: " + std::string(changevault::name(plan.verified.verdict)) +
              (plan.verified.reason.empty() ? "" : ", " + plan.verified.reason));
    print_items(out, plan, false);
    print_items(out, plan, true);
    for (const DeadStage& stage : work.stages)
      out.print(std::string(stage.droppable ? "can drop" : "keeps") + " the side table of recovery " +
                stage.id + ": " + stage.why);
    if (!plan.kept.empty()) {
      out.print("keeps " + counted(static_cast<std::int64_t>(plan.kept.size()), "leftover"));
      for (std::size_t i = 0; i < std::min<std::size_t>(plan.kept.size(), 10); ++i)
        out.print("  " + printable(plan.kept[i].key) + ": " + describe(plan.kept[i].fate));
    }
    if (plan.refusals.empty()) return;
    out.print(out.paint(Color::kRed, "cannot be put right here:"));
    for (const RepairRefusal& refusal : plan.refusals) {
      out.print("  " + printable(refusal.key));
      out.print("    " + printable(refusal.problem));
      out.print("    " + printable(refusal.advice));
    }
  }

  static void print_items(Output& out, const RepairPlan& plan, bool leftovers) {
    constexpr std::size_t kShown = 50;
    Table table({{leftovers ? "LEFTOVER, CAN BE REMOVED" : "CAN BE PUT BACK"},
                 {"BYTES", Table::Align::kRight},
                 {leftovers ? "WHY" : "FROM"}});
    std::size_t more = 0;
    for (const RepairItem& item : plan.items) {
      if ((item.action == RepairAction::kRemoveLeftover) != leftovers) continue;
      if (table.rows() == kShown) {
        ++more;
        continue;
      }
      table.add({printable(item.key), with_thousands(item.bytes), leftovers ? item.detail : item.sources});
    }
    if (table.rows() == 0) return;
    ignore_error(out.write(table.to_string()), "kept for flush");
    if (more > 0) out.print("… and " + with_thousands(static_cast<std::int64_t>(more)) + " more");
  }

  static void print_outcome(Context& context, const Work& work) {
    Output& out = context.out;
    for (const RepairRefusal& item : work.outcome.not_done)
      out.print(out.paint(Color::kRed, "not done") + ": " + printable(item.key) + ": " +
                printable(item.problem));
    if (work.empty() && work.plan.refusals.empty()) {
      out.print("there is nothing to repair");
      return;
    }
    if (work.empty()) return;
    out.print(out.paint(Color::kGreen, "done") + ": " +
              counted(static_cast<std::int64_t>(work.outcome.done.size() + work.dropped.size()), "repair") +
              "; prove it with: changevault verify");
  }

  static void print_json(Output& out, const Work& work) {
    Json items = Json::array();
    for (const RepairItem& item : work.plan.items) items.push_back(to_json(item));
    Json kept = Json::array();
    for (const Leftover& leftover : work.plan.kept)
      kept.push_back({{"key", leftover.key}, {"why", describe(leftover.fate)}});
    Json stages = Json::array();
    for (const DeadStage& stage : work.stages)
      stages.push_back({{"id", stage.id}, {"why", stage.why}, {"droppable", stage.droppable}});
    out.print_json({{"id", work.outcome.id},
                    {"state", work.state},
                    {"verified", changevault::name(work.plan.verified.verdict)},
                    {"items", std::move(items)},
                    {"refused", to_json(work.plan.refusals)},
                    {"kept", std::move(kept)},
                    {"side_tables", std::move(stages)},
                    {"done", work.outcome.done},
                    {"dropped", work.dropped},
                    {"not_done", to_json(work.outcome.not_done)}});
  }

  ScopeOptions scope_;
  bool yes_ = false;
  bool quick_ = false;
  bool list_ = false;
  std::string copy_;
  std::string keep_;
};

}  // namespace

std::unique_ptr<Verb> make_repair_verb() {
  return std::make_unique<RepairVerb>();
}

}  // namespace changevault
