// Pieces of the peer: what people script with DuckDB's own reader, which proves nothing.
#include <algorithm>

#include <duckdb.h>
#include <fmt/core.h>

#include "bench/suite/pieces.h"
#include "warehouse/duckdb/duckdb_sql.h"

namespace changevault::bench {
namespace {

class Database {
 public:
  explicit Database(const std::string& path) {
    if (duckdb_open(path.c_str(), &database_) != DuckDBSuccess ||
        duckdb_connect(database_, &connection_) != DuckDBSuccess) {
      throw Failed("DuckDB cannot open " + path);
    }
  }
  ~Database() {
    duckdb_disconnect(&connection_);
    duckdb_close(&database_);
  }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  std::int64_t rows_changed(const std::string& statement) {
    duckdb_result result;
    const duckdb_state state = duckdb_query(connection_, statement.c_str(), &result);
    const std::string error = state == DuckDBSuccess ? "" : duckdb_result_error(&result);
    const auto rows = state == DuckDBSuccess ? static_cast<std::int64_t>(duckdb_rows_changed(&result)) : 0;
    duckdb_destroy_result(&result);
    if (state != DuckDBSuccess) throw Failed("DuckDB: " + error);
    return rows;
  }

 private:
  duckdb_database database_ = nullptr;
  duckdb_connection connection_ = nullptr;
};

// A SELECT of the table's columns from the files.
std::string reader_of(const std::vector<std::string>& files) {
  std::string columns;
  for (const Column& column : kRecordColumns) {
    columns +=
        fmt::format("{}{}: '{}'", columns.empty() ? "" : ", ", quote_identifier(column.name), column.type);
  }
  std::string names;
  for (const std::string& file : files) names += (names.empty() ? "" : ", ") + quote_text(file);
  return fmt::format(
      "SELECT {}, now() AT TIME ZONE 'UTC' AS {} FROM read_json([{}], format = 'newline_delimited', "
      "columns = {{{}}})",
      record_column_list(""), quote_identifier(kIngestedAt), names, columns);
}

PieceResult timed(const std::string& database, const std::string& statement) {
  const Stopwatch watch;
  std::int64_t rows = 0;
  {
    Database db(database);
    rows = db.rows_changed(statement);
  }
  Sample sample = watch.stop();
  sample.amount = static_cast<double>(rows);
  return {sample, fmt::format(R"({{"rows":{}}})", rows)};
}

}  // namespace

PieceResult read_json_piece(const std::string& database, const std::vector<std::string>& files) {
  return timed(database, "INSERT INTO mongodb_changes " + reader_of(files));
}

PieceResult merge_piece(const std::string& database, const std::vector<std::string>& files) {
  return timed(database, "MERGE INTO mongodb_changes AS t USING (" + reader_of(files) +
                             ") AS s ON t.event_id = s.event_id WHEN NOT MATCHED THEN INSERT");
}

}  // namespace changevault::bench
