// RAII over DuckDB's C API: an open database file, a connection, a transaction, the rows of a result.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <duckdb.h>

#include "base/clock.h"
#include "base/result.h"
#include "warehouse/warehouse.h"

namespace changevault {

// What a statement's '?' stand for.
using DuckDbValue = std::variant<std::int64_t, std::string>;
using DuckDbValues = std::vector<DuckDbValue>;

// The limit of one call's waiting, shared by all the locks it waits for. Waits are short and random, so that
// processes that met once do not meet again and again.
class Patience {
 public:
  // `options` outlive it.
  Patience(Clock& clock, const WarehouseOptions& options);
  // Waits a little for `holder`; false once the time is over or a stop was asked for. Says so once it has
  // lasted.
  bool wait(const std::string& holder);

 private:
  Clock& clock_;
  const WarehouseOptions* options_;
  Duration begin_;
  Duration deadline_;
  bool told_ = false;
  std::int64_t step_ms_ = 5;
};

// A materialised result, read forward. The views of `text` live until the next row.
class DuckDbRows {
 public:
  explicit DuckDbRows(duckdb_result result);
  ~DuckDbRows();
  DuckDbRows(DuckDbRows&& other) noexcept;
  DuckDbRows& operator=(DuckDbRows&&) = delete;

  bool next();
  bool is_null(std::size_t column) const;
  std::int64_t integer(std::size_t column) const;   // of a BIGINT column; 0 for NULL
  std::uint64_t natural(std::size_t column) const;  // of a UBIGINT column; 0 for NULL
  std::string_view text(std::size_t column) const;  // of a VARCHAR column; empty for NULL

  std::int64_t rows_changed();
  duckdb_result& handle() { return result_; }

 private:
  const void* data(std::size_t column) const;

  duckdb_result result_;
  duckdb_data_chunk chunk_ = nullptr;
  idx_t row_ = 0;
  idx_t rows_ = 0;
};

// A connection. Not thread-safe.
class DuckDbConnection {
 public:
  explicit DuckDbConnection(duckdb_connection connection) : connection_(connection) {}
  ~DuckDbConnection();
  DuckDbConnection(DuckDbConnection&& other) noexcept
      : connection_(std::exchange(other.connection_, nullptr)) {}
  DuckDbConnection& operator=(DuckDbConnection&&) = delete;

  // One statement.
  Result<DuckDbRows> query(const std::string& statement, const DuckDbValues& values = {});
  Result<void> run(const std::string& statement, const DuckDbValues& values = {});
  // The BIGINT in the first row.
  Result<std::int64_t> count(const std::string& statement, const DuckDbValues& values = {});

  duckdb_connection handle() const { return connection_; }

 private:
  duckdb_connection connection_;
};

// Rolled back unless committed. A BulkInsert inside it ends before it does.
class DuckDbTransaction {
 public:
  static Result<DuckDbTransaction> begin(DuckDbConnection& connection);
  ~DuckDbTransaction();
  DuckDbTransaction(DuckDbTransaction&& other) noexcept
      : connection_(std::exchange(other.connection_, nullptr)) {}
  DuckDbTransaction& operator=(DuckDbTransaction&&) = delete;

  Result<void> commit();

 private:
  explicit DuckDbTransaction(DuckDbConnection& connection) : connection_(&connection) {}
  DuckDbConnection* connection_;
};

// An open database file. One process at a time may have it open; within the process all openings of a file
// share one database, which is closed with the last of them.
class DuckDbSession {
 public:
  // `create`: a file that is not there is made; else that is kNotFound. While another process holds the file,
  // waits.
  static Result<DuckDbSession> open(const std::string& path, const WarehouseOptions& options, bool create,
                                    Patience& patience);
  ~DuckDbSession();
  DuckDbSession(DuckDbSession&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  DuckDbSession& operator=(DuckDbSession&&) = delete;

  Result<DuckDbConnection> connect();

 private:
  explicit DuckDbSession(duckdb_database database) : database_(database) {}
  duckdb_database database_;
};

// The Error of what DuckDB said. A clash of two transactions is kBusy and retryable.
Error duckdb_failure(duckdb_error_type type, const char* message);

}  // namespace changevault
