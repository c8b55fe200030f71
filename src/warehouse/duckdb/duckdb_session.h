// RAII over DuckDB's C API: an open database file, a connection, a transaction, the rows of a result.
#pragma once

#include <atomic>
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
  // Why there is no waiting any more: kCancelled where a stop was asked for, else `busy`.
  Error given_up(Error busy) const;

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

// Of an open database, shared by all who have it open in this process.
//
// The problem: where a commit or a checkpoint fails half way (for want of memory, say), what the database
// holds in memory may lack rows that stand safely in its file and its log. Every later checkpoint would write
// that down. So such a database is broken: it answers no more questions, is closed without a checkpoint, and
// opened anew from what the disk holds.
struct DuckDbHealth {
  std::atomic<bool> broken = false;
};

// A connection. Not thread-safe. Where the database is broken each statement is kUnreachable.
class DuckDbConnection {
 public:
  DuckDbConnection(duckdb_connection connection, std::shared_ptr<DuckDbHealth> health)
      : connection_(connection), health_(std::move(health)) {}
  ~DuckDbConnection();
  DuckDbConnection(DuckDbConnection&& other) noexcept
      : connection_(std::exchange(other.connection_, nullptr)), health_(std::move(other.health_)) {}
  DuckDbConnection& operator=(DuckDbConnection&&) = delete;

  // One statement.
  Result<DuckDbRows> query(const std::string& statement, const DuckDbValues& values = {});
  Result<void> run(const std::string& statement, const DuckDbValues& values = {});
  // The BIGINT in the first row.
  Result<std::int64_t> count(const std::string& statement, const DuckDbValues& values = {});

  duckdb_connection handle() const { return connection_; }

 private:
  Error failed(duckdb_error_type type, const char* message);
  void give_up_database();
  duckdb_connection connection_;
  std::shared_ptr<DuckDbHealth> health_;
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
  // waits; while this process still has it open broken, too.
  static Result<DuckDbSession> open(const std::string& path, const WarehouseOptions& options, bool create,
                                    Patience& patience);
  ~DuckDbSession();
  DuckDbSession(DuckDbSession&& other) noexcept
      : database_(std::exchange(other.database_, nullptr)), health_(std::move(other.health_)) {}
  DuckDbSession& operator=(DuckDbSession&&) = delete;

  Result<DuckDbConnection> connect();

 private:
  DuckDbSession(duckdb_database database, std::shared_ptr<DuckDbHealth> health)
      : database_(database), health_(std::move(health)) {}
  duckdb_database database_;
  std::shared_ptr<DuckDbHealth> health_;
};

// The Error of what DuckDB said. A clash of two transactions is kBusy and retryable; want of memory is
// kUnreachable, whatever DuckDB calls it, and names the settings that help.
Error duckdb_failure(duckdb_error_type type, const char* message);

}  // namespace changevault
