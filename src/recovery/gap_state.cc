#include "recovery/gap_state.h"

#include <algorithm>

namespace changevault {
namespace {

GapState state_of_missing(const CellFacts& cell) {
  // "None of n": events that repeat an earlier hour are elsewhere in the warehouse and do not count as there.
  const std::int64_t events = cell.numbers.archive - cell.numbers.repeats;
  return cell.numbers.missing >= events ? GapState::kMissing : GapState::kPartial;
}

GapState state_without_acknowledgement(const CellFacts& cell) {
  const CellNumbers& n = cell.numbers;
  if (n.duplicate > 0) return GapState::kDuplicate;
  if ((cell.sealed || cell.beyond) && n.extra > 0) return GapState::kExtra;
  if (n.missing > 0 && !cell.all_pending) return state_of_missing(cell);
  if (cell.lost) return GapState::kLost;
  if (n.missing > 0) return GapState::kPending;
  if (!cell.sealed) return GapState::kUnsealed;
  return n.archive == 0 && n.warehouse == 0 ? GapState::kQuiet : GapState::kOk;
}

}  // namespace

const char* name(GapState state) {
  switch (state) {
    case GapState::kNotCovered:
      return "NOT_COVERED";
    case GapState::kAcknowledged:
      return "ACKNOWLEDGED";
    case GapState::kDuplicate:
      return "DUPLICATE";
    case GapState::kExtra:
      return "EXTRA";
    case GapState::kMissing:
      return "MISSING";
    case GapState::kPartial:
      return "PARTIAL";
    case GapState::kLost:
      return "LOST";
    case GapState::kPending:
      return "PENDING";
    case GapState::kUnsealed:
      return "UNSEALED";
    case GapState::kOk:
      return "OK";
    case GapState::kQuiet:
      return "QUIET";
  }
  return "UNKNOWN";
}

bool is_gap(GapState state) {
  return state == GapState::kDuplicate || state == GapState::kExtra || state == GapState::kLost ||
         is_recoverable(state);
}

bool is_recoverable(GapState state) {
  return state == GapState::kMissing || state == GapState::kPartial;
}

CellNumbers numbers_by_counts(CellNumbers counted, std::int64_t ids) {
  counted.missing = std::max<std::int64_t>(0, counted.archive - counted.distinct);
  counted.extra = counted.warehouse - ids + std::max<std::int64_t>(0, counted.distinct - counted.archive);
  counted.duplicate = ids - counted.distinct;
  // Equal counts and other digests: at least one event has another's place.
  if (counted.missing == 0 && counted.extra == 0 && counted.duplicate == 0) counted.missing = 1;
  return counted;
}

GapState classify(const CellFacts& cell) {
  // Whatever the archive knows, one event in two rows is one too many.
  if (!cell.covered && cell.numbers.duplicate == 0) return GapState::kNotCovered;
  const GapState state = state_without_acknowledgement(cell);
  // Only a gap can have been accepted: once it is repaired, the cell says so.
  return cell.acknowledged && is_gap(state) ? GapState::kAcknowledged : state;
}

}  // namespace changevault
