// The steps of a recovery: side table, its facts, merge, re-check.
#include <optional>

#include "warehouse/duckdb/duckdb_functions.h"
#include "warehouse/duckdb/duckdb_lock.h"
#include "warehouse/duckdb/duckdb_memory.h"
#include "warehouse/duckdb/duckdb_merge.h"
#include "warehouse/duckdb/duckdb_rows.h"
#include "warehouse/duckdb/duckdb_warehouse.h"
#include "warehouse/duckdb/row_window.h"

namespace changevault {
namespace {

// Fills a side table: in one transaction, or in several where the rows are too long for one. Nobody takes a
// side table for whole before its facts are compared with the archive's.
class Staging {
 public:
  Staging(DuckDbConnection& connection, const TableName& stage, StageContent content, std::int64_t memory)
      : connection_(connection), stage_(stage), content_(content), window_(memory) {}

  Result<void> run(std::span<const SegmentRef> segments, RecordFeed& feed) {
    CV_TRY(begin());
    CV_TRY(connection_.run(create_stage_sql(stage_)));
    CV_TRY(open_rows());
    for (const SegmentRef& segment : segments) {
      if (content_ == StageContent::kFacts) {
        CV_TRY(feed.read_facts(
            segment, [&](const RecordView& record) { return rows_->append(record, segment.key, content_); }));
        continue;
      }
      CV_TRY(feed.read(segment, [&](const RecordView& record) -> Result<void> {
        CV_TRY(rows_->append(record, segment.key, content_));
        if (!window_.add(record)) return {};
        CV_TRY(commit());
        CV_TRY(begin());
        return open_rows();
      }));
    }
    return commit();
  }
  bool has_committed() const { return committed_; }

 private:
  Result<void> begin() {
    CV_ASSIGN(DuckDbTransaction begun, DuckDbTransaction::begin(connection_));
    transaction_.emplace(std::move(begun));
    return {};
  }
  Result<void> open_rows() {
    CV_ASSIGN(RecordInsert opened, RecordInsert::open(connection_, stage_));
    rows_.emplace(std::move(opened));
    return {};
  }
  Result<void> commit() {
    CV_TRY(rows_->close());
    rows_.reset();
    Result<void> done = transaction_->commit();
    transaction_.reset();
    committed_ |= done.has_value();
    return done;
  }

  DuckDbConnection& connection_;
  const TableName& stage_;
  StageContent content_;
  RowWindow window_;
  bool committed_ = false;
  std::optional<DuckDbTransaction> transaction_;
  std::optional<RecordInsert> rows_;  // ends before the transaction does
};

}  // namespace

Result<void> DuckDbWarehouse::stage(const std::string& id, std::span<const SegmentRef> segments,
                                    RecordFeed& feed, StageContent content) {
  CV_ASSIGN(const TableName stage, stage_table(id));
  CV_ASSIGN(Step step, begin_step());
  bool left_a_part = false;
  Result<void> filled = [&] {
    Staging staging(step.connection, stage, content, memory_of(options_).limit);
    Result<void> done = staging.run(segments, feed);
    left_a_part = !done && staging.has_committed();
    return done;
  }();
  if (left_a_part) {
    ignore_error(step.connection.run("DROP TABLE IF EXISTS " + stage.sql()),
                 "the first error matters; who stages again makes the table anew");
  }
  return filled;
}

Result<StageFacts> DuckDbWarehouse::stage_facts(const std::string& id) {
  CV_ASSIGN(Step step, begin_stage_step(id));
  CV_ASSIGN(const TableName stage, stage_table(id));
  DuckDbConnection& connection = step.connection;
  CV_TRY(retry_transaction(step.patience, [&] { return register_functions(connection); }));
  CV_ASSIGN(
      DuckDbRows facts,
      connection.query(
          "SELECT count(*), count(DISTINCT cv_identity(event_id)), "
          "(coalesce(sum(cv_digest_bits(event_id)), 0) % 18446744073709551616)::UBIGINT, "
          "count(*) - count(event_id), epoch_ms(min(enqueued_time)), epoch_ms(max(enqueued_time)) FROM " +
          stage.sql()));
  StageFacts out;
  if (facts.next()) {
    out.rows = facts.integer(0);
    out.distinct = facts.integer(1);
    out.digest = facts.natural(2);
    out.null_ids = facts.integer(3);
    if (!facts.is_null(4)) out.min_time = Timestamp{facts.integer(4)};
    if (!facts.is_null(5)) out.max_time = Timestamp{facts.integer(5)};
  }
  CV_ASSIGN(DuckDbRows operations, connection.query("SELECT coalesce(operation_type, ''), count(*) FROM " +
                                                    stage.sql() + " GROUP BY ALL"));
  while (operations.next()) out.operations[std::string(operations.text(0))] = operations.integer(1);
  const auto repeats = [&](const std::string& position) {
    return connection.count("SELECT coalesce(sum(n - 1), 0)::BIGINT FROM (SELECT count(*) AS n FROM " +
                            stage.sql() + " GROUP BY event_id, " + position + ")");
  };
  // The segment's long name is looked at only where the numbers repeat at all.
  CV_ASSIGN(out.same_position_twice, repeats("partition_id, sequence_number"));
  if (out.same_position_twice > 0) {
    CV_ASSIGN(out.same_position_twice, repeats("partition_id, sequence_number, segment_key"));
  }
  return out;
}

Result<MergeOutcome> DuckDbWarehouse::merge(const std::string& id, std::span<const SegmentRef> segments,
                                            RecordFeed& feed) {
  if (segments.empty()) return Error(ErrorCode::kUsage, "a merge without segments leaves no trace", id);
  CV_ASSIGN(const auto before, merged(id));
  if (before) return *before;  // its side table may be dropped already
  CV_ASSIGN(Step step, begin_stage_step(id));
  CV_ASSIGN(const TableName stage, stage_table(id));
  const MergeTables tables{table_, loads_, lock_, stage};
  return retry_transaction(
      step.patience, [&] { return merge_stage(step.connection, tables, id, clock_.now(), segments, feed); });
}

Result<std::optional<MergeOutcome>> DuckDbWarehouse::merged(const std::string& id) {
  CV_TRY(stage_table(id));
  CV_ASSIGN(Step step, begin_step());
  return find_merge(step.connection, loads_, table_, id);
}

Result<Warehouse::Recheck> DuckDbWarehouse::recheck(const std::string& id) {
  CV_ASSIGN(Step step, begin_stage_step(id));
  CV_ASSIGN(const TableName stage, stage_table(id));
  CV_ASSIGN(DuckDbRows rows,
            step.connection.query("WITH wanted AS (SELECT DISTINCT event_id FROM " + stage.sql() +
                                  " WHERE event_id IS NOT NULL), " +
                                  "found AS (SELECT t.event_id, count(*) AS n FROM " + table_.sql() +
                                  " t SEMI JOIN wanted w ON t.event_id = w.event_id GROUP BY t.event_id) "
                                  "SELECT (SELECT count(*) FROM wanted) - (SELECT count(*) FROM found), "
                                  "(SELECT count(*) FROM found WHERE n > 1)"));
  Recheck out;
  if (rows.next()) out = {rows.integer(0), rows.integer(1)};
  return out;
}

}  // namespace changevault
