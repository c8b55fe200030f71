// Loading segments. The common batch brings only events that the table has not seen, so its rows go straight
// into the table while they are read, once; only then the table is asked which of their event_ids it had
// before. Where it had some, the transaction is rolled back and the batch is read again, without them. Both
// asking and inserting stand under the lock row, and the asking connection sees committed rows alone, so the
// answer holds until the commit.
#include <utility>

#include "warehouse/duckdb/duckdb_lock.h"
#include "warehouse/duckdb/duckdb_rows.h"
#include "warehouse/duckdb/duckdb_warehouse.h"
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
            Timestamp now)
      : connection_(connection), observer_(observer), tables_(tables), feed_(feed), now_(now) {}

  Result<std::vector<LoadedSegment>> run(std::span<const SegmentRef> segments) {
    {
      CV_ASSIGN(DuckDbTransaction transaction, begin(segments));
      CV_TRY(insert());
      CV_TRY(fill_ids());
      CV_TRY(find_present());
      if (present_.empty()) return commit(transaction);
    }
    CV_ASSIGN(DuckDbTransaction transaction, begin(segments));
    CV_TRY(find_present());
    CV_TRY(insert());
    return commit(transaction);
  }

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

  // Appends the rows that are neither present nor seen before in the batch.
  Result<void> insert() {
    seen_ = {};
    CV_ASSIGN(RecordInsert rows, RecordInsert::open(connection_, tables_.table));
    for (Item& item : outcome_) {
      if (!item.to_load) continue;
      LoadedSegment& loaded = item.loaded;
      CV_TRY(feed_.read(loaded.segment, [&](const RecordView& record) -> Result<void> {
        if (record.event_id.empty()) {
          return Error(ErrorCode::kValidation, "a record without event_id", loaded.segment.key);
        }
        ++loaded.rows;
        if (present_.contains(record.event_id) || !seen_.insert(record.event_id)) {
          ++loaded.already_present;
          return {};
        }
        ++loaded.inserted;
        return rows.append(record, now_);
      }));
    }
    return rows.close();
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
  std::vector<Item> outcome_;
  IdSet seen_;     // in the batch
  IdSet present_;  // in the table
};

}  // namespace

Result<std::vector<LoadedSegment>> DuckDbWarehouse::load(std::span<const SegmentRef> segments,
                                                         RecordFeed& feed) {
  CV_ASSIGN(Step step, begin_step());
  CV_ASSIGN(DuckDbConnection observer, step.session.connect());
  const Tables tables{table_, loads_, lock_};
  return retry_transaction(step.patience, [&] {
    return BatchLoad(step.connection, observer, tables, feed, clock_.now()).run(segments);
  });
}

}  // namespace changevault
