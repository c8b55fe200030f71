// What the numbers of one hour of one collection say about it. Pure: no I/O, no clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.h"
#include "model/hour.h"

namespace changevault {

// In the order in which they apply: the first that fits is the state of the cell.
enum class GapState : std::uint8_t {
  kNotCovered,    // before the archive's first hour, and no row twice: nothing can be said
  kAcknowledged,  // a gap that somebody looked at and accepted
  kDuplicate,     // rows beyond one per event_id
  kExtra,         // a sealed hour, or one behind the archive, with rows that the archive does not hold there
  kMissing,       // the warehouse has none of the cell's events
  kPartial,       // it has some of them
  kLost,          // the hub lost events of this hour before they were archived
  kPending,       // missing, but listed so recently that loading is still to come
  kUnsealed,      // the hour is not complete yet; nothing listed so far is missing
  kOk,
  kQuiet,  // complete and empty
};

inline constexpr GapState kGapStates[] = {
    GapState::kNotCovered, GapState::kAcknowledged, GapState::kDuplicate, GapState::kExtra,
    GapState::kMissing,    GapState::kPartial,      GapState::kLost,      GapState::kPending,
    GapState::kUnsealed,   GapState::kOk,           GapState::kQuiet,
};

// "NOT_COVERED", "OK", …: stable, for JSON.
const char* name(GapState state);
// Something is wrong: DUPLICATE, EXTRA, MISSING, PARTIAL, LOST.
bool is_gap(GapState state);
// A recovery from the archive repairs it: MISSING, PARTIAL.
bool is_recoverable(GapState state);

// All that is known about one hour of one collection, archive against warehouse.
struct CellNumbers {
  std::int64_t archive = 0;    // records in the archive
  std::int64_t warehouse = 0;  // rows in the warehouse
  std::int64_t distinct = 0;   // event_ids among those rows
  std::int64_t missing = 0;    // event_ids of the archive that stand nowhere where the archive holds them
  std::int64_t extra = 0;      // rows whose event_id the archive does not hold here
  std::int64_t duplicate = 0;  // rows beyond one per event_id
  std::int64_t repeats =
      0;  // records of the cell that the hub gave more than once: rows of another hour, or none
  void take_rows(std::int64_t rows, std::int64_t ids) {
    warehouse = rows;
    distinct = ids;
  }
  bool operator==(const CellNumbers&) const = default;
};

struct CellFacts {
  CellNumbers numbers;
  bool covered = true;  // not before the archive's first hour
  bool sealed = false;
  bool beyond = false;        // behind all that is archived, and nothing is on its way there
  bool lost = false;          // a lost range touches the hour
  bool all_pending = false;   // every missing event was listed within the grace time and is not loaded yet
  bool acknowledged = false;  // somebody accepted a gap here
};

GapState classify(const CellFacts& cell);

// What is missing, too much and extra at the least, where only counts are known and the two sides differ.
// `ids`: event_ids that are not NULL.
CellNumbers numbers_by_counts(CellNumbers counted, std::int64_t ids);

// What a namespace's hours are measured against.
struct ArchiveSpan {
  std::optional<Hour> first;  // the first hour that holds anything
  std::optional<Hour> end;    // behind the last hour that holds anything or is sealed
  std::optional<Hour> sealed_from;
  std::optional<Hour> sealed_to;  // exclusive

  bool covers(Hour hour) const { return first && *first <= hour; }
  bool sealed(Hour hour) const { return sealed_from && *sealed_from <= hour && hour < *sealed_to; }
};

}  // namespace changevault
