#include "hub/sqlite/sqlite_log.h"

#include <utility>

#include "hub/hub_checks.h"
#include "hub/sqlite/sqlite_schema.h"

namespace changevault {

struct SqliteLog::Statements {
  SqliteStatement hub;
  SqliteStatement all_bounds;
  SqliteStatement bounds;
  SqliteStatement events;
  SqliteStatement data_version;
};

SqliteLog::SqliteLog(std::unique_ptr<SqliteDatabase> database, Clock& clock)
    : database_(std::move(database)), clock_(clock) {}

SqliteLog::~SqliteLog() = default;

Result<std::unique_ptr<SqliteLog>> SqliteLog::open(const std::string& path, Durability durability,
                                                   Clock& clock) {
  CV_ASSIGN(auto database, SqliteDatabase::open(path, SqliteDatabase::Mode::kExisting, clock));
  CV_ASSIGN(const SqliteFileKind kind, check_format(*database));
  if (kind == SqliteFileKind::kEmpty) {
    return Error(ErrorCode::kNotFound, "the file is empty: there is no hub in it", path,
                 "create it with `changevault init`");
  }
  CV_TRY(configure_connection(*database, durability == Durability::kFull));
  std::unique_ptr<SqliteLog> log(new SqliteLog(std::move(database), clock));
  CV_TRY(log->prepare());
  return log;
}

Result<void> SqliteLog::prepare() {
  SqliteDatabase& db = *database_;
  CV_ASSIGN(auto hub,
            SqliteStatement::prepare(db, "SELECT identity, partitions, newest, live FROM hub WHERE id = 0"));
  CV_ASSIGN(auto all,
            SqliteStatement::prepare(db, "SELECT partition, first, next FROM partitions ORDER BY partition"));
  CV_ASSIGN(auto one, SqliteStatement::prepare(
                          db, "SELECT partition, first, next FROM partitions WHERE partition = ?1"));
  CV_ASSIGN(auto events,
            SqliteStatement::prepare(
                db, "SELECT key, time, payload FROM events WHERE key >= ?1 AND key < ?2 ORDER BY key"));
  CV_ASSIGN(auto version, SqliteStatement::prepare(db, "PRAGMA data_version"));
  statements_ = std::make_unique<Statements>(
      Statements{std::move(hub), std::move(all), std::move(one), std::move(events), std::move(version)});
  SqliteStatement::Use use(statements_->hub);
  CV_ASSIGN(const bool row, use.step());
  if (!row)
    return Error(ErrorCode::kCorrupt, "the hub does not say who it is", db.path(),
                 "restore the file from a backup");
  identity_ = use.bytes(0);
  partitions_ = static_cast<std::int32_t>(use.integer(1));
  return {};
}

Result<SqliteTransaction> SqliteLog::begin_read() {
  CV_TRY(database_->check_in_place());
  return SqliteTransaction::begin(*database_, SqliteTransaction::Kind::kRead);
}

Result<HubClock> SqliteLog::clock_at(Timestamp now) {
  SqliteStatement::Use use(statements_->hub);
  CV_TRY(use.step());
  HubClock clock;
  if (!use.is_null(2)) clock.newest = Timestamp{use.integer(2)};
  clock.live = use.integer(3) != 0;
  // Nobody knows yet whether an empty hub will be filled live or by an import: its clock stands still.
  clock.now = clock.live ? now : clock.newest.value_or(Timestamp{0});
  return clock;
}

Result<HubClock> SqliteLog::clock() {
  const Timestamp now = clock_.now();
  CV_ASSIGN(const SqliteTransaction transaction, begin_read());
  return clock_at(now);
}

Result<std::vector<PartitionBounds>> SqliteLog::bounds_inside() {
  std::vector<PartitionBounds> bounds;
  SqliteStatement::Use use(statements_->all_bounds);
  while (true) {
    CV_ASSIGN(const bool row, use.step());
    if (!row) return bounds;
    bounds.push_back({PartitionId(static_cast<std::int32_t>(use.integer(0))), Sequence(use.integer(1)),
                      Sequence(use.integer(2))});
  }
}

Result<std::vector<PartitionBounds>> SqliteLog::bounds() {
  CV_ASSIGN(const SqliteTransaction transaction, begin_read());
  return bounds_inside();
}

Result<PartitionBounds> SqliteLog::bounds_of(PartitionId partition) {
  SqliteStatement::Use use(statements_->bounds);
  use.bind(1, partition.value);
  CV_ASSIGN(const bool row, use.step());
  if (row) return PartitionBounds{partition, Sequence(use.integer(1)), Sequence(use.integer(2))};
  return no_such_partition(partition, partitions_, database_->path());
}

Result<PartitionBounds> SqliteLog::bounds(PartitionId partition) {
  CV_ASSIGN(const SqliteTransaction transaction, begin_read());
  return bounds_of(partition);
}

Result<EventBatch> SqliteLog::fetch(PartitionId partition, Sequence at, FetchLimits limits) {
  const Timestamp now = clock_.now();
  CV_ASSIGN(const SqliteTransaction transaction, begin_read());
  CV_ASSIGN(const HubClock clock, clock_at(now));
  CV_ASSIGN(const PartitionBounds bounds, bounds_of(partition));
  CV_TRY(check_position(bounds, at, database_->path()));
  BatchBuilder batch(partition, at, limits);
  SqliteStatement::Use use(statements_->events);
  use.bind(1, event_key(partition, at)).bind(2, event_key(partition, bounds.next));
  while (batch.next() < bounds.next && !batch.full()) {
    CV_ASSIGN(const bool row, use.step());
    if (!row || use.integer(0) != event_key(partition, batch.next())) {
      return Error(ErrorCode::kCorrupt,
                   "the hub lacks event " + std::to_string(batch.next().value) + " of partition " +
                       to_string(partition),
                   database_->path(), "the file is damaged or was edited: restore it from a backup");
    }
    batch.add(batch.next(), Timestamp{use.integer(1)}, use.bytes(2));
  }
  return batch.finish(batch.next() == bounds.next, clock);
}

Result<std::int64_t> SqliteLog::data_version() {
  CV_TRY(database_->check_in_place());
  SqliteStatement::Use use(statements_->data_version);
  CV_TRY(use.step());
  return use.integer(0);
}

Result<std::vector<std::string>> SqliteLog::groups() {
  CV_ASSIGN(const SqliteTransaction transaction, begin_read());
  CV_ASSIGN(auto statement,
            SqliteStatement::prepare(*database_, "SELECT name FROM consumer_groups ORDER BY name"));
  SqliteStatement::Use use(statement);
  std::vector<std::string> names;
  while (true) {
    CV_ASSIGN(const bool row, use.step());
    if (!row) return names;
    names.emplace_back(use.bytes(0));
  }
}

Result<GroupDescription> SqliteLog::describe_group(const std::string& group) {
  CV_ASSIGN(const SqliteTransaction transaction, begin_read());
  CV_ASSIGN(auto known,
            SqliteStatement::prepare(*database_, "SELECT 1 FROM consumer_groups WHERE name = ?1"));
  CV_ASSIGN(auto position, SqliteStatement::prepare(
                               *database_, "SELECT next FROM positions WHERE name = ?1 AND partition = ?2"));
  SqliteStatement::Use find(known);
  find.bind_text(1, group);
  CV_ASSIGN(const bool there, find.step());
  if (!there) return no_such_group(group, database_->path());
  GroupDescription description{group, {}};
  CV_ASSIGN(const std::vector<PartitionBounds> bounds, bounds_inside());
  for (const PartitionBounds& partition : bounds) {
    SqliteStatement::Use use(position);
    use.bind_text(1, group).bind(2, partition.partition.value);
    CV_ASSIGN(const bool committed, use.step());
    const std::optional<Sequence> next = committed ? std::optional(Sequence(use.integer(0))) : std::nullopt;
    description.positions.push_back({partition.partition, next, partition});
  }
  return description;
}

Result<void> SqliteLog::add_group(const std::string& group) {
  CV_TRY(database_->check_in_place());
  CV_ASSIGN(auto insert,
            SqliteStatement::prepare(*database_, "INSERT OR IGNORE INTO consumer_groups VALUES (?1)"));
  return SqliteStatement::Use(insert).bind_text(1, group).finish();
}

Result<void> SqliteLog::commit(const std::string& group, PartitionId partition, Sequence next) {
  CV_TRY(database_->check_in_place());
  CV_ASSIGN(auto transaction, SqliteTransaction::begin(*database_, SqliteTransaction::Kind::kWrite));
  CV_ASSIGN(const PartitionBounds bounds, bounds_of(partition));
  CV_TRY(check_commit(bounds, next, database_->path()));
  {
    CV_ASSIGN(auto upsert, SqliteStatement::prepare(*database_,
                                                    "INSERT INTO positions VALUES (?1, ?2, ?3)"
                                                    " ON CONFLICT DO UPDATE SET next = excluded.next"));
    CV_TRY(SqliteStatement::Use(upsert)
               .bind_text(1, group)
               .bind(2, partition.value)
               .bind(3, next.value)
               .finish());
  }
  return transaction.commit();
}

}  // namespace changevault
