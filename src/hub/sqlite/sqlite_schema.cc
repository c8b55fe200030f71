#include "hub/sqlite/sqlite_schema.h"

namespace changevault {
namespace {

constexpr std::int64_t kApplicationId = 0x43564842;  // "CVHB"
constexpr std::int64_t kFormatVersion = 3;

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

// What version 2 adds: members and their leases, the size of what is kept, marks to find a time.
constexpr const char* kSecondVersion = R"sql(
  ALTER TABLE partitions ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE partitions ADD COLUMN reached INTEGER;
  ALTER TABLE consumer_groups ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE members (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    group_name TEXT NOT NULL,
    name TEXT NOT NULL,
    beat INTEGER NOT NULL,
    lease INTEGER NOT NULL,
    device INTEGER NOT NULL,
    inode INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE leases (
    group_name TEXT NOT NULL,
    partition INTEGER NOT NULL,
    member INTEGER NOT NULL,
    PRIMARY KEY (group_name, partition)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE marks (
    partition INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    reached INTEGER NOT NULL,
    PRIMARY KEY (partition, sequence)
  ) STRICT, WITHOUT ROWID;
  UPDATE partitions SET (bytes, reached) = (
    SELECT ifnull(sum(length(payload)), 0), max(time) FROM events
    WHERE key >= partition * 281474976710656 + first AND key < partition * 281474976710656 + next);
)sql";

// What version 3 adds: whose archive a group works for, and how new the events were that are gone. Of those
// that went before nobody knows it.
constexpr const char* kThirdVersion = R"sql(
  ALTER TABLE partitions ADD COLUMN gone INTEGER;
  ALTER TABLE consumer_groups ADD COLUMN archive TEXT NOT NULL DEFAULT '';
  ALTER TABLE consumer_groups ADD COLUMN archive_name TEXT NOT NULL DEFAULT '';
)sql";

Result<void> set_version(SqliteDatabase& database) {
  return database.run("PRAGMA user_version=" + std::to_string(kFormatVersion));
}

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
  return version == kFormatVersion ? SqliteFileKind::kHub : SqliteFileKind::kOldHub;
}

Result<void> create_schema(SqliteDatabase& database, const std::string& identity, std::int32_t partitions) {
  CV_TRY(database.run("PRAGMA application_id=" + std::to_string(kApplicationId)));
  CV_TRY(database.run(kTables));
  CV_TRY(database.run(kSecondVersion));
  CV_TRY(database.run(kThirdVersion));
  CV_TRY(set_version(database));
  CV_ASSIGN(auto hub, SqliteStatement::prepare(database, "INSERT INTO hub VALUES (0, ?1, ?2, NULL, 0)"));
  CV_TRY(SqliteStatement::Use(hub).bind_text(1, identity).bind(2, partitions).finish());
  return add_partitions(database, 0, partitions);
}

Result<void> add_partitions(SqliteDatabase& database, std::int32_t from, std::int32_t to) {
  CV_ASSIGN(auto insert, SqliteStatement::prepare(
                             database, "INSERT INTO partitions (partition, first, next) VALUES (?1, 0, 0)"));
  for (std::int32_t partition = from; partition < to; ++partition) {
    CV_TRY(SqliteStatement::Use(insert).bind(1, partition).finish());
  }
  CV_TRY(database.run("UPDATE hub SET partitions = " + std::to_string(to)));
  return database.run("UPDATE consumer_groups SET generation = generation + 1");
}

Result<void> migrate(SqliteDatabase& database) {
  CV_ASSIGN(auto transaction, SqliteTransaction::begin(database, SqliteTransaction::Kind::kWrite));
  CV_ASSIGN(const SqliteFileKind kind, check_format(database));  // another process may have been first
  if (kind == SqliteFileKind::kOldHub) {
    CV_ASSIGN(const std::int64_t version, database.number("PRAGMA user_version"));
    if (version < 2) CV_TRY(database.run(kSecondVersion));
    CV_TRY(database.run(kThirdVersion));
    CV_TRY(set_version(database));
  }
  return transaction.commit();
}

Result<void> configure_connection(SqliteDatabase& database, bool durable) {
  CV_TRY(database.run("PRAGMA journal_mode=WAL"));
  CV_TRY(database.run(durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL"));
  CV_TRY(database.run("PRAGMA cache_size=-16384"));
  CV_TRY(database.run("PRAGMA journal_size_limit=268435456"));
  return {};
}

}  // namespace changevault
