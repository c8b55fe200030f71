// SQLite's C interface as values: connections, statements, transactions, errors with hints.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <sqlite3.h>

#include "base/clock.h"
#include "base/result.h"

namespace changevault {

// One connection to one file. Used by one thread at a time. Stays where it is: SQLite's busy handler points
// to it.
class SqliteDatabase {
 public:
  enum class Mode { kExisting, kCreate };

  // Told in words that another process holds the file, once for each long wait. May be empty.
  using OnWait = std::function<void(const std::string&)>;

  // `clock` outlives it. Errors: kNotFound where there is no file (kExisting), else as `error` says.
  static Result<std::unique_ptr<SqliteDatabase>> open(const std::string& path, Mode mode, Clock& clock,
                                                      OnWait on_wait = nullptr);
  ~SqliteDatabase();
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  // Statements without parameters; rows they bring are thrown away.
  Result<void> run(const std::string& sql);
  Result<std::int64_t> number(const std::string& sql);  // first column of the only row

  // The file under the path is still the one that was opened: writing into a file that somebody deleted or
  // replaced would lose what is acknowledged.
  Result<void> check_in_place();

  // The error of the last call on this connection, by SQLite's own code: kBusy after waiting, kCorrupt,
  // kUnreachable.
  Error error(const std::string& doing) const;

  // How long calls wait for other processes from now on; returns how long they did before.
  Duration set_patience(Duration patience) { return std::exchange(patience_, patience); }

  const std::string& path() const { return path_; }
  sqlite3* handle() const { return handle_; }

 private:
  SqliteDatabase(std::string path, Clock& clock, OnWait on_wait)
      : path_(std::move(path)), clock_(clock), on_wait_(std::move(on_wait)) {}
  static int on_busy(void* self, int attempt);

  std::string path_;
  Clock& clock_;
  OnWait on_wait_;
  Duration patience_ = seconds(60);  // a writer holds the file for the length of one append
  Duration busy_since_{};
  bool told_ = false;
  sqlite3* handle_ = nullptr;
};

// A prepared statement, used many times through `Use`.
class SqliteStatement {
 public:
  static Result<SqliteStatement> prepare(SqliteDatabase& database, const std::string& sql);

  // One run of the statement; at its end the statement is free again. Parameters count from 1, columns from
  // 0. A failed bind shows at the next `step`.
  class Use {
   public:
    explicit Use(SqliteStatement& statement) : statement_(statement) {}
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

    Use& bind(int at, std::int64_t value);
    Use& bind_text(int at, std::string_view text);
    Use& bind_blob(int at, std::string_view bytes);  // `bytes` lives until the end of this use
    Use& bind_null(int at);

    // True: a row is there. False: the statement has ended.
    Result<bool> step();
    Result<void> finish();  // for statements without rows

    std::int64_t integer(int column) const;
    bool is_null(int column) const;
    std::string_view bytes(int column) const;  // until the next step

   private:
    SqliteStatement& statement_;
    int bound_ = SQLITE_OK;
  };

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  SqliteStatement(SqliteDatabase& database, sqlite3_stmt* statement)
      : database_(&database), statement_(statement) {}

  SqliteDatabase* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// Rolls back unless committed. A read transaction sees one state of the file.
class SqliteTransaction {
 public:
  enum class Kind { kRead, kWrite };
  static Result<SqliteTransaction> begin(SqliteDatabase& database, Kind kind);
  ~SqliteTransaction();
  SqliteTransaction(SqliteTransaction&& other) noexcept
      : database_(std::exchange(other.database_, nullptr)) {}
  SqliteTransaction& operator=(SqliteTransaction&&) = delete;
  Result<void> commit();

 private:
  explicit SqliteTransaction(SqliteDatabase& database) : database_(&database) {}
  SqliteDatabase* database_;
};

}  // namespace changevault
