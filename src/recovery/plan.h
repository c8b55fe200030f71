// What a recovery is going to do, as a value: counted and proven before anything changes, kept as a file
// afterwards (docs/formats/plan.md).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "archive/catalog.h"
#include "base/random.h"
#include "base/result.h"
#include "recovery/coverage.h"
#include "recovery/plan_cells.h"
#include "recovery/scan.h"
#include "warehouse/warehouse.h"

namespace changevault {

// Who does it, with what; for the audit trail.
struct Actor {
  std::string user;
  std::string host;
  std::string program;  // "changevault 0.1.0"
  bool operator==(const Actor&) const = default;
};

struct PlannedSegment {
  std::string key;
  std::string sha256;
  Namespace ns;
  Hour hour;
  PartitionId partition{};
  Slot slot{};
  std::int64_t records = 0;  // in the file
  std::int64_t bytes = 0;
  bool operator==(const PlannedSegment&) const = default;

  SegmentRef reference() const { return {key, sha256, partition, slot, records}; }
};

// Of a recovery from files that people made: event_ids by what the archive says of them, at the hour and
// collection that their record names. Nothing else vouches for them.
struct FileProof {
  std::int64_t archived = 0;    // it holds them with the same content
  std::int64_t changed = 0;     // with other content
  std::int64_t unknown = 0;     // not at all
  std::int64_t unreadable = 0;  // archived files, not ids: they could not be read to be asked
  bool operator==(const FileProof&) const = default;
};

struct RecoveryPlan {
  std::string id;  // [a-z0-9_]+: names the side table, the journal's folder and the load records
  Scope scope;
  std::vector<PlannedSegment> segments;  // or files; then a segment has no namespace, partition and slot
  ScanFacts expected;                    // the records in scope
  std::int64_t distinct = 0;             // event_ids among them
  std::int64_t already_present = 0;      // of those, in the warehouse when the plan was made
  std::vector<PlannedCell> cells;        // by namespace, then hour; empty in plans of version 1
  std::optional<FileProof> files;        // of a recovery from files
  Timestamp created{};
  Actor actor;
  bool operator==(const RecoveryPlan&) const = default;

  std::int64_t new_rows() const { return distinct - already_present; }
  void sum_cells();  // `distinct` and `already_present` from the cells
  // SHA-256 over what is recovered (scope, segments, expected, distinct, files): the same work has the same
  // hash, whoever plans it and however much of it is there already.
  std::string hash() const;
};

// "20250116t081500z_1a2b3c4d": sorts by time, serves as part of a table's name.
std::string make_recovery_id(Timestamp now, Random& random);

// The file's bytes, sealed, and back. kCorrupt where the bytes, or the hash inside, are not what they say;
// kUsage for a newer format.
std::string encode_plan(const RecoveryPlan& plan);
Result<RecoveryPlan> decode_plan(std::string_view bytes, const std::string& object);

// What a recovery of gaps reads.
struct RecoverableSegments {
  std::vector<ListedSegment> segments;  // ordered by namespace, hour, partition, first sequence
  std::vector<std::size_t> left_out;  // cells (indexes into Coverage::cells) of which something is unreadable
};

// The listed segments of the cells of `gaps` that can be put back; it was made from `catalog`. A cell that
// cannot be put back whole is left out whole.
Result<RecoverableSegments> segments_to_recover(HourCatalog& catalog, const Coverage& gaps);

struct PlanRequest {
  std::string id;
  Scope scope;
  std::vector<const ListedSegment*> segments;
  Timestamp now{};
  Actor actor;
  // Event_ids held in memory at once; above, the segments are read in several passes.
  std::int64_t ids_in_memory = 2'000'000;
};

// Segments done, segments in all.
using PlanProgress = std::function<void(std::int64_t, std::int64_t)>;

// Reads the segments through `feed` (which filters by the request's scope), proves them against the ledger's
// facts and counts what the warehouse has of them. A plan without rows is a value too. Errors: kValidation
// where a segment is gone or is not what the ledger says; what store and warehouse say.
Result<RecoveryPlan> make_plan(const PlanRequest& request, RecordFeed& feed, Warehouse& warehouse,
                               const PlanProgress& progress);

// Cells of which the warehouse holds fewer rows than when the plan was made; so more would be inserted than
// somebody agreed to. Reads counts alone.
struct ShrunkCell {
  PlannedCell planned;
  std::int64_t warehouse = 0;  // rows now
};
Result<std::vector<ShrunkCell>> shrunk_cells(const RecoveryPlan& plan, Warehouse& warehouse);

// Whether the ledger still lists every planned segment with the same bytes. kStalePlan naming the first that
// it does not.
Result<void> check_plan_fits(const RecoveryPlan& plan, const Catalog& catalog);

}  // namespace changevault
