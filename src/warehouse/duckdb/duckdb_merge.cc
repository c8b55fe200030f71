#include "warehouse/duckdb/duckdb_merge.h"

#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "warehouse/duckdb/duckdb_lock.h"
#include "warehouse/duckdb/duckdb_rows.h"
#include "warehouse/id_set.h"

namespace changevault {
namespace {

// What is to be inserted, and was not yet.
class FreshRows {
 public:
  Result<void> read(DuckDbConnection& connection) {
    CV_ASSIGN(DuckDbRows single,
              connection.query("SELECT event_id FROM temp.main.cv_fresh WHERE NOT repeats"));
    while (single.next()) single_.insert(single.text(0));
    CV_ASSIGN(DuckDbRows repeated,
              connection.query("SELECT event_id, segment_key, coalesce(partition_id, ''), "
                               "coalesce(sequence_number, -1) FROM temp.main.cv_fresh WHERE repeats"));
    while (repeated.next()) {
      repeated_.emplace(repeated.text(0), Position{std::string(repeated.text(1)),
                                                   std::string(repeated.text(2)), repeated.integer(3)});
    }
    return {};
  }

  // Whether this row is one of them; true once for each.
  bool take(const RecordView& record, const std::string& segment) {
    if (single_.erase(record.event_id)) return true;
    if (repeated_.empty()) return false;
    const auto found = repeated_.find(std::string(record.event_id));
    const Position here{segment, std::string(record.partition_id.value_or("")),
                        record.sequence_number.value_or(-1)};
    if (found == repeated_.end() || found->second != here) return false;
    repeated_.erase(found);
    return true;
  }

  std::size_t left() const { return single_.size() + repeated_.size(); }

 private:
  using Position = std::tuple<std::string, std::string, std::int64_t>;
  IdSet single_;
  std::unordered_map<std::string, Position> repeated_;  // the same event at several positions: one of them
};

class Merge {
 public:
  Merge(DuckDbConnection& connection, const MergeTables& tables, const std::string& id, Timestamp now)
      : connection_(connection), tables_(tables), id_(id), now_(now) {}

  Result<MergeOutcome> run(std::span<const SegmentRef> segments, RecordFeed& feed) {
    CV_ASSIGN(DuckDbTransaction transaction, DuckDbTransaction::begin(connection_));
    CV_TRY(take_lock(connection_, tables_.lock));
    CV_ASSIGN(const auto before, find_merge(connection_, tables_.loads, tables_.table, id_));
    if (before) return *before;
    CV_TRY(choose());
    CV_ASSIGN(const Parts parts, count_by_segment());
    CV_TRY(record(segments, parts));
    CV_TRY(insert(segments, parts, feed));
    CV_TRY(transaction.commit());
    return outcome_;
  }

 private:
  using Parts = std::map<std::string, MergeOutcome>;  // by segment

  // One row for each event_id of the stage, and of those the ones that the table has not. Few events stand
  // there at several positions, if any: only these are put in order.
  Result<void> choose() {
    CV_TRY(connection_.run(
        "CREATE OR REPLACE TEMPORARY TABLE cv_repeated AS SELECT event_id AS repeated FROM " +
        tables_.stage.sql() + " WHERE event_id IS NOT NULL GROUP BY event_id HAVING count(*) > 1"));
    return connection_.run("CREATE OR REPLACE TEMPORARY TABLE cv_fresh AS SELECT * FROM (" + chosen() +
                           ") c WHERE NOT EXISTS (SELECT 1 FROM " + tables_.table.sql() +
                           " t WHERE t.event_id = c.event_id)");
  }

  std::string chosen() const {
    const std::string columns = "SELECT segment_key, partition_id, sequence_number, event_id, ";
    return columns + "false AS repeats FROM " + tables_.stage.sql() +
           " ANTI JOIN temp.main.cv_repeated ON event_id = repeated WHERE event_id IS NOT NULL UNION ALL " +
           columns + "true FROM " + tables_.stage.sql() +
           " SEMI JOIN temp.main.cv_repeated ON event_id = repeated QUALIFY row_number() OVER "
           "(PARTITION BY event_id ORDER BY partition_id, sequence_number, rowid) = 1";
  }

  Result<Parts> count_by_segment() {
    CV_ASSIGN(DuckDbRows rows,
              connection_.query("SELECT segment_key, sum(fresh)::BIGINT, sum(chosen - fresh)::BIGINT FROM "
                                "(SELECT segment_key, count(*) AS chosen, 0 AS fresh FROM (" +
                                chosen() +
                                ") GROUP BY segment_key UNION ALL SELECT segment_key, 0, count(*) "
                                "FROM temp.main.cv_fresh GROUP BY segment_key) GROUP BY segment_key"));
    Parts out;
    while (rows.next()) out[std::string(rows.text(0))] = {rows.integer(1), rows.integer(2)};
    return out;
  }

  Result<void> record(std::span<const SegmentRef> segments, Parts parts) {
    std::vector<LoadRecord> records;
    for (const SegmentRef& segment : segments) {
      const MergeOutcome part = parts[segment.key];
      parts.erase(segment.key);
      outcome_.inserted += part.inserted;
      outcome_.already_present += part.already_present;
      records.push_back({segment, part.inserted, part.already_present, now_, false, id_});
    }
    if (parts.empty()) return write_loads(connection_, tables_.loads, tables_.table, records);
    return Error(ErrorCode::kUsage, "the side table holds rows of a segment that the merge does not name",
                 parts.begin()->first, "stage the recovery again");
  }

  // Only segments that bring something are read.
  Result<void> insert(std::span<const SegmentRef> segments, const Parts& parts, RecordFeed& feed) {
    if (outcome_.inserted == 0) return {};
    FreshRows fresh;
    CV_TRY(fresh.read(connection_));
    CV_ASSIGN(RecordInsert rows, RecordInsert::open(connection_, tables_.table));
    for (const SegmentRef& segment : segments) {
      const auto part = parts.find(segment.key);
      if (part == parts.end() || part->second.inserted == 0) continue;
      CV_TRY(feed.read_chosen(
          segment, [&](const RecordView& facts) { return fresh.take(facts, segment.key); },
          [&](const RecordView& record) { return rows.append(record, now_); }));
    }
    CV_TRY(rows.close());
    if (fresh.left() == 0) return {};
    return Error(ErrorCode::kValidation,
                 std::to_string(fresh.left()) + " staged rows are not in the segments that they came from",
                 tables_.stage.name, "run recover again; verify shows whether the archive is whole");
  }

  DuckDbConnection& connection_;
  const MergeTables& tables_;
  const std::string& id_;
  Timestamp now_;
  MergeOutcome outcome_;
};

}  // namespace

Result<std::optional<MergeOutcome>> find_merge(DuckDbConnection& connection, const TableName& loads,
                                               const TableName& table, const std::string& id) {
  CV_ASSIGN(
      DuckDbRows rows,
      connection.query("SELECT count(*), coalesce(sum(rows_inserted), 0)::BIGINT, "
                       "coalesce(sum(rows_already_present), 0)::BIGINT FROM " +
                           loads.sql() + " WHERE table_name = ? AND kind = 'recovery' AND recovery_id = ?",
                       {table.name, id}));
  if (!rows.next() || rows.integer(0) == 0) return std::optional<MergeOutcome>();
  return std::optional(MergeOutcome{rows.integer(1), rows.integer(2)});
}

Result<MergeOutcome> merge_stage(DuckDbConnection& connection, const MergeTables& tables,
                                 const std::string& id, Timestamp now, std::span<const SegmentRef> segments,
                                 RecordFeed& feed) {
  return Merge(connection, tables, id, now).run(segments, feed);
}

}  // namespace changevault
