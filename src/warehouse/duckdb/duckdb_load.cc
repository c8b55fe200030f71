// Loading segments. The common batch brings only events that the table has not seen, so its rows go straight
// into the table while they are read, once; only then the table is asked which of their event_ids it had
// before. Where it had some, the transaction is rolled back and the batch is read again, without them. Both
// asking and inserting stand under the lock row, and the asking connection sees committed rows alone, so the
// answer holds until the commit.
//
// Rows so long that they do not fit into the memory together are inserted by several transactions; the last
// of them writes the load records. Killed in between, the next load finds the rows of the first ones as
// present.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "warehouse/duckdb/duckdb_lock.h"
#include "warehouse/duckdb/duckdb_memory.h"
#include "warehouse/duckdb/duckdb_rows.h"
#include "warehouse/duckdb/duckdb_warehouse.h"
#include "warehouse/duckdb/row_window.h"
#include "warehouse/id_set.h"

namespace changevault {
namespace {

struct Tables {
  const TableName& table;
  const TableName& loads;
  const TableName& lock;
};

// One attempt to load a batch. `observer` is a second connection to the same database: what it reads is
// committed.
class BatchLoad {
 public:
  BatchLoad(DuckDbConnection& connection, DuckDbConnection& observer, const Tables& tables, RecordFeed& feed,
            Timestamp now, std::int64_t memory)
      : connection_(connection),
        observer_(observer),
        tables_(tables),
        feed_(feed),
        now_(now),
        memory_(memory) {}

  Result<std::vector<LoadedSegment>> run(std::span<const SegmentRef> segments) {
    {
      CV_ASSIGN(DuckDbTransaction transaction, begin(segments));
      Result<void> inserted = insert();
      if (!inserted && !too_long_) return std::move(inserted).error();
      if (inserted) {
        CV_TRY(fill_ids());
        CV_TRY(find_present());
        if (present_.empty()) return commit(transaction);
      }
    }
    if (too_long_) return run_in_parts(segments);
    CV_ASSIGN(DuckDbTransaction transaction, begin(segments));
    CV_TRY(find_present());
    CV_TRY(insert());
    return commit(transaction);
  }

  // Of a batch that was loaded in parts.
  bool has_long_rows() const { return too_long_; }

 private:
  Result<DuckDbTransaction> begin(std::span<const SegmentRef> segments) {
    CV_ASSIGN(DuckDbTransaction transaction, DuckDbTransaction::begin(connection_));
    CV_TRY(take_lock(connection_, tables_.lock));
    outcome_.clear();
    CV_ASSIGN(auto loaded, loaded_before(segments));
    for (const SegmentRef& segment : segments) {
      const auto [found, is_new] = loaded.try_emplace(segment.key, segment.sha256);
      if (found->second != segment.sha256) {
        return Error(ErrorCode::kCorrupt,
                     "a segment was loaded before with other bytes: sha256 " + found->second + ", now " +
                         segment.sha256,
                     segment.key, "run `changevault verify`");
      }
      outcome_.push_back({LoadedSegment{segment, 0, 0, 0}, is_new});
    }
    return transaction;
  }

  Result<std::map<std::string, std::string>> loaded_before(std::span<const SegmentRef> segments) {
    std::map<std::string, std::string> out;
    if (segments.empty()) return out;
    std::string marks;
    DuckDbValues values = {tables_.table.name};
    for (const SegmentRef& segment : segments) {
      marks += marks.empty() ? "?" : ", ?";
      values.emplace_back(segment.key);
    }
    CV_ASSIGN(DuckDbRows rows,
              connection_.query("SELECT segment, sha256 FROM " + tables_.loads.sql() +
                                    " WHERE table_name = ? AND kind = 'live' AND segment IN (" + marks + ")",
                                values));
    while (rows.next()) out.emplace(rows.text(0), rows.text(1));
    return out;
  }

  // Appends the rows that are neither present nor seen before in the batch. Ends with an error and too_long_
  // where one transaction cannot hold them.
  Result<void> insert() {
    seen_ = {};
    RowWindow window(memory_);
    CV_ASSIGN(RecordInsert rows, RecordInsert::open(connection_, tables_.table));
    CV_TRY(read_all([&](const RecordView& record, LoadedSegment& loaded) -> Result<void> {
      if (too_long_) return Error(ErrorCode::kCancelled, "the rows are too long for one transaction");
      too_long_ = window.add(record);
      return is_new(record, loaded) ? rows.append(record, now_) : Result<void>();
    }));
    return rows.close();
  }

  // Calls `each(record, its segment's outcome)` for every record to load.
  template <typename Each>
  Result<void> read_all(Each&& each) {
    for (Item& item : outcome_) {
      if (!item.to_load) continue;
      LoadedSegment& loaded = item.loaded;
      loaded.rows = loaded.inserted = loaded.already_present = 0;
      CV_TRY(feed_.read(loaded.segment, [&](const RecordView& record) -> Result<void> {
        if (record.event_id.empty())
          return Error(ErrorCode::kValidation, "a record without event_id", loaded.segment.key);
        return each(record, loaded);
      }));
    }
    return {};
  }

  bool is_new(const RecordView& record, LoadedSegment& loaded) {
    ++loaded.rows;
    const bool fresh = !present_.contains(record.event_id) && seen_.insert(record.event_id);
    ++(fresh ? loaded.inserted : loaded.already_present);
    return fresh;
  }

  // Part by part, as a RowWindow cuts them. A first reading proves the segments and remembers each part's
  // bytes, as what a later reading gives is committed before that reading has proven itself.
  Result<std::vector<LoadedSegment>> run_in_parts(std::span<const SegmentRef> segments) {
    std::optional<DuckDbTransaction> transaction;
    CV_TRY(next_transaction(transaction, segments));
    CV_ASSIGN(const std::vector<std::string> proven, read_parts());
    CV_TRY(fill_ids());
    CV_TRY(find_present());
    seen_ = {};
    RowWindow window(memory_);
    Hasher hasher(Hasher::Kind::kSha256);
    std::size_t part = 0;
    const auto check_part = [&](const std::string& key) -> Result<void> {
      const std::size_t at = part++;
      if (at < proven.size() && proven[at] == hasher.finish_hex()) return {};
      return Error(ErrorCode::kCorrupt, "the segment gave other bytes when it was read again", key,
                   "run `changevault verify`");
    };
    std::optional<RecordInsert> rows;
    CV_TRY(open_rows(rows));
    std::string last_key;
    CV_TRY(read_all([&](const RecordView& record, LoadedSegment& loaded) -> Result<void> {
      last_key = loaded.segment.key;
      add_to(hasher, record);
      if (is_new(record, loaded)) CV_TRY(rows->append(record, now_));
      if (!window.add(record)) return {};
      CV_TRY(check_part(last_key));
      hasher = Hasher(Hasher::Kind::kSha256);
      CV_TRY(rows->close());
      rows.reset();
      CV_TRY(transaction->commit());
      CV_TRY(next_transaction(transaction, {}));
      return open_rows(rows);
    }));
    CV_TRY(check_part(last_key));
    CV_TRY(rows->close());
    return commit(*transaction);
  }

  // The SHA-256 of each part's records. All event_ids are `seen_` then.
  Result<std::vector<std::string>> read_parts() {
    seen_ = {};
    std::vector<std::string> parts;
    RowWindow window(memory_);
    Hasher hasher(Hasher::Kind::kSha256);
    CV_TRY(read_all([&](const RecordView& record, LoadedSegment&) -> Result<void> {
      seen_.insert(record.event_id);
      add_to(hasher, record);
      if (!window.add(record)) return {};
      parts.push_back(hasher.finish_hex());
      hasher = Hasher(Hasher::Kind::kSha256);
      return {};
    }));
    parts.push_back(hasher.finish_hex());
    return parts;
  }

  static void add_to(Hasher& hasher, const RecordView& record) {
    hasher.update(record.event_id);
    hasher.update(record.line);
  }

  Result<void> open_rows(std::optional<RecordInsert>& rows) {
    CV_ASSIGN(RecordInsert opened, RecordInsert::open(connection_, tables_.table));
    rows.emplace(std::move(opened));
    return {};
  }

  // The first, which looks at `segments`, or one that goes on: only if nobody has inserted in between, else
  // what was found absent may be there by now.
  Result<void> next_transaction(std::optional<DuckDbTransaction>& transaction,
                                std::span<const SegmentRef> segments) {
    const bool first = !transaction.has_value();
    transaction.reset();
    if (first) {
      CV_ASSIGN(DuckDbTransaction begun, begin(segments));
      transaction.emplace(std::move(begun));
    } else {
      CV_ASSIGN(DuckDbTransaction begun, DuckDbTransaction::begin(connection_));
      CV_TRY(take_lock(connection_, tables_.lock));
      transaction.emplace(std::move(begun));
    }
    CV_ASSIGN(const std::int64_t taken, connection_.count("SELECT taken FROM " + tables_.lock.sql()));
    if (!first && taken != taken_ + 1)
      return Error(ErrorCode::kBusy, "somebody else inserted between two parts of a load", {}, {}, true);
    taken_ = taken;
    return {};
  }

  Result<void> fill_ids() {
    CV_ASSIGN(IdTable ids, IdTable::open(observer_));
    CV_TRY(seen_.for_each([&](const std::string& id) { return ids.add(id); }));
    return ids.close();
  }

  Result<void> find_present() {
    CV_ASSIGN(DuckDbRows rows, observer_.query("SELECT DISTINCT event_id FROM " + tables_.table.sql() +
                                               " SEMI JOIN temp.main.cv_ids ON event_id = id"));
    while (rows.next()) present_.insert(rows.text(0));
    return {};
  }

  Result<std::vector<LoadedSegment>> commit(DuckDbTransaction& transaction) {
    std::vector<LoadedSegment> out;
    std::vector<LoadRecord> records;
    for (const Item& item : outcome_) {
      const LoadedSegment& loaded = item.loaded;
      out.push_back(loaded);
      if (!item.to_load) continue;
      records.push_back({loaded.segment, loaded.inserted, loaded.already_present, now_, true, {}});
    }
    CV_TRY(write_loads(connection_, tables_.loads, tables_.table, records));
    CV_TRY(transaction.commit());
    return out;
  }

  struct Item {
    LoadedSegment loaded;
    bool to_load;  // not loaded before, nor earlier in the batch
  };

  DuckDbConnection& connection_;
  DuckDbConnection& observer_;
  const Tables& tables_;
  RecordFeed& feed_;
  Timestamp now_;
  std::int64_t memory_;
  bool too_long_ = false;   // found by `insert`
  std::int64_t taken_ = 0;  // of the lock row, in the transaction of the last part
  std::vector<Item> outcome_;
  IdSet seen_;     // in the batch
  IdSet present_;  // in the table
};

// Each transaction leaves a group of rows, and many small ones are slow to read. Joining them rewrites the
// last, partly filled group, so it is done once in a while. It needs the memory for 2,048 of the table's
// longest rows: where that fails, the groups stay as they are.
Result<void> join_row_groups(DuckDbConnection& connection, const TableName& lock) {
  constexpr std::int64_t kLoadsBetween = 8;
  CV_ASSIGN(const std::int64_t taken, connection.count("SELECT taken FROM " + lock.sql()));
  if (taken % kLoadsBetween != 0) return {};
  CV_TRY(connection.run("SET GLOBAL max_vacuum_tasks = 100"));
  const Result<void> joined = connection.run("CHECKPOINT");
  ignore_error(connection.run("SET GLOBAL max_vacuum_tasks = 0"), "it is so in the next database opened");
  return joined;
}

}  // namespace

Result<std::vector<LoadedSegment>> DuckDbWarehouse::load(std::span<const SegmentRef> segments,
                                                         RecordFeed& feed) {
  CV_ASSIGN(Step step, begin_step());
  CV_ASSIGN(DuckDbConnection observer, step.session.connect());
  const Tables tables{table_, loads_, lock_};
  bool long_rows = false;
  CV_ASSIGN(std::vector<LoadedSegment> loaded, retry_transaction(step.patience, [&] {
              BatchLoad batch(step.connection, observer, tables, feed, clock_.now(),
                              memory_of(options_).limit);
              auto done = batch.run(segments);
              long_rows = batch.has_long_rows();
              return done;
            }));
  if (!long_rows) {
    ignore_error(join_row_groups(step.connection, lock_), "the rows stand; the next load tries again");
  }
  return loaded;
}

}  // namespace changevault
