#include "hub/sqlite/sqlite_producer.h"

#include <algorithm>

#include "codec/document_key.h"
#include "hub/sqlite/sqlite_schema.h"

namespace changevault {

Result<std::unique_ptr<SqliteProducer>> SqliteProducer::open(std::unique_ptr<SqliteLog> log,
                                                             SqliteRetention retention, Clock& clock) {
  SqliteDatabase& db = log->database();
  CV_ASSIGN(auto insert, SqliteStatement::prepare(db, "INSERT INTO events VALUES (?1, ?2, ?3)"));
  CV_ASSIGN(auto move_end,
            SqliteStatement::prepare(db,
                                     "UPDATE partitions SET next = ?2, bytes = ?3, reached = ?4 "
                                     "WHERE partition = ?1"));
  CV_ASSIGN(auto mark, SqliteStatement::prepare(db, "INSERT INTO marks VALUES (?1, ?2, ?3)"));
  CV_ASSIGN(auto set_newest,
            SqliteStatement::prepare(
                db, "UPDATE hub SET newest = max(ifnull(newest, ?1), ?1), live = ?2 WHERE id = 0"));
  return std::unique_ptr<SqliteProducer>(new SqliteProducer(
      std::move(log),
      Statements{std::move(insert), std::move(move_end), std::move(mark), std::move(set_newest)}, retention,
      clock));
}

Result<void> SqliteProducer::append(std::vector<Message> messages) {
  if (messages.empty()) return {};
  Result<void> appended = append_all(messages);
  if (!appended.has_value()) {
    Error error = std::move(appended).error();
    error.message = "0 of " + std::to_string(messages.size()) + " events were accepted: " + error.message;
    return error;
  }
  std::int64_t bytes = 0;
  for (const Message& message : messages) bytes += static_cast<std::int64_t>(message.payload.size());
  ignore_error(retention_.after_append(static_cast<std::int64_t>(messages.size()), bytes),
               "the events are in; the next append tries again");
  return {};
}

Result<void> SqliteProducer::append_all(const std::vector<Message>& messages) {
  CV_ASSIGN(auto transaction, log_->begin(SqliteTransaction::Kind::kWrite));
  // Taken while the file is held: however long the wait was, times of appends follow each other.
  const Timestamp now = clock_.now();
  CV_ASSIGN(std::vector<PartitionRow> rows, log_->partitions_inside());
  const auto partitions = static_cast<std::int32_t>(rows.size());
  std::vector<Sequence> before;
  for (const PartitionRow& row : rows) before.push_back(row.bounds.next);
  Timestamp newest{INT64_MIN};
  for (const Message& message : messages) {
    PartitionRow& row = rows[static_cast<std::size_t>(partition_of(message.key, partitions))];
    const Timestamp time = std::min(message.time.value_or(now), now);
    CV_TRY(insert(row, time, message.payload));
    newest = std::max(newest, time);
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].bounds.next == before[i]) continue;
    CV_TRY(SqliteStatement::Use(statements_.move_end)
               .bind(1, rows[i].bounds.partition.value)
               .bind(2, rows[i].bounds.next.value)
               .bind(3, rows[i].bytes)
               .bind(4, rows[i].reached->ms)
               .finish());
  }
  const bool live = !messages.back().time.has_value();
  CV_TRY(SqliteStatement::Use(statements_.set_newest).bind(1, newest.ms).bind(2, live ? 1 : 0).finish());
  return transaction.commit();
}

Result<void> SqliteProducer::insert(PartitionRow& row, Timestamp time, const std::string& payload) {
  const PartitionBounds& end = row.bounds;
  if (end.next.value % kEventsPerMark == 0 && row.reached) {
    CV_TRY(SqliteStatement::Use(statements_.mark)
               .bind(1, end.partition.value)
               .bind(2, end.next.value)
               .bind(3, row.reached->ms)
               .finish());
  }
  CV_TRY(SqliteStatement::Use(statements_.insert)
             .bind(1, event_key(end.partition, end.next))
             .bind(2, time.ms)
             .bind_blob(3, payload)
             .finish());
  row.bounds.next = end.next.next();
  row.bytes += static_cast<std::int64_t>(payload.size());
  row.reached = std::max(row.reached.value_or(time), time);
  return {};
}

}  // namespace changevault
