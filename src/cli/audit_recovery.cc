#include "cli/audit_recovery.h"

#include <string>

#include "cli/text.h"
#include "codec/json.h"

namespace changevault {
namespace {

std::string who(const Actor& actor) {
  return printable(actor.user + "@" + actor.host);
}

std::string operations_of(const ScanFacts& facts) {
  std::string out;
  for (const auto& [operation, rows] : facts.operations)
    out += (out.empty() ? "" : ", ") + printable(operation) + " " + with_thousands(rows);
  return out.empty() ? "" : " (" + out + ")";
}

std::string words_of(const StartedStep& step) {
  return "by " + who(step.actor) +
         (step.chunks.size() > 1 ? ", in " + counted(static_cast<std::int64_t>(step.chunks.size()), "part")
                                 : "");
}
// A removal reads no archive: it lists what stands more than once.
std::string words_of(const StagedStep& step) {
  if (step.scan.operations.empty()) return counted(step.scan.rows, "row") + " listed, as planned";
  return counted(step.scan.rows, "row") + " read, every byte by its checksum";
}
std::string words_of(const ValidatedStep& step) {
  return counted(step.rows, "row") + " in the side table, " + with_thousands(step.distinct) +
         " event_ids, as read";
}
std::string words_of(const WaitingStep& step) {
  return "for somebody to look at " + counted(step.rows, "row") + "; put there by " + who(step.actor);
}
std::string words_of(const MergedStep& step) {
  return with_thousands(step.inserted) + " inserted, " + with_thousands(step.already_present) +
         " already there";
}
std::string words_of(const CheckedStep& step) {
  return with_thousands(step.missing) + " missing, " + with_thousands(step.duplicate) + " more than once";
}
std::string words_of(const RemovedStep& step) {
  return counted(step.removed, "row") + " removed";
}
std::string words_of(const DoneStep& step) {
  if (step.removed)
    return counted(*step.removed, "row") + " removed; " + counted(step.expected, "event_id") +
           " stand exactly once";
  return counted(step.inserted, "row") + " inserted of " + with_thousands(step.expected) + " expected";
}
std::string words_of(const FailedStep& step) {
  return printable("during '" + step.step + "': " + step.message) +
         (step.merged ? "; rows had been changed" : "; nothing was changed");
}

void print_plan(Output& out, const RecoveryPlan& plan) {
  out.print("planned    " + human_time(plan.created) + " UTC by " + who(plan.actor) + ", " +
            printable(plan.actor.program));
  out.print("scope      " + printable(to_string(plan.scope)));
  out.print("plan hash  " + plan.hash());
  out.print("expected   " + counted(plan.expected.rows, "row") + operations_of(plan.expected) + "; " +
            with_thousands(plan.already_present) + " were there when it was planned");
  if (!plan.files) return;
  const FileProof& proof = *plan.files;
  out.print("vouched    of the files' event_ids " + with_thousands(proof.archived) +
            " are archived the same, " + with_thousands(proof.changed) + " with other content, " +
            with_thousands(proof.unknown) + " not at all");
}

void print_removal(Output& out, const RemovalPlan& plan) {
  out.print("planned    " + human_time(plan.created) + " UTC by " + who(plan.actor) + ", " +
            printable(plan.actor.program));
  out.print("scope      " + printable(to_string(plan.scope)));
  out.print("plan hash  " + plan.hash());
  out.print("to remove  " + counted(plan.to_remove(), "row") + "; " + counted(plan.sum.ids, "event_id") +
            " stood more than once, rows equal; " + counted(plan.unequal_rows(), "row") +
            " that differ stay");
}

void print_segments(Output& out, const RecoveryPlan& plan) {
  out.print("\n" + counted(static_cast<std::int64_t>(plan.segments.size()), plan.files ? "file" : "segment") +
            ", as read:");
  Table table({{"RECORDS", Table::Align::kRight}, {"SIZE", Table::Align::kRight}, {"SHA256"}, {"SEGMENT"}});
  for (const PlannedSegment& segment : plan.segments)
    table.add({with_thousands(segment.records), human_bytes(segment.bytes), segment.sha256,
               printable(segment.key)});
  ignore_error(out.write(table.to_string()), "the output keeps its first failure for the end of the program");
}

}  // namespace

Json recovery_details(const PastRecovery& past) {
  Json json = {{"segments_read", Json::array()}, {"steps", Json::array()}};
  if (past.plan) {
    json["operations"] = past.plan->expected.operations;
    for (const PlannedSegment& segment : past.plan->segments) {
      json["segments_read"].push_back({{"key", segment.key},
                                       {"sha256", segment.sha256},
                                       {"partition", segment.partition.value},
                                       {"slot", segment.slot.value},
                                       {"records", segment.records},
                                       {"bytes", segment.bytes}});
    }
  }
  for (const JournalEntry& entry : past.journal) {
    json["steps"].push_back(
        {{"step", name(entry.step)},
         {"time", to_rfc3339(entry.time)},
         {"detail", std::visit([](const auto& step) { return words_of(step); }, entry.step)}});
  }
  return json;
}

void print_recovery(Output& out, const PastRecovery& past) {
  out.print("recovery   " + past.id + ", " + past.state());
  if (past.plan) print_plan(out, *past.plan);
  if (past.removal) print_removal(out, *past.removal);
  if (past.damage) out.print("damage     " + out.paint(Color::kRed, printable(past.damage->to_string())));
  if (past.journal.empty()) out.print("steps      none: it was planned and never started");
  for (const JournalEntry& entry : past.journal) {
    const std::string label = name(entry.step);
    out.print(label + std::string(11 - label.size(), ' ') + human_time(entry.time) + " UTC  " +
              std::visit([](const auto& step) { return words_of(step); }, entry.step));
  }
  if (past.plan) print_segments(out, *past.plan);
}

}  // namespace changevault
