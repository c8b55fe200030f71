#include <algorithm>

#include "cli/audit_event.h"
#include "cli/audit_recovery.h"
#include "cli/audit_segment.h"
#include "cli/csv.h"
#include "cli/scope_options.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "codec/json.h"
#include "recovery/audit.h"

namespace changevault {
namespace {

// The newest loads that people see; JSON has all.
constexpr std::size_t kLoadsShown = 10;

Json to_json(const PastRecovery& past) {
  Json json = {{"id", past.id}, {"state", past.state()}};
  if (past.plan) {
    json["scope"] = to_string(past.plan->scope);
    json["plan_hash"] = past.plan->hash();
    json["created"] = to_rfc3339(past.plan->created);
    json["user"] = past.plan->actor.user;
    json["host"] = past.plan->actor.host;
    json["program"] = past.plan->actor.program;
    json["segments"] = past.plan->segments.size();
    json["expected"] = past.plan->expected.rows;
    if (past.plan->files) {
      json["from_files"] = true;
      json["archived"] = past.plan->files->archived;
      json["changed"] = past.plan->files->changed;
      json["unknown"] = past.plan->files->unknown;
    }
  }
  if (past.removal) {
    json["scope"] = to_string(past.removal->scope);
    json["plan_hash"] = past.removal->hash();
    json["created"] = to_rfc3339(past.removal->created);
    json["user"] = past.removal->actor.user;
    json["host"] = past.removal->actor.host;
    json["program"] = past.removal->actor.program;
    json["to_remove"] = past.removal->to_remove();
  }
  Json steps = Json::array();
  for (const JournalEntry& entry : past.journal) {
    steps.push_back({{"step", name(entry.step)}, {"time", to_rfc3339(entry.time)}});
    if (const auto* done = std::get_if<DoneStep>(&entry.step)) {
      json["staged"] = done->staged;
      json["inserted"] = done->inserted;
      json["already_present"] = done->already_present;
      if (done->removed) json["removed"] = *done->removed;
    }
    if (const auto* failed = std::get_if<FailedStep>(&entry.step)) json["message"] = failed->message;
  }
  json["steps"] = std::move(steps);
  if (past.damage) json["damage"] = past.damage->to_string();
  return json;
}

Json to_json(const LoadRecord& load) {
  return {{"segment", load.segment.key},
          {"sha256", load.segment.sha256},
          {"partition", load.segment.partition.value},
          {"slot", load.segment.slot.value},
          {"records", load.segment.records},
          {"inserted", load.inserted},
          {"already_present", load.already_present},
          {"time", to_rfc3339(load.time)},
          {"kind", load.live ? "live" : "recovery"},
          {"recovery_id", load.live ? Json(nullptr) : Json(load.recovery_id)}};
}

// What cannot be proven is part of what was done.
std::string what_was_planned(const PastRecovery& past) {
  if (past.removal) {
    return "removal of " + counted(past.removal->to_remove(), "row") + " standing more than once, " +
           to_string(past.removal->scope);
  }
  if (!past.plan) return "";
  std::string what = to_string(past.plan->scope);
  if (!past.plan->files) return what;
  what += ", from " + counted(static_cast<std::int64_t>(past.plan->segments.size()), "file");
  const FileProof& proof = *past.plan->files;
  if (proof.unknown > 0) what += ", " + with_thousands(proof.unknown) + " unknown to the archive";
  if (proof.changed > 0) what += ", " + with_thousands(proof.changed) + " other than in the archive";
  return what;
}

std::vector<std::string> row_of(const PastRecovery& past) {
  std::string inserted = "-";
  std::string present = "-";
  std::string message;
  for (const JournalEntry& entry : past.journal) {
    if (const auto* done = std::get_if<DoneStep>(&entry.step)) {
      inserted = with_thousands(done->inserted);
      present = with_thousands(done->already_present);
    }
    if (const auto* failed = std::get_if<FailedStep>(&entry.step)) message = failed->message;
  }
  if (past.damage) message = past.damage->to_string();
  const Actor* const actor = past.plan ? &past.plan->actor : past.removal ? &past.removal->actor : nullptr;
  const std::string what = what_was_planned(past);
  return {past.id,
          past.state(),
          actor == nullptr ? "-" : human_time(past.plan ? past.plan->created : past.removal->created),
          actor == nullptr ? "-" : printable(actor->user + "@" + actor->host),
          inserted,
          present,
          printable(message.empty() ? what : what + ": " + message)};
}

class AuditVerb final : public Verb {
 public:
  std::string name() const override { return "audit"; }
  std::string summary() const override { return "past recoveries and loads; where one event or file went"; }
  std::string usage() const override {
    return "[--recovery ID | --event ID [DB [COLL]] [time] | --segment KEY]";
  }
  std::string details() const override {
    return "An event that the warehouse has is found at once. One that it lacks is searched for in the "
           "archive, which "
           "no\n"
           "index does: name database, collection and time to read less.\n"
           "With --output csv the recoveries alone; loads stand in the warehouse: changevault sql --output "
           "csv\n"
           "\"SELECT * FROM changevault_loads\"";
  }
  std::string examples() const override {
    return "changevault audit\nchangevault audit --recovery 20250116t081500z_1a2b3c4d\n"
           "changevault audit --event 0a1b2c3d4e5f60718293a4b5c6d7e8f9\n"
           "changevault audit --event 0a1b2c3d4e5f60718293a4b5c6d7e8f9 inventory_db products 2025/01/15 14\n"
           "changevault audit --segment "
           "14-batch-p003-00000000000000123456-00000000000000125999-c000000000042.jsonl.gz";
  }
  bool takes_csv() const override { return true; }
  void add_options(Options& options) override {
    scope_.add_to(options);
    options.add_option("--recovery", recovery_, "one recovery: its plan, its steps, the bytes that it read")
        ->type_name("ID");
    options.add_option("--event", event_, "where this event went, by its event_id")->type_name("ID");
    options.add_option("--segment", segment_, "what was done with this archived file, and what is there now")
        ->type_name("KEY");
  }

  Result<int> run(Context& context) override {
    CV_ASSIGN(const Scope scope, scope_.scope());
    CV_TRY(refuse_conditions(scope, "audit is about whole recoveries"));
    CV_TRY(check_flags(scope));
    if (context.out.csv_wanted() && !(event_.empty() && segment_.empty()))
      return no_csv(event_.empty() ? "audit --segment" : "audit --event");
    if (!event_.empty()) return audit_event(context, event_, scope);
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    CV_ASSIGN(std::vector<PastRecovery> recoveries, past_recoveries(*store, context.parts.layout()));
    if (!recovery_.empty()) return audit_recovery(context.out, recoveries);
    CV_ASSIGN(Warehouse* const warehouse, context.parts.warehouse());
    CV_ASSIGN(std::vector<LoadRecord> loads, warehouse->load_records());
    std::optional<SegmentTrail> trail;
    if (!segment_.empty()) {
      CV_ASSIGN(const Catalog catalog, context.catalog());
      CV_ASSIGN(trail, trail_of_segment(context, catalog, segment_));
      keep_segment(trail->key, recoveries, loads);
    }
    std::stable_sort(loads.begin(), loads.end(),
                     [](const LoadRecord& a, const LoadRecord& b) { return a.time < b.time; });
    if (context.out.json_wanted()) {
      print_json(context.out, trail, recoveries, loads);
    } else if (context.out.csv_wanted()) {
      print_csv(context.out, recoveries);
    } else {
      if (trail) {
        print(context.out, *trail);
        context.out.print("");
      }
      print_recoveries(context.out, recoveries, trail ? "no recovery took it" : "no recoveries so far");
      print_loads(context.out, loads, trail ? "it was never loaded" : "no loads so far");
    }
    const bool damaged = std::any_of(recoveries.begin(), recoveries.end(),
                                     [](const PastRecovery& past) { return past.damage.has_value(); });
    return damaged || (trail && trail->damage) ? kExitFailed : kExitDone;
  }

 private:
  Result<void> check_flags(const Scope& scope) const {
    if (!recovery_.empty() + !event_.empty() + !segment_.empty() > 1) {
      return Error(ErrorCode::kUsage, "--recovery, --event and --segment are different questions", "",
                   "give one of them");
    }
    if (event_.empty() && scope != Scope{}) {
      return Error(ErrorCode::kUsage, "a scope goes with --event", to_string(scope),
                   "to see what is archived there: changevault ls");
    }
    return {};
  }

  Result<int> audit_recovery(Output& out, const std::vector<PastRecovery>& recoveries) const {
    const auto past = std::ranges::find(recoveries, recovery_, &PastRecovery::id);
    if (past == recoveries.end()) {
      return Error(ErrorCode::kIndeterminate, "there is no recovery with this id", recovery_,
                   "see all of them with: changevault audit");
    }
    if (out.json_wanted()) {
      Json json = to_json(*past);
      json.update(recovery_details(*past));
      out.print_json(json);
    } else {
      print_recovery(out, *past);
    }
    return past->damage ? kExitFailed : kExitDone;
  }

  static void keep_segment(const std::string& key, std::vector<PastRecovery>& recoveries,
                           std::vector<LoadRecord>& loads) {
    std::erase_if(loads, [&](const LoadRecord& load) { return load.segment.key != key; });
    std::erase_if(recoveries, [&](const PastRecovery& past) {
      return !past.plan || std::none_of(past.plan->segments.begin(), past.plan->segments.end(),
                                        [&](const PlannedSegment& segment) { return segment.key == key; });
    });
  }

  static void print_json(Output& out, const std::optional<SegmentTrail>& trail,
                         const std::vector<PastRecovery>& recoveries, const std::vector<LoadRecord>& loads) {
    Json json = {{"recoveries", Json::array()}, {"loads", Json::array()}};
    if (trail) json["segment"] = to_json(*trail);
    for (const PastRecovery& past : recoveries) json["recoveries"].push_back(to_json(past));
    for (const LoadRecord& load : loads) json["loads"].push_back(to_json(load));
    out.print_json(json);
  }

  static void print_csv(Output& out, const std::vector<PastRecovery>& recoveries) {
    CsvRows rows(out, {"id", "state", "scope", "plan_hash", "created", "user", "host", "program", "segments",
                       "expected", "staged", "inserted", "already_present", "message", "damage"});
    for (const PastRecovery& past : recoveries) rows.add(to_json(past));
  }

  static void print_recoveries(Output& out, const std::vector<PastRecovery>& recoveries, const char* none) {
    if (recoveries.empty()) {
      out.print(none);
      return;
    }
    out.print(counted(static_cast<std::int64_t>(recoveries.size()), "recovery record"));
    Table table({{"id"},
                 {"state"},
                 {"planned (UTC)"},
                 {"by"},
                 {"inserted", Table::Align::kRight},
                 {"already there", Table::Align::kRight},
                 {"scope"}});
    for (const PastRecovery& past : recoveries) table.add(row_of(past));
    ignore_error(out.write(table.to_string()),
                 "the output keeps its first failure for the end of the program");
  }

  static void print_loads(Output& out, const std::vector<LoadRecord>& loads, const char* none) {
    if (loads.empty()) {
      out.print(none);
      return;
    }
    out.print("\n" + counted(static_cast<std::int64_t>(loads.size()), "load") +
              (loads.size() > kLoadsShown ? ", the newest first:" : ", newest first:"));
    Table table({{"time (UTC)"},
                 {"kind"},
                 {"inserted", Table::Align::kRight},
                 {"already there", Table::Align::kRight},
                 {"segment"}});
    for (std::size_t i = 0; i < std::min(loads.size(), kLoadsShown); ++i) {
      const LoadRecord& load = loads[loads.size() - 1 - i];
      table.add({human_time(load.time), load.live ? "live" : "recovery", with_thousands(load.inserted),
                 with_thousands(load.already_present), printable(load.segment.key)});
    }
    ignore_error(out.write(table.to_string()),
                 "the output keeps its first failure for the end of the program");
  }

  ScopeOptions scope_;
  std::string recovery_;
  std::string event_;
  std::string segment_;
};

}  // namespace

std::unique_ptr<Verb> make_audit_verb() {
  return std::make_unique<AuditVerb>();
}

}  // namespace changevault
