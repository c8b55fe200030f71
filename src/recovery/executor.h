// Carries out a recovery plan: stage, validate, merge, re-check, audit record.
//
// The problem: rows have to get into a table that is being loaded meanwhile, exactly once each, from files
// that may have been damaged since they were written, by a process that may die between any two steps.
//
// Invariants:
//  - Nothing is merged unless every segment was read whole with the planned sha256 and the side table equals
//  that reading.
//  - Work is cut into chunks of whole segments with a bounded text, each with a side table and transactions
//  of
//    its own. All are staged and validated before the first is merged.
//  - The merge of a chunk is one transaction of the warehouse, which writes the chunk's load records with the
//    rows: whether it happened is never guessed from the journal, `Warehouse::merged` knows.
//  - The journal says `failed` only where it is certain that nothing was merged, or that the merge is proven
//    incomplete.
//  - A recovery that died anywhere leaves at most its side tables and an unfinished journal; `resume` ends
//  it,
//    and a new recovery of the same scope is right as well (it inserts what is not there).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "recovery/journal.h"
#include "recovery/plan.h"
#include "store/key_layout.h"
#include "store/object_store.h"
#include "warehouse/warehouse.h"

namespace changevault {

enum class RecoveryState : std::uint8_t { kPlanned, kStaged, kDone, kFailed };
const char* name(RecoveryState state);  // "planned", …

struct RecoveryResult {
  std::string id;
  std::string plan_hash;
  std::int64_t segments = 0;
  std::int64_t expected = 0;
  std::int64_t staged = 0;
  std::int64_t inserted = 0;
  std::int64_t already_present = 0;
  RecoveryState state = RecoveryState::kPlanned;
  std::vector<std::string> chunks;       // names of its chunks: of side tables and load records
  CheckedStep check;                     // of kFailed: merged, but the re-check found this
  std::optional<Timestamp> done_before;  // it was over when it was asked for: nothing was done or checked now
  bool operator==(const RecoveryResult&) const = default;
};

struct ExecutorOptions {
  bool stage_only = false;  // end when all is staged and validated
  // A stop before the merge leaves it as a death does, to be resumed; else it ends as failed, and its side
  // tables are dropped.
  bool resumable = false;
  std::int64_t chunk_text_bytes = std::int64_t{256} << 20;  // of a chunk, at most; one segment at least
  // Text of a planned segment, where the caller knows it; else it is taken for eight times its bytes.
  std::function<std::int64_t(const PlannedSegment&)> text_bytes;
};

// What a segment counts towards chunk_text_bytes. A merge is one transaction, and a warehouse that holds
// 2,048 rows at a time in memory needs several times the text of rows over 64 KiB (decision 11): four times
// its text.
std::int64_t merge_weight(std::int64_t text_bytes, std::int64_t records);

// How many segments each chunk takes, in the plan's order.
std::vector<std::int64_t> cut_into_chunks(const RecoveryPlan& plan, const ExecutorOptions& options);
// "20250116t081500z_1a2b3c4d" where there is one chunk, else "…_c001" and so on.
std::string chunk_name(const std::string& recovery_id, std::size_t chunk, std::size_t chunks);
// And back: the recovery that a side table belongs to.
std::string recovery_of_chunk(const std::string& chunk_name);

// What a plan amounts to before it is carried out.
RecoveryResult as_planned(const RecoveryPlan& plan);

enum class RecoveryStep : std::uint8_t { kStage, kValidate, kMerge, kCheck };
const char* name(RecoveryStep step);

// Step, done, all (segments while staging, else chunks).
using RecoveryProgress = std::function<void(RecoveryStep, std::int64_t, std::int64_t)>;

// References outlive it. Not thread-safe.
class Executor {
 public:
  struct Parts {
    ObjectStore& store;
    const KeyLayout& layout;
    Warehouse& warehouse;
    Clock& clock;
    Random& random;
    std::optional<std::string> source_id{};  // completes records of others (SegmentFeed::complete_with)
  };
  explicit Executor(const Parts& parts) : parts_(parts) {}
  void on_progress(RecoveryProgress progress) { progress_ = std::move(progress); }

  // Carries out a plan that was never begun. A `stop` before the merge is kCancelled (see `resumable`); later
  // it is not looked at. Errors: kValidation (nothing was merged), kStalePlan (the plan was begun before),
  // kFenced (somebody else is carrying it out), kIndeterminate (the merge was sent and its outcome could not
  // be learned: resume), what store and warehouse say. A re-check that finds events missing or twice is a
  // value with kFailed.
  Result<RecoveryResult> run(const RecoveryPlan& plan, std::stop_token stop,
                             const ExecutorOptions& options = {});

  // Ends a recovery that died, or that waits: finishes it where the merge happened, merges what waits staged,
  // starts over else. One that is done says again what it did, and when; one that failed is kStalePlan. Only
  // for recoveries that nobody is working on any more.
  Result<RecoveryResult> resume(const std::string& id, const Actor& actor, std::stop_token stop,
                                const ExecutorOptions& options = {});

  // Gives up a recovery that did not end: its side tables are dropped, its journal ends. How many rows its
  // merged parts have inserted (they stay). kStalePlan where it is over (side tables that it left, as it died
  // at its very end, are dropped then, too); kCorrupt, kNotFound where its plan or journal is damaged or
  // gone: nothing is changed then (recovery/remains.h).
  Result<std::int64_t> discard(const std::string& id, const Actor& actor);

 private:
  Result<RecoveryPlan> read_plan(const std::string& id);
  Parts parts_;
  RecoveryProgress progress_;
};

}  // namespace changevault
