#include "cli/daemon_words.h"

#include "cli/text.h"
#include "codec/json.h"

namespace changevault {

std::string describe(const ArchiveTotals& totals) {
  const std::string lost =
      totals.lost == 0 ? ""
                       : "; " + counted(totals.lost, "event") + " listed as lost: the hub had deleted them";
  if (totals.events == 0) {
    return (totals.sealed_hours == 0 ? "nothing new to archive"
                                     : "no new events; " + counted(totals.sealed_hours, "hour") + " sealed") +
           lost;
  }
  std::string out = "archived " + counted(totals.events, "event") + " in " +
                    counted(totals.segments, "file") + " (" + human_bytes(totals.bytes) + ")";
  if (totals.dead_letters > 0) {
    out += "; " + with_thousands(totals.dead_letters) + " of them no change events: kept as dead letters";
  }
  if (totals.sealed_hours > 0) out += "; " + counted(totals.sealed_hours, "hour") + " sealed";
  return out + lost;
}

std::string describe(const LoadTotals& totals) {
  if (totals.segments == 0) return "nothing new to load";
  std::string out =
      "loaded " + counted(totals.segments, "segment") + ": " + counted(totals.inserted, "row") + " inserted";
  if (totals.already_present > 0)
    out += ", " + with_thousands(totals.already_present) + " were there already";
  return out;
}

Json to_json(const ArchiveTotals& totals) {
  return {{"events", totals.events},     {"records", totals.records}, {"dead_letters", totals.dead_letters},
          {"segments", totals.segments}, {"bytes", totals.bytes},     {"lost", totals.lost}};
}

Json to_json(const LoadTotals& totals) {
  return {{"segments", totals.segments},
          {"inserted", totals.inserted},
          {"already_present", totals.already_present}};
}

}  // namespace changevault
