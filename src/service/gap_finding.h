// Gaps as every verb sees them: archive against warehouse, with what people acknowledged.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <vector>

#include "recovery/acks.h"
#include "recovery/coverage.h"
#include "service/known_archive.h"
#include "service/parts.h"

namespace changevault {

// A cell that is a gap, or would be one if nobody had accepted it.
struct FoundGap {
  Hour hour;
  std::uint32_t ns = 0;                 // index into Coverage::namespaces
  GapState state = GapState::kMissing;  // without its acknowledgement
  CellEvidence evidence;
  std::optional<Slot> ack;     // that holds for exactly this
  bool lost_unknown = false;   // as the cell's
  std::int64_t misplaced = 0;  // as in GapCell
};

struct GapFinding {
  Coverage coverage;
  Acks acks;
  std::vector<FoundGap> gaps;            // in the order of the coverage's cells
  std::optional<FoundNotes> by_reading;  // of an archive without a ledger
  std::int64_t adopted = 0;              // files of other programs that the ledger lists
};

// To end the comparison, and to tell how far it is.
struct GapWatch {
  std::stop_token stop;
  std::function<void(std::int64_t, std::int64_t)> on_cells;  // as in CoverageOptions
};

// With the configured grace time. `catalog` was read before this call. Errors as of find_gaps
// (recovery/coverage.h).
Result<GapFinding> find_all_gaps(Parts& parts, HourCatalog& catalog, const Scope& scope,
                                 const GapWatch& watch);

Result<GapFinding> find_all_gaps(Parts& parts, KnownArchive& archive, const Scope& scope,
                                 const GapWatch& watch);

}  // namespace changevault
