#include "warehouse/duckdb/duckdb_lock.h"

#include "warehouse/duckdb/duckdb_bulk_insert.h"

namespace changevault {

Result<void> take_lock(DuckDbConnection& connection, const TableName& lock) {
  CV_ASSIGN(DuckDbRows rows,
            connection.query("UPDATE " + lock.sql() + " SET taken = taken + 1 WHERE id = 1"));
  if (rows.rows_changed() == 1) return {};
  return Error(ErrorCode::kNotFound, "the warehouse has no lock row", lock.sql(), "run `changevault init`");
}

// Columns in the order of create_loads_sql.
Result<void> write_loads(DuckDbConnection& connection, const TableName& loads, const TableName& table,
                         const std::vector<LoadRecord>& records) {
  if (records.empty()) return {};
  CV_ASSIGN(BulkInsert rows, BulkInsert::start(connection, loads));
  for (const LoadRecord& record : records) {
    const SegmentRef& segment = record.segment;
    rows.set_text(0, table.name);
    rows.set_text(1, segment.key);
    rows.set_text(2, segment.sha256);
    rows.set_integer(3, segment.partition.value);
    rows.set_integer(4, segment.slot.value);
    rows.set_integer(5, segment.records);
    rows.set_integer(6, record.inserted);
    rows.set_integer(7, record.already_present);
    rows.set_integer(8, record.time.ms * 1000);
    rows.set_text(9, record.live ? "live" : "recovery");
    record.recovery_id.empty() ? rows.set_null(10) : rows.set_text(10, record.recovery_id);
    CV_TRY(rows.end_row());
  }
  return rows.close();
}

}  // namespace changevault
