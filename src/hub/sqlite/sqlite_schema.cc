#include "hub/sqlite/sqlite_schema.h"

namespace changevault {
namespace {

constexpr std::int64_t kApplicationId = 0x43564842;  // "CVHB"
constexpr std::int64_t kFormatVersion = 1;

constexpr const char* kTables = R"sql(
  CREATE TABLE hub (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    identity TEXT NOT NULL,
    partitions INTEGER NOT NULL CHECK (partitions > 0),
    newest INTEGER,
    live INTEGER NOT NULL CHECK (live IN (0, 1))
  ) STRICT;
  CREATE TABLE partitions (
    partition INTEGER PRIMARY KEY,
    first INTEGER NOT NULL CHECK (first >= 0),
    next INTEGER NOT NULL CHECK (next >= first)
  ) STRICT;
  CREATE TABLE events (
    key INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    payload BLOB NOT NULL
  ) STRICT;
  CREATE TABLE consumer_groups (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE positions (
    name TEXT NOT NULL,
    partition INTEGER NOT NULL,
    next INTEGER NOT NULL CHECK (next >= 0),
    PRIMARY KEY (name, partition)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO consumer_groups VALUES ('$Default');
)sql";

}  // namespace

Result<SqliteFileKind> check_format(SqliteDatabase& database) {
  CV_ASSIGN(const std::int64_t application, database.number("PRAGMA application_id"));
  if (application == 0) {
    CV_ASSIGN(const std::int64_t tables, database.number("SELECT count(*) FROM sqlite_schema"));
    if (tables == 0) return SqliteFileKind::kEmpty;
  }
  if (application != kApplicationId) {
    return Error(ErrorCode::kUsage, "the file is a database of another program, not a hub", database.path(),
                 "name another file as [hub] url");
  }
  CV_ASSIGN(const std::int64_t version, database.number("PRAGMA user_version"));
  if (version > kFormatVersion) {
    return Error(ErrorCode::kUsage,
                 "the hub has format version " + std::to_string(version) + ", this program knows " +
                     std::to_string(kFormatVersion) + " and older",
                 database.path(), "update this program");
  }
  return SqliteFileKind::kHub;
}

Result<void> create_schema(SqliteDatabase& database, const std::string& identity, std::int32_t partitions) {
  CV_TRY(database.run("PRAGMA application_id=" + std::to_string(kApplicationId)));
  CV_TRY(database.run("PRAGMA user_version=" + std::to_string(kFormatVersion)));
  CV_TRY(database.run(kTables));
  {
    CV_ASSIGN(auto hub, SqliteStatement::prepare(database, "INSERT INTO hub VALUES (0, ?1, ?2, NULL, 0)"));
    CV_TRY(SqliteStatement::Use(hub).bind_text(1, identity).bind(2, partitions).finish());
  }
  CV_ASSIGN(auto insert, SqliteStatement::prepare(database, "INSERT INTO partitions VALUES (?1, 0, 0)"));
  for (std::int32_t partition = 0; partition < partitions; ++partition) {
    CV_TRY(SqliteStatement::Use(insert).bind(1, partition).finish());
  }
  return {};
}

Result<void> configure_connection(SqliteDatabase& database, bool durable) {
  CV_TRY(database.run("PRAGMA journal_mode=WAL"));
  CV_TRY(database.run(durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL"));
  CV_TRY(database.run("PRAGMA cache_size=-16384"));
  CV_TRY(database.run("PRAGMA journal_size_limit=268435456"));
  return {};
}

}  // namespace changevault
