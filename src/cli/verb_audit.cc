#include <algorithm>

#include "cli/text.h"
#include "cli/verbs.h"
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
  }
  Json steps = Json::array();
  for (const JournalEntry& entry : past.journal) {
    steps.push_back({{"step", name(entry.step)}, {"time", to_rfc3339(entry.time)}});
    if (const auto* done = std::get_if<DoneStep>(&entry.step)) {
      json["staged"] = done->staged;
      json["inserted"] = done->inserted;
      json["already_present"] = done->already_present;
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
  const std::string what = past.plan ? to_string(past.plan->scope) : "";
  return {past.id,
          past.state(),
          past.plan ? human_time(past.plan->created) : "-",
          past.plan ? printable(past.plan->actor.user + "@" + past.plan->actor.host) : "-",
          inserted,
          present,
          printable(message.empty() ? what : what + ": " + message)};
}

class AuditVerb final : public Verb {
 public:
  std::string name() const override { return "audit"; }
  std::string summary() const override { return "past recoveries and loads"; }
  std::string usage() const override { return "[--segment KEY]"; }
  std::string examples() const override { return "changevault audit\nchangevault audit --output json"; }
  void add_options(CLI::App& app) override {
    app.add_option("--segment", segment_, "only what was done with this archived file")->type_name("KEY");
  }

  Result<int> run(Context& context) override {
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    CV_ASSIGN(Warehouse* const warehouse, context.parts.warehouse());
    CV_ASSIGN(std::vector<PastRecovery> recoveries, past_recoveries(*store, context.parts.layout()));
    CV_ASSIGN(std::vector<LoadRecord> loads, warehouse->load_records());
    if (!segment_.empty()) CV_TRY(keep_segment(context, recoveries, loads));
    std::stable_sort(loads.begin(), loads.end(),
                     [](const LoadRecord& a, const LoadRecord& b) { return a.time < b.time; });
    if (context.out.json_wanted()) {
      print_json(context.out, recoveries, loads);
    } else {
      print_recoveries(context.out, recoveries);
      print_loads(context.out, loads);
    }
    const bool damaged = std::any_of(recoveries.begin(), recoveries.end(),
                                     [](const PastRecovery& past) { return past.damage.has_value(); });
    return damaged ? kExitFailed : kExitDone;
  }

 private:
  Result<void> keep_segment(Context& context, std::vector<PastRecovery>& recoveries,
                            std::vector<LoadRecord>& loads) const {
    std::erase_if(loads, [&](const LoadRecord& load) { return load.segment.key != segment_; });
    std::erase_if(recoveries, [&](const PastRecovery& past) {
      return !past.plan ||
             std::none_of(past.plan->segments.begin(), past.plan->segments.end(),
                          [&](const PlannedSegment& segment) { return segment.key == segment_; });
    });
    if (!loads.empty() || !recoveries.empty()) return {};
    CV_ASSIGN(const Catalog catalog, context.catalog());
    if (catalog.find(segment_) != nullptr) return {};
    return Error(ErrorCode::kIndeterminate, "nothing is known about this segment", segment_,
                 "give the key as ls prints it");
  }

  static void print_json(Output& out, const std::vector<PastRecovery>& recoveries,
                         const std::vector<LoadRecord>& loads) {
    Json json = {{"recoveries", Json::array()}, {"loads", Json::array()}};
    for (const PastRecovery& past : recoveries) json["recoveries"].push_back(to_json(past));
    for (const LoadRecord& load : loads) json["loads"].push_back(to_json(load));
    out.print_json(json);
  }

  static void print_recoveries(Output& out, const std::vector<PastRecovery>& recoveries) {
    if (recoveries.empty()) {
      out.print("no recoveries so far");
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

  static void print_loads(Output& out, const std::vector<LoadRecord>& loads) {
    if (loads.empty()) {
      out.print("no loads so far");
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

  std::string segment_;
};

}  // namespace

std::unique_ptr<Verb> make_audit_verb() {
  return std::make_unique<AuditVerb>();
}

}  // namespace changevault
