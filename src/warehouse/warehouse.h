// Where the events are queried: one table of records, and beside it the load ledger, a lock row and side
// tables for recoveries. Drivers: duckdb/ (embedded), memory/ (tests).
//
// No state is assumed between calls: each opens what it needs, does one whole step (one transaction where it
// changes anything) and closes. Every transaction that inserts into the table first takes the one row of
// `changevault_lock`.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "codec/record_scanner.h"
#include "model/event_id.h"
#include "model/hour.h"
#include "model/ids.h"
#include "model/ns.h"
#include "model/scope.h"
#include "model/segment_facts.h"
#include "warehouse/duplicates.h"

namespace changevault {

// A segment as the warehouse's load ledger names it.
struct SegmentRef {
  std::string key;
  std::string sha256;
  PartitionId partition{};
  Slot slot{};               // of the commit that lists it
  std::int64_t records = 0;  // in the file
};

// Feeds records to a warehouse that does not read the store itself.
class RecordFeed {
 public:
  virtual ~RecordFeed() = default;
  using EachRecord = std::function<Result<void>(const RecordView&)>;
  // Every record of `segment` that is in scope, in order; views live during the call. Must be repeatable: a
  // driver may read a segment twice. An error from `each` ends the reading and is returned.
  virtual Result<void> read(const SegmentRef& segment, const EachRecord& each) = 0;

  // The same for who needs ids, positions, times and names alone (what stands before document_key): the rest
  // of the record may be left out.
  virtual Result<void> read_facts(const SegmentRef& segment, const EachRecord& each) {
    return read(segment, each);
  }

  // Whole records, but only those that `choose` takes; it is asked once for each, with no more than its
  // facts.
  using Choose = std::function<bool(const RecordView&)>;
  virtual Result<void> read_chosen(const SegmentRef& segment, const Choose& choose, const EachRecord& each) {
    return read(segment, [&](const RecordView& record) -> Result<void> {
      return choose(record) ? each(record) : Result<void>();
    });
  }
};

struct LoadedSegment {
  SegmentRef segment;
  std::int64_t rows = 0;  // fed
  std::int64_t inserted = 0;
  std::int64_t already_present = 0;  // rows - inserted
};

// A row of `changevault_loads`.
struct LoadRecord {
  SegmentRef segment;
  std::int64_t inserted = 0;
  std::int64_t already_present = 0;
  Timestamp time{};
  bool live = true;         // false: a recovery
  std::string recovery_id;  // of a recovery
};

// What the load ledger holds of the segments that one slot of the archive's ledger lists.
struct LoadedSlot {
  PartitionId partition{};
  Slot slot{};
  std::int64_t segments = 0;  // with a live load record
  std::uint64_t digest = 0;   // sum mod 2^64 of EventId::of_text(sha256).high over them
  bool operator==(const LoadedSlot&) const = default;
};

// By which a loader knows that nobody else changed what is loaded: equal marks, and it is as it was. Tables
// that were emptied, made anew or brought back from a copy have another one.
struct LoadMark {
  std::int64_t insertions = 0;  // transactions that took the lock row
  std::int64_t live_loads = 0;
  Timestamp newest{};  // of the live load records
  bool operator==(const LoadMark&) const = default;
};

// One hour of one collection as the table holds it, by the hour of enqueued_time.
struct WarehouseCell {
  Hour hour;
  Namespace ns;
  std::int64_t rows = 0;
  std::int64_t distinct = 0;  // event_ids
  // Sum mod 2^64 of EventId::of_text(event_id).high over all rows that have one; of its complement where the
  // 32 hex digits hold capitals: for the archive's digest they are the same id, as a text they are another.
  std::uint64_t digest = 0;
  std::int64_t null_ids = 0;  // rows without event_id; part of `rows`, not of `distinct`
  std::int64_t shared = 0;    // of `distinct`: those that another cell of the answer holds as well
};

// Event_ids that stand somewhere.
struct IdsAt {
  std::optional<Hour> hour;  // nullopt: their rows have no usable time (NULL, infinite)
  Namespace ns;
  std::vector<std::string> ids;  // each once
  bool operator==(const IdsAt&) const = default;
};

// A cell, and the event_ids that the archive holds for it; one may stand twice (hub repeats).
struct CellIds {
  Hour hour;
  Namespace ns;
  std::vector<std::string> ids;
};

// A cell against a set of event_ids.
struct IdComparison {
  std::int64_t missing = 0;         // ids of the set that stand nowhere in the table
  std::int64_t elsewhere = 0;       // ids of the set that stand in the table, but not in this cell
  std::vector<IdsAt> elsewhere_at;  // the places of those; an id may stand in several
  std::vector<IdsAt> also_at;       // further places of ids of the set that do stand in this cell
  // Rows of the cell beyond one for each event_id, and the one of an id that is not in the set and stands
  // outside the cell as well.
  std::int64_t duplicate = 0;
  std::int64_t extra = 0;  // rows of the cell whose event_id is not in the set; those without event_id too
  std::vector<std::string> extra_ids;  // some of their event_ids, ordered; at most kExtraIdsShown
  bool operator==(const IdComparison&) const = default;
};
inline constexpr std::size_t kExtraIdsShown = 5;

enum class RowTime : std::uint8_t {
  kNone,    // enqueued_time is NULL or infinite
  kBefore,  // before the hours in question
  kAfter,   // behind them
};

// Rows of one collection that none of some hours has.
struct OutsideRows {
  Namespace ns;
  RowTime time = RowTime::kNone;
  std::int64_t rows = 0;
  // Of `rows`: those beyond one for each event_id, where one inside the hours (of any collection) counts
  // first.
  std::int64_t copies = 0;
  std::optional<Timestamp> earliest;  // enqueued; nullopt with kNone
  std::optional<Timestamp> latest;
  bool operator==(const OutsideRows&) const = default;
};

enum class StageContent {
  kFacts,  // what is proven and merged by: ids, positions, times, names. The documents stay in the archive.
  kWhole,  // every column, for people who look before they merge
};

struct StageFacts {
  std::int64_t rows = 0;
  std::int64_t distinct = 0;
  std::uint64_t digest = 0;  // over all rows, as the archive's digests
  OperationCounts operations;
  std::int64_t null_ids = 0;
  std::optional<Timestamp> min_time;  // enqueued
  std::optional<Timestamp> max_time;
  // Rows beyond one per (event_id, partition, sequence) of a segment. In another segment the same event may
  // stand at the same position: of a hub that was set back, in another epoch.
  std::int64_t same_position_twice = 0;
};

struct MergeOutcome {
  std::int64_t inserted = 0;
  std::int64_t already_present = 0;  // event_ids of the stage that were in the table
};

// A statement's result, for people.
struct SqlTable {
  std::vector<std::string> columns;
  std::vector<std::string> types;                             // the warehouse's names
  std::vector<std::vector<std::optional<std::string>>> rows;  // nullopt: NULL
  std::int64_t rows_changed = -1;                             // -1: not a change
};

struct WarehouseOptions {
  std::string table = "mongodb_changes";
  Duration lock_timeout = seconds(60);  // for the file, and for the lock row
  std::stop_token stop;                 // ends the waiting for either
  // Told once, in words, when a call has waited for a while for somebody else; any thread.
  std::function<void(const std::string&)> on_wait = nullptr;
  std::int64_t memory_limit = std::int64_t{2}
                              << 30;  // bytes that an embedded database may hold; beyond, it spills
};

// Thread-safe. Errors: kBusy (with who holds it, where known) after the lock's deadline; kUnreachable for
// what the other side does; kNotFound where the table does not exist.
class Warehouse {
 public:
  virtual ~Warehouse() = default;

  // Creates table, load ledger and lock row where they are missing; of a table that is made anew nothing is
  // loaded, so its old load records go. Idempotent. Refuses (kUsage) a table
  // whose columns differ.
  virtual Result<void> prepare() = 0;

  // In one transaction: the rows of `segments` whose event_id is not there yet (each event_id once), and
  // their load records. Rows too long to fit into memory together may take several, of which the last writes
  // the load records: loaded again after a failure in between, they are counted as already present. A segment
  // that has a live load record already is skipped and reported with rows = 0 only if its record says the
  // same sha256; another sha256 is kCorrupt.
  virtual Result<std::vector<LoadedSegment>> load(std::span<const SegmentRef> segments, RecordFeed& feed) = 0;

  // The segments with a live load record, by key; the whole ledger for audits.
  virtual Result<std::map<std::string, std::string>> live_loads() = 0;  // key -> sha256
  virtual Result<std::vector<LoadRecord>> load_records() = 0;
  // Those of these segments, by key, that have a live load record.
  virtual Result<std::set<std::string>> loaded_among(const std::vector<std::string>& segments) = 0;
  // The live load records by slot, in no order: far fewer than segments.
  virtual Result<std::vector<LoadedSlot>> loaded_slots() = 0;
  virtual Result<LoadMark> load_mark() = 0;  // cheap

  // Counts for all hours that `scope` touches (whole hours; operations, key and pattern are not looked at).
  virtual Result<std::vector<WarehouseCell>> cells(const Scope& scope) = 0;

  // The rows of the scope's collections that have a time outside `hours`, which are whole ones, but of the
  // scope's own time and hours of the day; and those without a usable time, which belong to no hour, only
  // where the scope names neither. By collection, then time. Cheap where there are none.
  virtual Result<std::vector<OutsideRows>> outside(const Scope& scope, const TimeRange& hours) = 0;

  // Compares each cell with its ids; answers in their order. No cell stands twice. Many are asked about at
  // once: the table is read as often for one as for a thousand.
  virtual Result<std::vector<IdComparison>> compare(std::span<const CellIds> cells) = 0;

  // How many different ids of `ids` stand in the table.
  virtual Result<std::int64_t> count_present(const std::vector<std::string>& ids) = 0;
  // The same for each of several groups; no id twice.
  virtual Result<std::vector<std::int64_t>> count_present_of(
      std::span<const std::vector<std::string>> groups) = 0;

  // --- recovery, step by step; `id` names the side table <table>_recovery_<id> ([a-z0-9_]) ---
  // Fills the side table anew with the rows of the feed; only a success says that all of them are there.
  virtual Result<void> stage(const std::string& id, std::span<const SegmentRef> segments, RecordFeed& feed,
                             StageContent content) = 0;
  virtual Result<StageFacts> stage_facts(const std::string& id) = 0;
  // One transaction under the lock: the rows of the feed whose event_ids are in the stage and not in the
  // table, each event_id once, and one load record for each segment (live = false, recovery id). A feed that
  // fails, or does not give exactly these rows, merges nothing. Run again after it succeeded: finds its load
  // records, inserts nothing and returns what they say.
  virtual Result<MergeOutcome> merge(const std::string& id, std::span<const SegmentRef> segments,
                                     RecordFeed& feed) = 0;
  // nullopt: no merge of this recovery has happened.
  virtual Result<std::optional<MergeOutcome>> merged(const std::string& id) = 0;
  // Event_ids of the stage by how often they stand in the table: not once, more than once.
  struct Recheck {
    std::int64_t missing = 0;
    std::int64_t duplicate = 0;
  };
  virtual Result<Recheck> recheck(const std::string& id) = 0;
  virtual Result<void> drop_stage(const std::string& id) = 0;  // also when it is not there
  virtual Result<std::vector<std::string>> stages() = 0;       // ids of the side tables that exist

  // --- removing rows that stand more than once, step by step; recheck, drop_stage and stages as above ---
  // Event_ids that stand more than once, of which a row is in the scope (whole hours; operations, key and
  // pattern are not looked at); up to `examples` of either kind.
  virtual Result<DuplicateFacts> duplicates(const Scope& scope, std::size_t examples) = 0;
  // Fills a side table anew with those whose rows are all equal, in parts of about so many rows to remove.
  virtual Result<void> stage_duplicates(const std::string& id, const Scope& scope,
                                        std::int64_t rows_of_part) = 0;
  virtual Result<DuplicateStage> duplicate_stage(const std::string& id) = 0;
  // One transaction under the lock: of each event_id of the part all rows but the first are removed, each is
  // proven to stand once, and the side table notes it. How many rows; the same again where it was done
  // before. kStalePlan, and nothing is removed, where its rows are not as they were when they were staged.
  virtual Result<std::int64_t> remove_duplicates(const std::string& id, std::int64_t part) = 0;

  virtual Result<SqlTable> sql(const std::string& statement) = 0;

  // Many small questions follow: while what is returned lives, a warehouse whose opening costs something
  // stays open. Others may have to wait for that long. nullptr where there is nothing to keep.
  virtual std::shared_ptr<void> keep_open() { return nullptr; }
  virtual std::string url() const = 0;
};

}  // namespace changevault
