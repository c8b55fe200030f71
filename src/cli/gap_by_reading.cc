#include "cli/gap_report.h"
#include "cli/text.h"
#include "codec/json.h"

namespace changevault {
namespace {

std::string hours_apart(std::int64_t hours) {
  return counted(std::abs(hours), "hour") + (hours < 0 ? " earlier" : " later");
}

std::string folder_clock(const FoundNotes& notes) {
  if (notes.earliest == notes.latest) return hours_apart(notes.latest);
  if (notes.earliest == 0) return "up to " + hours_apart(notes.latest);
  if (notes.latest == 0) return "up to " + hours_apart(notes.earliest);
  return "from " + hours_apart(notes.earliest) + " to " + hours_apart(notes.latest);
}

}  // namespace

void tell_by_reading(Output& out, const FoundNotes& notes) {
  out.note("note: " + std::string(kNoLedger) + "; it was counted by reading (" +
           counted(notes.files, "file") + ", of which " + with_thousands(notes.remembered) +
           " unchanged since they were read before)");
  tell_folder_clock(out, notes);
}

void tell_folder_clock(Output& out, const FoundNotes& notes) {
  if (notes.other_hour > 0) {
    out.note("note: the folders follow another clock than the records: " +
             counted(notes.other_hour, "record") + " of " + with_thousands(notes.records) + " lie" +
             (notes.other_hour == 1 ? "s" : "") + " in another hour than their time, in a folder " +
             folder_clock(notes) + "; hours here are those of the records");
  }
  if (notes.far > 0) {
    out.note("note: of these " + with_thousands(notes.far) + " lie more than " + std::to_string(kMostApart) +
             " hours away; such ones are found for certain only without a time range");
  }
  if (notes.other_name > 0)
    out.note("note: " + counted(notes.other_name, "record") +
             " lie in the folder of another collection than theirs; they are counted where they belong");
  if (notes.made_ids > 0)
    out.note("note: " + counted(notes.made_ids, "record") +
             " without an event_id got the one that [source] id makes of their resume token");
}

Json by_reading_json(const FoundNotes& notes) {
  return {{"files", notes.files},
          {"remembered", notes.remembered},
          {"bytes_read", notes.bytes_read},
          {"records", notes.records},
          {"other_hour", notes.other_hour},
          {"earliest_folder", notes.earliest},
          {"latest_folder", notes.latest},
          {"far", notes.far},
          {"other_collection", notes.other_name},
          {"made_ids", notes.made_ids},
          {"damaged", notes.damaged}};
}

}  // namespace changevault
