#include "warehouse/duckdb/duckdb_lock.h"

namespace changevault {

Result<void> take_lock(DuckDbConnection& connection, const TableName& lock) {
  CV_ASSIGN(DuckDbRows rows,
            connection.query("UPDATE " + lock.sql() + " SET taken = taken + 1 WHERE id = 1"));
  if (rows.rows_changed() == 1) return {};
  return Error(ErrorCode::kNotFound, "the warehouse has no lock row", lock.sql(), "run `changevault init`");
}

Result<void> write_load(DuckDbConnection& connection, const TableName& loads, const TableName& table,
                        const LoadRecord& record) {
  const SegmentRef& segment = record.segment;
  return connection.run(
      "INSERT INTO " + loads.sql() +
          " (table_name, segment, sha256, partition_id, slot, rows_in_file, rows_inserted, "
          "rows_already_present, loaded_at, kind, recovery_id) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, make_timestamp(?), ?, nullif(?, ''))",
      {table.name, segment.key, segment.sha256, std::int64_t{segment.partition.value}, segment.slot.value,
       segment.records, record.inserted, record.already_present, record.time.ms * 1000,
       std::string(record.live ? "live" : "recovery"), record.recovery_id});
}

}  // namespace changevault
