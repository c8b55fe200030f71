#include "cli/progress.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "codec/json.h"
#include "service/status.h"

namespace changevault {
namespace {

// For a warehouse that somebody else holds: whoever asks how things stand waits for an answer.
constexpr Duration kPatience = seconds(3);

Json json_of(const std::optional<Hour>& hour) {
  return hour ? Json(to_string(*hour)) : Json(nullptr);
}

Json json_of(const std::optional<LoadRecord>& load) {
  if (!load) return nullptr;
  Json out = {{"time", to_rfc3339(load->time)},
              {"segment", load->segment.key},
              {"inserted", load->inserted},
              {"already_present", load->already_present}};
  if (!load->live) out["recovery_id"] = load->recovery_id;
  return out;
}

Json json_of(const ArchiveStatus& a) {
  return {{"first_hour", json_of(a.first_hour)},
          {"last_hour", json_of(a.last_hour)},
          {"sealed_to", json_of(a.sealed_to)},
          {"segments", a.segments},
          {"records", a.records},
          {"collections", a.collections},
          {"dead_letters", a.dead_letters},
          {"lost_ranges", a.lost_ranges}};
}

Json json_of(const std::vector<PartitionStatus>& partitions) {
  Json out = Json::array();
  for (const PartitionStatus& p : partitions) {
    out.push_back({{"partition", p.partition.value},
                   {"position", p.position ? Json(p.position->value) : Json(nullptr)},
                   {"lag", p.behind},
                   {"watermark", p.watermark ? Json(to_rfc3339(*p.watermark)) : Json(nullptr)},
                   {"epoch", p.epoch.value},
                   {"owner", p.owner.empty() ? Json(nullptr) : Json(p.owner)},
                   {"written", p.written ? Json(to_rfc3339(*p.written)) : Json(nullptr)}});
  }
  return out;
}

Json json_of(const WarehouseStatus& w) {
  Json stages = Json::array();
  for (const LeftStage& stage : w.stages)
    stages.push_back({{"id", stage.id}, {"last_step", stage.last_step}});
  return {{"side_tables", std::move(stages)},
          {"segments_loaded", w.loaded},
          {"segments_waiting", w.waiting},
          {"last_load", json_of(w.last_load)},
          {"last_recovery", json_of(w.last_recovery)}};
}

Json json_of(const GapStatus& g) {
  const bool compared = g.range.bounded();
  return {{"from", compared ? Json(to_rfc3339_seconds(g.range.from)) : Json(nullptr)},
          {"to", compared ? Json(to_rfc3339_seconds(g.range.to)) : Json(nullptr)},
          {"gaps", compared ? Json(g.gaps) : Json(nullptr)},
          {"proven", g.proven},
          {"outside", g.outside},
          {"acknowledged", g.acknowledged},
          {"damaged_acknowledgements", g.damaged_acks}};
}

Json json_of(const Status& status) {
  Json failures = Json::array();
  for (const Error& error : status.failures) {
    failures.push_back({{"code", name(error.code)},
                        {"message", error.message},
                        {"object", error.object},
                        {"hint", error.hint}});
  }
  return {{"archive", status.archive ? json_of(*status.archive) : Json(nullptr)},
          {"partitions", status.partitions ? json_of(*status.partitions) : Json(nullptr)},
          {"warehouse", status.warehouse ? json_of(*status.warehouse) : Json(nullptr)},
          {"gaps", status.gaps ? json_of(*status.gaps) : Json(nullptr)},
          {"failures", std::move(failures)},
          {"attention", status.attention}};
}

class StatusVerb final : public Verb {
 public:
  std::string name() const override { return "status"; }
  std::string summary() const override {
    return "one screen: what is archived, sealed, loaded, and what needs attention";
  }
  std::string usage() const override { return "[--output json]"; }
  std::string details() const override {
    return "Gaps are those of the sealed hours of the last seven days, by counts and digests; gaps looks at "
           "all.\n"
           "Exit code 0 when everything could be asked, whatever needs attention. A warehouse that another "
           "process "
           "holds\n"
           "is waited for shortly, then the rest is shown. Ledger slots that seals stand for are not read; "
           "verify "
           "reads all.";
  }
  std::string examples() const override {
    return "changevault status\nchangevault status --output json | jq .attention";
  }
  void add_options(Options&) override {}

  Result<int> run(Context& context) override {
    context.parts.wait_at_most(kPatience);
    Progress progress(context.out, context.parts.clock());
    progress.begin("looking at archive, hub and warehouse");
    const Status status = read_status(context.parts, context.stop);
    if (context.out.json_wanted()) {
      context.out.print_json(json_of(status));
    } else {
      print(status, context);
    }
    return status.failures.empty() ? kExitDone : exit_code(status.failures.front().code);
  }

 private:
  static void print(const Status& status, Context& context) {
    Output& out = context.out;
    const Timestamp now = context.parts.clock().now();
    print_attention(status, out);
    if (status.archive) print_archive(*status.archive, now, out);
    if (status.partitions) print_partitions(*status.partitions, now, out);
    if (status.warehouse) print_warehouse(*status.warehouse, now, out);
    if (status.gaps) print_gaps(*status.gaps, out);
  }

  // First, as the rest may be long.
  static void print_attention(const Status& status, Output& out) {
    for (const Error& error : status.failures) {
      const bool unknown = error.code == ErrorCode::kIndeterminate;
      out.print((unknown ? out.paint(Color::kYellow, "not known  ") : out.paint(Color::kRed, "FAILED     ")) +
                printable(error.to_string()));
      if (!error.hint.empty()) out.print("           hint: " + printable(error.hint));
    }
    for (const std::string& words : status.attention)
      out.print(out.paint(Color::kYellow, "attention  ") + printable(words));
    if (status.failures.empty() && status.attention.empty())
      out.print(status.archive && !status.archive->sealed_to
                    ? "nothing is archived and sealed yet, so there is nothing to compare"
                    : out.paint(Color::kGreen, "nothing needs attention"));
    if (status.archive) out.print("");
  }

  static void print_archive(const ArchiveStatus& a, Timestamp now, Output& out) {
    if (!a.first_hour) {
      out.print("archive    empty so far");
    } else {
      out.print("archive    " + human_time(a.first_hour->start()).substr(0, 16) + " to " +
                human_time(a.last_hour->end()).substr(0, 16) + " UTC, " +
                counted(a.collections, "collection"));
      out.print("           " + counted(a.records, "record") + " in " + counted(a.segments, "segment") +
                "; sizes: changevault du");
    }
    out.print("sealed     " + (a.sealed_to ? "up to " + human_time(a.sealed_to->start()).substr(0, 16) +
                                                 " UTC" + ago(a.sealed_to->start(), now)
                                           : std::string("no hour yet")));
    if (a.dead_letters > 0) out.print("dead       " + counted(a.dead_letters, "letter"));
    if (a.lost_ranges > 0) out.print("lost       " + counted(a.lost_ranges, "range"));
  }

  static void print_partitions(const std::vector<PartitionStatus>& partitions, Timestamp now, Output& out) {
    std::int64_t behind = 0;
    for (const PartitionStatus& p : partitions) behind += p.behind;
    out.print("hub        " + counted(static_cast<std::int64_t>(partitions.size()), "partition") + ", " +
              counted(behind, "event") + " not archived yet");
    using Align = Table::Align;
    Table table({{"           PARTITION"},
                 {"POSITION", Align::kRight},
                 {"BEHIND", Align::kRight},
                 {"COMPLETE UP TO"},
                 {"EPOCH", Align::kRight},
                 {"LAST OWNER"}});
    for (const PartitionStatus& p : partitions) {
      table.add({"           " + to_string(p.partition),
                 p.position ? with_thousands(p.position->value) : "none yet", with_thousands(p.behind),
                 p.watermark ? human_time(*p.watermark) + ago(*p.watermark, now) : "nothing yet",
                 std::to_string(p.epoch.value), p.written ? p.owner + ago(*p.written, now) : "nobody"});
    }
    ignore_error(out.write(table.to_string()), "kept for flush");
  }

  static void print_warehouse(const WarehouseStatus& w, Timestamp now, Output& out) {
    out.print("warehouse  " + counted(w.loaded, "segment") + " loaded, " + with_thousands(w.waiting) +
              " waiting");
    const auto line = [&](const char* what, const std::optional<LoadRecord>& load) {
      out.print(
          std::string("           last ") + what +
          (load ? ": " + human_time(load->time) + " UTC" + ago(load->time, now) : std::string(": none")));
    };
    line("load", w.last_load);
    line("recovery", w.last_recovery);
  }

  static void print_gaps(const GapStatus& g, Output& out) {
    std::string words = "no hour is sealed yet, so none was compared";
    if (g.range.bounded()) {
      const std::string since = ", sealed hours since " + human_time(g.range.from).substr(0, 10);
      if (g.gaps == 0) {
        words = "none" + since;
      } else if (g.proven) {
        words = out.paint(Color::kRed, counted(g.gaps, "gap")) + since;
      } else {
        words = out.paint(Color::kRed, counted(g.gaps, "hour") + " of collections differ") + since;
      }
    }
    out.print("gaps       " + words);
    if (g.outside > 0) out.print("           " + counted(g.outside, "row") + " outside the archive's hours");
    if (g.acknowledged > 0) out.print("           " + with_thousands(g.acknowledged) + " acknowledged");
  }

  static std::string ago(Timestamp time, Timestamp now) {
    return time < now ? " (" + human_duration(now - time) + " ago)" : "";
  }
};

}  // namespace

std::unique_ptr<Verb> make_status_verb() {
  return std::make_unique<StatusVerb>();
}

}  // namespace changevault
