#include "hub/sqlite/sqlite_producer.h"

#include <algorithm>

#include "codec/document_key.h"
#include "hub/sqlite/sqlite_schema.h"

namespace changevault {

Result<std::unique_ptr<SqliteProducer>> SqliteProducer::open(const std::string& path, Clock& clock) {
  CV_ASSIGN(auto log, SqliteLog::open(path, SqliteLog::Durability::kFull, clock));
  SqliteDatabase& db = log->database();
  CV_ASSIGN(auto insert, SqliteStatement::prepare(db, "INSERT INTO events VALUES (?1, ?2, ?3)"));
  CV_ASSIGN(auto move_end,
            SqliteStatement::prepare(db, "UPDATE partitions SET next = ?2 WHERE partition = ?1"));
  CV_ASSIGN(auto set_newest,
            SqliteStatement::prepare(
                db, "UPDATE hub SET newest = max(ifnull(newest, ?1), ?1), live = ?2 WHERE id = 0"));
  return std::unique_ptr<SqliteProducer>(new SqliteProducer(
      std::move(log), Statements{std::move(insert), std::move(move_end), std::move(set_newest)}, clock));
}

Result<void> SqliteProducer::append(std::vector<Message> messages) {
  if (messages.empty()) return {};
  Result<void> appended = append_all(messages);
  if (appended.has_value()) return appended;
  Error error = std::move(appended).error();
  error.message = "0 of " + std::to_string(messages.size()) + " events were accepted: " + error.message;
  return error;
}

Result<void> SqliteProducer::append_all(const std::vector<Message>& messages) {
  SqliteDatabase& db = log_->database();
  CV_TRY(db.check_in_place());
  CV_ASSIGN(auto transaction, SqliteTransaction::begin(db, SqliteTransaction::Kind::kWrite));
  // Taken while the file is held: however long the wait was, times of appends follow each other.
  const Timestamp now = clock_.now();
  CV_ASSIGN(std::vector<PartitionBounds> bounds, log_->bounds_inside());
  const std::vector<PartitionBounds> before = bounds;
  Timestamp newest{INT64_MIN};
  for (const Message& message : messages) {
    PartitionBounds& end = bounds[static_cast<std::size_t>(partition_of(message.key, log_->partitions()))];
    const Timestamp time = std::min(message.time.value_or(now), now);
    CV_TRY(SqliteStatement::Use(statements_.insert)
               .bind(1, event_key(end.partition, end.next))
               .bind(2, time.ms)
               .bind_blob(3, message.payload)
               .finish());
    end.next = end.next.next();
    newest = std::max(newest, time);
  }
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    if (bounds[i].next == before[i].next) continue;
    CV_TRY(SqliteStatement::Use(statements_.move_end)
               .bind(1, bounds[i].partition.value)
               .bind(2, bounds[i].next.value)
               .finish());
  }
  const bool live = !messages.back().time.has_value();
  CV_TRY(SqliteStatement::Use(statements_.set_newest).bind(1, newest.ms).bind(2, live ? 1 : 0).finish());
  return transaction.commit();
}

}  // namespace changevault
