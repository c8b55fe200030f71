// Records into DuckDB tables, a column at a time.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <duckdb.h>

#include "base/result.h"
#include "warehouse/duckdb/duckdb_bulk_insert.h"
#include "warehouse/duckdb/duckdb_session.h"
#include "warehouse/duckdb/duckdb_sql.h"
#include "warehouse/warehouse.h"

namespace changevault {

// Records as rows: the 14 columns, then the last column of the table (kIngestedAt) or of a side table
// (kSegmentKey).
class RecordInsert {
 public:
  static Result<RecordInsert> open(DuckDbConnection& connection, const TableName& table);
  // An empty event_id becomes NULL.
  Result<void> append(const RecordView& record, Timestamp ingested);
  // kFacts: the documents become NULL.
  Result<void> append(const RecordView& record, const std::string& segment_key, StageContent content);
  Result<void> close() { return rows_.close(); }

 private:
  explicit RecordInsert(BulkInsert rows) : rows_(std::move(rows)) {}
  void set_facts(const RecordView& record);
  void set_documents(const RecordView& record);
  void set_optional(std::size_t column, const std::optional<std::string_view>& text);
  BulkInsert rows_;
};

// A temporary table of the connection with the columns `id`, event_ids to be joined, and `tag`, the group
// that each belongs to.
class IdTable {
 public:
  // Made anew. It writes on the connection's own account, outside transactions.
  static Result<IdTable> open(DuckDbConnection& connection);
  static Result<void> fill(DuckDbConnection& connection, const std::vector<std::string>& ids);
  static Result<void> fill(DuckDbConnection& connection, std::span<const std::vector<std::string>> groups);
  ~IdTable();
  IdTable(IdTable&& other) noexcept;
  IdTable& operator=(IdTable&&) = delete;

  Result<void> add(std::string_view id, std::int64_t tag = 0);
  // Hands over what is left; errors surface here.
  Result<void> close();

 private:
  explicit IdTable(duckdb_appender appender);
  Result<void> hand_over();
  Result<void> check(duckdb_state state);
  duckdb_appender appender_;
  duckdb_data_chunk chunk_;
  idx_t rows_ = 0;  // of the chunk
};

}  // namespace changevault
