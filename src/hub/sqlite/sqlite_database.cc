#include "hub/sqlite/sqlite_database.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <utility>

#include "hub/sqlite/file_holder.h"

namespace changevault {
namespace {

// A wait that is longer is told.
constexpr Duration kSilentWait = seconds(2);
constexpr Duration kLongestBusyWait = milliseconds(20);

}  // namespace

Result<std::unique_ptr<SqliteDatabase>> SqliteDatabase::open(const std::string& path, Mode mode, Clock& clock,
                                                             OnWait on_wait) {
  std::error_code failed;
  const auto status = std::filesystem::status(path, failed);
  if (std::filesystem::is_directory(status)) {
    return Error(ErrorCode::kUsage, "the hub's path is a folder, not a file", path,
                 "name a file in it, for example hub.db, as [hub] url");
  }
  if (mode == Mode::kExisting && status.type() == std::filesystem::file_type::not_found) {
    return Error(ErrorCode::kNotFound, "there is no hub", path, "create it with `changevault init`");
  }
  std::unique_ptr<SqliteDatabase> database(new SqliteDatabase(path, clock, std::move(on_wait)));
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    (mode == Mode::kCreate ? SQLITE_OPEN_CREATE : 0);
  // An absolute path is never one of SQLite's special names (":memory:", "file:…").
  const std::string absolute = std::filesystem::absolute(path).string();
  if (sqlite3_open_v2(absolute.c_str(), &database->handle_, flags, nullptr) != SQLITE_OK) {
    return database->error("cannot open the hub");
  }
  sqlite3_busy_handler(database->handle_, &SqliteDatabase::on_busy, database.get());
  CV_TRY(database->run("PRAGMA trusted_schema=OFF"));
  return database;
}

SqliteDatabase::~SqliteDatabase() {
  sqlite3_close_v2(handle_);
}

int SqliteDatabase::on_busy(void* self, int attempt) {
  auto* database = static_cast<SqliteDatabase*>(self);
  const Duration now = database->clock_.steady();
  if (attempt == 0) {
    database->busy_since_ = now;
    database->told_ = false;
  }
  const Duration waited{now.ms - database->busy_since_.ms};
  if (waited >= database->patience_) return 0;
  if (!database->told_ && waited >= kSilentWait && database->on_wait_) {
    database->told_ = true;
    database->on_wait_("waiting for the hub, held by " + holder_of(database->path_) + "; for " +
                       to_string(seconds((database->patience_.ms - waited.ms) / 1000 + 1)) + " at most");
  }
  database->clock_.sleep(std::min(milliseconds(1 + attempt), kLongestBusyWait), {});
  return 1;
}

Result<void> SqliteDatabase::run(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    return error("cannot use the hub");
  return {};
}

Result<std::int64_t> SqliteDatabase::number(const std::string& sql) {
  CV_ASSIGN(SqliteStatement statement, SqliteStatement::prepare(*this, sql));
  SqliteStatement::Use use(statement);
  CV_ASSIGN(const bool row, use.step());
  if (!row) return Error(ErrorCode::kCorrupt, "the hub lacks a row that it must have", path_);
  return use.integer(0);
}

Result<void> SqliteDatabase::check_in_place() {
  int moved = 0;
  if (sqlite3_file_control(handle_, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK) {
    return error("cannot look at the hub's file");
  }
  if (moved == 0) return {};
  return Error(ErrorCode::kUnreachable, "the hub's file was deleted, moved or replaced while it was in use",
               path_, "put the file back, or start this command again to use the one that is there now");
}

Error SqliteDatabase::error(const std::string& doing) const {
  const int extended = handle_ == nullptr ? SQLITE_NOMEM : sqlite3_extended_errcode(handle_);
  const std::string message = doing + ": " + (handle_ == nullptr ? "out of memory" : sqlite3_errmsg(handle_));
  switch (extended & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_PROTOCOL:
      return Error(ErrorCode::kBusy,
                   message + " (waited " + to_string(patience_) + " for " + holder_of(path_) + ")", path_,
                   "wait for that process or end it, then run the command again", true);
    case SQLITE_CORRUPT:
    case SQLITE_CONSTRAINT:
      return Error(ErrorCode::kCorrupt, message, path_,
                   "the hub's file is damaged: keep a copy of it with its -wal file and restore a backup; "
                   "what is archived is "
                   "not affected");
    case SQLITE_NOTADB:
      return Error(ErrorCode::kCorrupt, message, path_,
                   "the file is no hub, or its start is damaged: check [hub] url, or restore the file");
    case SQLITE_FULL:
      return Error(ErrorCode::kUnreachable, message, path_,
                   "free some space; nothing that was acknowledged is lost, run the command again", true);
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return Error(ErrorCode::kUnreachable, message, path_,
                   "give this user the right to read and write the file and its folder (SQLite keeps -wal "
                   "and -shm files "
                   "beside it)");
    case SQLITE_TOOBIG:
      return Error(ErrorCode::kUsage, message, path_, "an event is larger than the embedded hub takes");
    case SQLITE_IOERR:
      return Error(ErrorCode::kUnreachable, message, path_,
                   "check the disk: space, limits on file size, errors in the system log", true);
    default:
      return Error(ErrorCode::kInternal, message, path_);
  }
}

Result<SqliteStatement> SqliteStatement::prepare(SqliteDatabase& database, const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(database.handle(), sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &statement,
                         nullptr) != SQLITE_OK) {
    return database.error("cannot use the hub");
  }
  return SqliteStatement(database, statement);
}

SqliteStatement::Use::~Use() {
  sqlite3_reset(statement_.statement_.get());
  sqlite3_clear_bindings(statement_.statement_.get());
}

SqliteStatement::Use& SqliteStatement::Use::bind(int at, std::int64_t value) {
  bound_ = std::max(bound_, sqlite3_bind_int64(statement_.statement_.get(), at, value));
  return *this;
}

SqliteStatement::Use& SqliteStatement::Use::bind_text(int at, std::string_view text) {
  bound_ = std::max(bound_, sqlite3_bind_text64(statement_.statement_.get(), at, text.data(), text.size(),
                                                SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

SqliteStatement::Use& SqliteStatement::Use::bind_blob(int at, std::string_view bytes) {
  // A null pointer would bind NULL, not an empty blob.
  const char* data = bytes.empty() ? "" : bytes.data();
  bound_ = std::max(bound_,
                    sqlite3_bind_blob64(statement_.statement_.get(), at, data, bytes.size(), SQLITE_STATIC));
  return *this;
}

SqliteStatement::Use& SqliteStatement::Use::bind_null(int at) {
  bound_ = std::max(bound_, sqlite3_bind_null(statement_.statement_.get(), at));
  return *this;
}

Result<bool> SqliteStatement::Use::step() {
  if (bound_ != SQLITE_OK) return statement_.database_->error("cannot hand a value to the hub");
  const int code = sqlite3_step(statement_.statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return statement_.database_->error("the hub did not answer");
}

Result<void> SqliteStatement::Use::finish() {
  CV_TRY(step());
  return {};
}

std::int64_t SqliteStatement::Use::integer(int column) const {
  return sqlite3_column_int64(statement_.statement_.get(), column);
}

bool SqliteStatement::Use::is_null(int column) const {
  return sqlite3_column_type(statement_.statement_.get(), column) == SQLITE_NULL;
}

std::string_view SqliteStatement::Use::bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_.statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.statement_.get(), column);
  return data == nullptr ? std::string_view()
                         : std::string_view(static_cast<const char*>(data), static_cast<std::size_t>(size));
}

Result<SqliteTransaction> SqliteTransaction::begin(SqliteDatabase& database, Kind kind) {
  CV_TRY(database.run(kind == Kind::kWrite ? "BEGIN IMMEDIATE" : "BEGIN"));
  return SqliteTransaction(database);
}

SqliteTransaction::~SqliteTransaction() {
  // Some errors have rolled back already; then there is nothing left to do.
  if (database_ != nullptr && sqlite3_get_autocommit(database_->handle()) == 0) {
    ignore_error(database_->run("ROLLBACK"),
                 "an open transaction that cannot be rolled back ends with its connection");
  }
}

Result<void> SqliteTransaction::commit() {
  CV_TRY(database_->run("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace changevault
