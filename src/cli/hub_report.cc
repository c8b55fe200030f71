#include "cli/hub_report.h"

#include <algorithm>

#include "cli/text.h"
#include "codec/json.h"

namespace changevault {
namespace {

// Above, partitions that are fine are left out.
constexpr std::size_t kUnfolded = 16;

Color color_of(HubState state) {
  switch (state) {
    case HubState::kOk:
      return Color::kGreen;
    case HubState::kPending:
    case HubState::kUnclaimed:
    case HubState::kUnknown:
      return Color::kYellow;
    case HubState::kLost:
    case HubState::kReplaced:
      break;
  }
  return Color::kRed;
}

std::string waiting(const HubPartition& p) {
  if (p.pending == 0) return "";
  return p.oldest_pending_age ? human_duration(*p.oldest_pending_age) : "unknown";
}

std::string position(const HubPartition& p) {
  if (p.facts.archived) return with_thousands(p.facts.archived->value);
  return p.state == HubState::kUnclaimed || p.state == HubState::kLost ? "none yet" : "";
}

void print_table(Output& out, const HubCoverage& hub, bool all) {
  using Align = Table::Align;
  Table table({{"PARTITION"},
               {"POSITION", Align::kRight},
               {"FIRST", Align::kRight},
               {"NEXT", Align::kRight},
               {"NOT ARCHIVED", Align::kRight},
               {"OLDEST WAITS", Align::kRight},
               {"LOST", Align::kRight},
               {"STATE"}});
  const bool fold = !all && hub.partitions.size() > kUnfolded;
  std::int64_t folded = 0;
  for (const HubPartition& p : hub.partitions) {
    if (fold && p.state == HubState::kOk) {
      ++folded;
      continue;
    }
    const bool known = p.state != HubState::kReplaced && p.state != HubState::kUnknown;
    table.add({to_string(p.facts.partition), position(p), with_thousands(p.facts.first.value),
               with_thousands(p.facts.next.value), known ? with_thousands(p.pending) : "", waiting(p),
               known ? with_thousands(p.lost) : "", name(p.state)});
    table.paint(7, out, color_of(p.state));
  }
  if (table.rows() > 0) ignore_error(out.write(table.to_string()), "kept for flush");
  if (folded > 0) {
    out.print(counted(folded, "partition") + " with all events archived left out; --all shows every one");
  }
}

// One sentence each, the worst first.
void print_lost(Output& out, const HubCoverage& hub) {
  out.print(out.paint(Color::kRed, "the hub has deleted " + counted(hub.lost(), "event") + " that " +
                                       (hub.lost() == 1 ? "is" : "are") + " not archived") +
            ", and archive refuses to pass over that; if they cannot be brought back: changevault archive "
            "--accept-loss");
}

void print_pending(Output& out, const HubCoverage& hub) {
  const auto oldest = hub.oldest_pending_age();
  out.print(counted(hub.pending(), "event") + (hub.pending() == 1 ? " waits" : " wait") + " in the hub" +
            (oldest ? ", for " + human_duration(*oldest) + " at the longest" : "") +
            "; archive them with: changevault archive (or changevault run)");
  if (!hub.at_risk()) return;
  out.print(out.paint(Color::kYellow, "the hub deletes old events") +
            ", and in some partition more of them wait than archived ones stand before them: archive now, or "
            "let the hub keep events longer");
}

void print_sentences(Output& out, const HubCoverage& hub) {
  if (hub.replaced) {
    out.print(out.paint(Color::kRed, printable(hub.replaced->message)));
    out.print("hint: " + printable(hub.replaced->hint));
  }
  for (const HubPartition& p : hub.partitions) {
    if (!p.facts.unreadable) continue;
    out.print("partition " + to_string(p.facts.partition) +
              ": its ledger cannot be read: " + printable(p.facts.unreadable->to_string()));
    if (!p.facts.unreadable->hint.empty()) out.print("hint: " + printable(p.facts.unreadable->hint));
  }
  if (hub.lost() > 0) print_lost(out, hub);
  if (hub.pending() > 0) print_pending(out, hub);
  if (!hub.is_gap() && !hub.uncertain() && hub.pending() == 0)
    out.print(out.paint(Color::kGreen, "all events of the hub are archived"));
  if (hub.recorded_ranges() > 0) {
    out.print("recorded as lost before: " +
              (hub.recorded_lost() > 0 ? counted(hub.recorded_lost(), "event") + " in " : "") +
              counted(hub.recorded_ranges(), "range"));
  }
}

}  // namespace

void print_hub_coverage(Output& out, const HubCoverage& hub, bool all) {
  out.print("\nthe whole hub against the archive: " + printable(hub.url) + ", " +
            counted(static_cast<std::int64_t>(hub.partitions.size()), "partition"));
  print_table(out, hub, all);
  print_sentences(out, hub);
}

Json hub_json(const Result<HubCoverage>& hub, const std::string& url) {
  if (hub) return to_json(*hub);
  const Error& error = hub.error();
  return {{"url", url},
          {"error",
           {{"code", name(error.code)},
            {"message", error.message},
            {"object", error.object},
            {"hint", error.hint}}}};
}

}  // namespace changevault
