#include "cli/reading_report.h"

#include "cli/text.h"
#include "codec/json.h"

namespace changevault {

std::string describe_reading(const ReadTally& tally, bool by_ledger) {
  if (tally.cut_short) return "read until there were as many as asked for";
  return with_thousands(tally.records) + " read, " +
         (by_ledger ? "the ledger lists " + with_thousands(tally.promised)
                    : "and there is no ledger to say how many there should be");
}

void add_reading(Json& json, const ReadTally& tally, bool by_ledger) {
  json["read"] = tally.records;
  json["expected"] = by_ledger && !tally.cut_short ? Json(tally.promised) : Json();
}

}  // namespace changevault
