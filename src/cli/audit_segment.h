// `audit --segment`: what is known about one archived file.
#pragma once

#include <optional>
#include <string>

#include "cli/context.h"

namespace changevault {

// A segment or dead-letter object as ledger, seals and store tell it, now.
struct SegmentTrail {
  std::string key;
  std::optional<ListedSegment> listed;  // nullopt: the ledger does not list it
  struct Seal {
    Slot slot{};
    Hour from;
    Hour to;
    bool agrees = false;  // it names the same sha256
  };
  std::optional<Seal> seal;     // of its hour
  std::int64_t bytes = 0;       // in the store
  std::string sha256;           // of what is there; empty where nothing is
  std::optional<Error> damage;  // gone, or not what the ledger lists
};

// `key` as ls prints it: a whole key or the file's name alone. Reads the object once. kIndeterminate where
// neither ledger nor store know it.
Result<SegmentTrail> trail_of_segment(Context& context, const Catalog& catalog, const std::string& key);

Json to_json(const SegmentTrail& trail);
void print(Output& out, const SegmentTrail& trail);

}  // namespace changevault
