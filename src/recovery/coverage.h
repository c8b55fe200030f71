// Gaps: archive against warehouse, for every hour of every collection of a scope.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "archive/hour_catalog.h"
#include "base/result.h"
#include "base/time.h"
#include "codec/json_fwd.h"
#include "model/scope.h"
#include "recovery/gap_state.h"
#include "warehouse/warehouse.h"

namespace changevault {

struct GapCell {
  Hour hour;
  std::uint32_t ns = 0;  // index into Coverage::namespaces
  GapState state = GapState::kQuiet;
  bool sealed = false;
  // Something of the archive that this cell needs could not be read: its numbers are what the counts alone
  // say, at the least, and nothing of it can be recovered before that is repaired.
  bool unreadable = false;
  bool lost_unknown = false;  // of the events that the hub lost in this hour nobody knows the number
  CellNumbers numbers;
  // Of those missing: event_ids that stand in the warehouse, but only where the archive does not hold them:
  // under another hour or collection, or without a usable time.
  std::int64_t misplaced = 0;
  // The archive has events of it that the warehouse has nowhere, whatever else is wrong with its rows.
  bool can_be_put_back() const {
    const bool rows_too_many = state == GapState::kDuplicate || state == GapState::kExtra;
    return is_recoverable(state) || (rows_too_many && numbers.missing > misplaced);
  }
  bool operator==(const GapCell&) const = default;
};

// Rows of one collection that no cell has, as their time is in none of the hours compared.
// DUPLICATE: some are copies; EXTRA: they have no usable time, or one behind the archive's end where nothing
// is being archived any more; NOT_COVERED: from before the archive's first hour; UNSEALED: of the hours that
// are just being archived.
struct OutsideCell {
  OutsideRows rows;
  GapState state = GapState::kExtra;
  bool operator==(const OutsideCell&) const = default;
};

// An object of the archive that could not be read.
struct CoverageProblem {
  Error error;                      // its object is the object
  std::optional<std::size_t> cell;  // index into Coverage::cells; nullopt: a slot of the ledger
  bool uncertain = true;  // something of the scope is not known for it; false: known from elsewhere, or no
                          // hour of the scope needs it
};

struct Coverage {
  TimeRange range;  // whole hours, bounded
  std::vector<Namespace> namespaces;
  std::vector<GapCell> cells;  // by namespace, then hour: one for each pair that the scope takes
  std::map<GapState, std::int64_t> summary;  // of the cells
  // Only sides to which the scope's time is open: a scope that names both ends asks for its hours alone, and
  // rows without a usable time belong to none.
  std::vector<OutsideCell> outside;
  std::vector<CoverageProblem> problems;
  // Some event_ids of rows that the archive does not hold where they stand, by cell (index into `cells`); of
  // kStrangersShown cells at most.
  std::vector<std::pair<std::size_t, std::vector<std::string>>> strangers;
  static constexpr std::size_t kStrangersShown = 20;
  bool uncertain() const {
    return std::any_of(problems.begin(), problems.end(),
                       [](const CoverageProblem& p) { return p.uncertain; });
  }

  const Namespace& ns(const GapCell& cell) const { return namespaces[cell.ns]; }
  std::int64_t gaps() const;  // cells with is_gap, and what is outside with is_gap
  std::int64_t gaps_outside() const;
  std::int64_t misplaced() const;  // sum over the cells
  // Every cell is complete and empty.
  bool quiet() const;
};

// Equal counts and digests, and each id once and in no other cell: equal sets, and no id was looked at.
// `warehouse` null: no rows.
bool same_events(const Digest& archive, const WarehouseCell* warehouse);
// The same, wherever else the ids stand as well.
bool same_set(const Digest& archive, const WarehouseCell& warehouse);

// The archive's half of the comparison.
struct ArchiveSide {
  ArchiveSpan span;
  std::vector<Namespace> namespaces;  // all that the archive knows, in the scope or not; ordered
  std::vector<HourCell> cells;        // by hour, then namespace
  std::vector<LostRange> lost;
  std::vector<LedgerProblem> problems;
  // Looked up for cells that differ. Damage (kCorrupt, kNotFound) costs the cell, every other error the
  // comparison.
  std::function<Result<std::vector<SealedSegment>>(const HourCell&)> objects_of;
  std::function<Result<std::vector<ListedSegment>>(std::span<const HourCell>)> listings_of;
  // Reads the archive's end anew, where rows stand behind `span.end`: archiving and loading go on meanwhile.
  // Where empty, the end is taken for what it was.
  std::function<Result<std::optional<Hour>>()> end_now;
  // Nothing says that the archive has all it should: rows that it does not hold may have an honest source.
  bool without_ledger = false;
  bool files_span_cells = false;  // a file's records may belong to several cells
};

// `catalog` outlives what is returned.
ArchiveSide archive_side(HourCatalog& catalog);

// What an acknowledgement is made of: whatever is lost, doubled or added later changes it.
struct CellEvidence {
  CellNumbers numbers;
  std::uint64_t archive_digest = 0;
  std::uint64_t warehouse_digest = 0;
  // Sequence numbers of the lost ranges that touch the hour; a range whose end nobody knows counts as one.
  std::int64_t lost = 0;
  bool operator==(const CellEvidence&) const = default;
};

struct CoverageOptions {
  Timestamp now{};
  Duration load_grace = hours(1);
  // Asked of each gap; nobody accepted any where empty.
  std::function<bool(const GapCell&, const Namespace&, const CellEvidence&)> acknowledged;
  // How many of the cells whose numbers differ were compared, and how many there are; an error of it ends the
  // comparison.
  std::function<Result<void>(std::int64_t, std::int64_t)> on_cells;
  std::size_t max_cells = 20'000'000;
};

// Compares. The archive's side must have been read before this call: whatever is listed or loaded meanwhile
// then looks at worst not loaded yet, never wrong. `feed` is unscoped and reads the segments of the cells
// whose numbers differ; one that is damaged or gone makes its cell `unreadable` and is listed as a problem.
//
// Scopes are whole hours: a time inside an hour is widened to the hour. Without a time range the hours go
// from the archive's first to its last known one.
//
// Errors: kUsage for a scope that counts cannot answer (operations, key, pattern) or of too many cells;
// kIndeterminate where nothing is known about the scope; what store and warehouse say.
Result<Coverage> find_gaps(const Scope& scope, const ArchiveSide& archive, Warehouse& warehouse,
                           RecordFeed& feed, const CoverageOptions& options);

// One JSON document, DESIGN's `gaps`: {"range":…,"cells":[…],"summary":{…},"problems":[…]}, in pieces that
// `write` gets in order, so that a year of fifty collections needs no tree in memory. `more`: further fields,
// an object.
void write_coverage_json(const Coverage& coverage, const std::function<void(std::string_view)>& write,
                         const Json& more);
void write_coverage_json(const Coverage& coverage, const std::function<void(std::string_view)>& write);

}  // namespace changevault
