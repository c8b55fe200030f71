#include "hub/sqlite/retention.h"

#include <algorithm>

#include "hub/sqlite/sqlite_schema.h"

namespace changevault {
namespace {

constexpr Duration kInterval = seconds(1);
// What one transaction takes out: some milliseconds, for which other writers wait.
constexpr std::int64_t kStepEvents = 2048;
constexpr std::int64_t kStepBytes = std::int64_t{8} << 20;
// By size, so much comes from one partition before the next oldest is looked for.
constexpr std::int64_t kRunEvents = 256;

}  // namespace

Result<void> Retention::after_append(std::int64_t events, std::int64_t bytes) {
  if (limits_.keeps_all()) return {};
  const Duration now = clock_.steady();
  if (done_at_ && now.ms - done_at_->ms < kInterval.ms) return {};
  done_at_.reset();
  Budget all{kStepEvents + 2 * events, kStepBytes + 2 * bytes};
  while (!all.spent()) {
    const Budget begin{std::min(all.events, kStepEvents), std::min(all.bytes, kStepBytes)};
    Budget left = begin;
    CV_ASSIGN(const bool done, step(left));
    if (done) {
      done_at_ = now;
      return {};
    }
    all.events -= begin.events - left.events;
    all.bytes -= begin.bytes - left.bytes;
  }
  return {};
}

Result<bool> Retention::step(Budget& left) {
  CV_ASSIGN(auto transaction, log_.begin(SqliteTransaction::Kind::kWrite));
  CV_ASSIGN(std::vector<PartitionRow> rows, log_.partitions_inside());
  if (limits_.age.ms > 0) CV_TRY(by_age(rows, left));
  if (limits_.bytes > 0) CV_TRY(by_size(rows, left));
  CV_TRY(transaction.commit());
  return !left.spent();
}

Result<void> Retention::by_age(std::vector<PartitionRow>& rows, Budget& left) {
  const Timestamp cutoff = clock_.now() - limits_.age;
  for (PartitionRow& row : rows) {
    CV_TRY(take_front(row, [&](Timestamp time, std::int64_t) { return time < cutoff; }, left));
  }
  return {};
}

Result<void> Retention::by_size(std::vector<PartitionRow>& rows, Budget& left) {
  std::int64_t excess = -limits_.bytes;
  for (const PartitionRow& row : rows) excess += row.bytes;
  while (excess > 0 && !left.spent()) {
    CV_ASSIGN(PartitionRow* const row, oldest(rows));
    if (row == nullptr) break;
    std::int64_t run = kRunEvents;
    const auto wanted = [&](Timestamp, std::int64_t bytes) {
      if (excess <= 0 || run == 0) return false;
      excess -= bytes;
      --run;
      return true;
    };
    CV_TRY(take_front(*row, wanted, left));
  }
  return {};
}

Result<PartitionRow*> Retention::oldest(std::vector<PartitionRow>& rows) {
  CV_ASSIGN(auto front, SqliteStatement::prepare(log_.database(), "SELECT time FROM events WHERE key = ?1"));
  PartitionRow* found = nullptr;
  Timestamp earliest{};
  for (PartitionRow& row : rows) {
    if (row.bounds.first == row.bounds.next) continue;
    SqliteStatement::Use use(front);
    use.bind(1, event_key(row.bounds.partition, row.bounds.first));
    CV_ASSIGN(const bool there, use.step());
    if (!there) continue;  // damage: its reader says so
    const Timestamp time{use.integer(0)};
    if (found != nullptr && time >= earliest) continue;
    found = &row;
    earliest = time;
  }
  return found;
}

Result<void> Retention::take_front(PartitionRow& row, const Wanted& wanted, Budget& left) {
  const PartitionId partition = row.bounds.partition;
  Sequence first = row.bounds.first;
  // Nothing is said of events that went before this was kept.
  std::optional<Timestamp> gone = row.bounds.gone;
  std::int64_t bytes = 0;
  {
    CV_ASSIGN(auto events, SqliteStatement::prepare(
                               log_.database(),
                               "SELECT time, length(payload) FROM events WHERE key >= ?1 AND key < ?2 "
                               "ORDER BY key"));
    SqliteStatement::Use use(events);
    use.bind(1, event_key(partition, first)).bind(2, event_key(partition, row.bounds.next));
    while (!left.spent()) {
      CV_ASSIGN(const bool there, use.step());
      if (!there || !wanted(Timestamp{use.integer(0)}, use.integer(1))) break;
      first = first.next();
      const Timestamp time{use.integer(0)};
      gone = std::max(gone.value_or(time), time);
      bytes += use.integer(1);
      left.events -= 1;
      left.bytes -= use.integer(1);
    }
  }
  if (first == row.bounds.first) return {};
  CV_ASSIGN(auto remove,
            SqliteStatement::prepare(log_.database(), "DELETE FROM events WHERE key >= ?1 AND key < ?2"));
  CV_TRY(SqliteStatement::Use(remove)
             .bind(1, event_key(partition, row.bounds.first))
             .bind(2, event_key(partition, first))
             .finish());
  CV_ASSIGN(auto move,
            SqliteStatement::prepare(log_.database(),
                                     "UPDATE partitions SET first = ?2, bytes = bytes - ?3, gone = ?4 "
                                     "WHERE partition = ?1"));
  CV_TRY(SqliteStatement::Use(move)
             .bind(1, partition.value)
             .bind(2, first.value)
             .bind(3, bytes)
             .bind(4, gone->ms)
             .finish());
  CV_ASSIGN(auto marks, SqliteStatement::prepare(
                            log_.database(), "DELETE FROM marks WHERE partition = ?1 AND sequence <= ?2"));
  CV_TRY(SqliteStatement::Use(marks).bind(1, partition.value).bind(2, first.value).finish());
  row.bounds.first = first;
  row.bounds.gone = gone;
  row.bytes -= bytes;
  return {};
}

}  // namespace changevault
