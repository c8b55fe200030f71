// Rows made by one thread, taken and compressed by the threads of the database.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <duckdb.h>

#include "base/result.h"
#include "warehouse/duckdb/duckdb_session.h"
#include "warehouse/duckdb/duckdb_sql.h"

namespace changevault {

// The problem: DuckDB's appender inserts and compresses on the thread that appends, which costs several times
// what reading an archive does. An INSERT … SELECT is spread over the database's threads. So the rows are
// given to such a statement, as those of a table function whose chunks come out of a queue of bounded size.
//
// The statement runs on a thread of its own, on `connection` and inside its transaction; until `close` the
// connection is not to be used otherwise. Destroyed without `close`, the statement is made to fail, and with
// it the transaction it stood in.
class BulkInsert {
 public:
  // `connection` outlives it.
  static Result<BulkInsert> start(DuckDbConnection& connection, const TableName& table);
  ~BulkInsert();
  BulkInsert(BulkInsert&&) noexcept;
  BulkInsert& operator=(BulkInsert&&) = delete;

  // Of the row being filled, each column once.
  void set_text(std::size_t column, std::string_view text);
  void set_integer(std::size_t column, std::int64_t value);  // BIGINT, and TIMESTAMP in microseconds
  void set_null(std::size_t column);
  // An error is the statement's.
  Result<void> end_row();
  // Waits until all rows are inserted.
  Result<void> close();

 private:
  struct Statement;
  explicit BulkInsert(std::unique_ptr<Statement> statement);
  void new_chunk();
  Result<void> hand_over();

  std::unique_ptr<Statement> statement_;
  duckdb_data_chunk chunk_ = nullptr;
  std::vector<duckdb_vector> vectors_;
  std::vector<void*> data_;
  idx_t rows_ = 0;
  std::int64_t bytes_ = 0;  // of the chunk's texts
};

}  // namespace changevault
