#include "hub/sqlite/sqlite_log.h"

#include <algorithm>
#include <utility>

#include "hub/hub_checks.h"
#include "hub/sqlite/sqlite_schema.h"

namespace changevault {
namespace {

std::optional<Timestamp> time_at(const SqliteStatement::Use& use, int column) {
  return use.is_null(column) ? std::nullopt : std::optional(Timestamp{use.integer(column)});
}

PartitionBounds bounds_at(const SqliteStatement::Use& use, PartitionId partition) {
  return {partition, Sequence(use.integer(1)), Sequence(use.integer(2)), time_at(use, 3)};
}

}  // namespace

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
                                                   Clock& clock, SqliteDatabase::OnWait on_wait) {
  CV_ASSIGN(auto database,
            SqliteDatabase::open(path, SqliteDatabase::Mode::kExisting, clock, std::move(on_wait)));
  CV_ASSIGN(const SqliteFileKind kind, check_format(*database));
  if (kind == SqliteFileKind::kEmpty) {
    return Error(ErrorCode::kNotFound, "the file is empty: there is no hub in it", path,
                 "create it with `changevault init`");
  }
  CV_TRY(configure_connection(*database, durability == Durability::kFull));
  if (kind == SqliteFileKind::kOldHub) CV_TRY(migrate(*database));
  std::unique_ptr<SqliteLog> log(new SqliteLog(std::move(database), clock));
  CV_TRY(log->prepare());
  return log;
}

Result<void> SqliteLog::prepare() {
  SqliteDatabase& db = *database_;
  CV_ASSIGN(auto hub,
            SqliteStatement::prepare(db, "SELECT identity, partitions, newest, live FROM hub WHERE id = 0"));
  CV_ASSIGN(
      auto all,
      SqliteStatement::prepare(
          db, "SELECT partition, first, next, gone, bytes, reached FROM partitions ORDER BY partition"));
  CV_ASSIGN(auto one, SqliteStatement::prepare(
                          db, "SELECT partition, first, next, gone FROM partitions WHERE partition = ?1"));
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
  return {};
}

Result<SqliteTransaction> SqliteLog::begin(SqliteTransaction::Kind kind) {
  CV_TRY(database_->check_in_place());
  return SqliteTransaction::begin(*database_, kind);
}

Result<std::int32_t> SqliteLog::partition_count() {
  CV_TRY(database_->check_in_place());
  SqliteStatement::Use use(statements_->hub);
  CV_TRY(use.step());
  return static_cast<std::int32_t>(use.integer(1));
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
  CV_ASSIGN(const SqliteTransaction transaction, begin(SqliteTransaction::Kind::kRead));
  return clock_at(now);
}

Result<std::vector<PartitionRow>> SqliteLog::partitions_inside() {
  std::vector<PartitionRow> rows;
  SqliteStatement::Use use(statements_->all_bounds);
  while (true) {
    CV_ASSIGN(const bool row, use.step());
    if (!row) return rows;
    const PartitionId partition(static_cast<std::int32_t>(use.integer(0)));
    rows.push_back({bounds_at(use, partition), use.integer(4), time_at(use, 5)});
  }
}

Result<std::vector<PartitionBounds>> SqliteLog::bounds() {
  CV_ASSIGN(const SqliteTransaction transaction, begin(SqliteTransaction::Kind::kRead));
  CV_ASSIGN(const std::vector<PartitionRow> rows, partitions_inside());
  std::vector<PartitionBounds> bounds;
  for (const PartitionRow& row : rows) bounds.push_back(row.bounds);
  return bounds;
}

Result<PartitionBounds> SqliteLog::bounds_inside(PartitionId partition) {
  {
    SqliteStatement::Use use(statements_->bounds);
    use.bind(1, partition.value);
    CV_ASSIGN(const bool row, use.step());
    if (row) return bounds_at(use, partition);
  }
  CV_ASSIGN(const std::int32_t partitions, partition_count());
  return no_such_partition(partition, partitions, database_->path());
}

Result<PartitionBounds> SqliteLog::bounds(PartitionId partition) {
  CV_ASSIGN(const SqliteTransaction transaction, begin(SqliteTransaction::Kind::kRead));
  return bounds_inside(partition);
}

Result<EventBatch> SqliteLog::fetch(PartitionId partition, Sequence at, FetchLimits limits) {
  const Timestamp now = clock_.now();
  CV_ASSIGN(const SqliteTransaction transaction, begin(SqliteTransaction::Kind::kRead));
  return fetch_inside(partition, at, limits, now);
}

Result<EventBatch> SqliteLog::fetch_inside(PartitionId partition, Sequence at, FetchLimits limits,
                                           Timestamp now) {
  CV_ASSIGN(const HubClock clock, clock_at(now));
  CV_ASSIGN(const PartitionBounds bounds, bounds_inside(partition));
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

Result<Sequence> SqliteLog::at_time(PartitionId partition, Timestamp time) {
  CV_ASSIGN(const SqliteTransaction transaction, begin(SqliteTransaction::Kind::kRead));
  CV_ASSIGN(const PartitionBounds bounds, bounds_inside(partition));
  // Every event before a mark that had not reached the time is earlier; behind it, the events are asked.
  Sequence from = bounds.first;
  {
    CV_ASSIGN(auto mark, SqliteStatement::prepare(*database_,
                                                  "SELECT sequence FROM marks WHERE partition = ?1 AND "
                                                  "reached < ?2 ORDER BY sequence DESC LIMIT 1"));
    SqliteStatement::Use use(mark);
    use.bind(1, partition.value).bind(2, time.ms);
    CV_ASSIGN(const bool row, use.step());
    if (row) from = std::max(from, Sequence(use.integer(0)));
  }
  CV_ASSIGN(auto first, SqliteStatement::prepare(*database_,
                                                 "SELECT key FROM events WHERE key >= ?1 AND key < ?2 AND "
                                                 "time >= ?3 ORDER BY key LIMIT 1"));
  SqliteStatement::Use use(first);
  use.bind(1, event_key(partition, from)).bind(2, event_key(partition, bounds.next)).bind(3, time.ms);
  CV_ASSIGN(const bool row, use.step());
  return row ? Sequence(use.integer(0) - event_key(partition, Sequence(0))) : bounds.next;
}

}  // namespace changevault
