// Reads the embedded hub through one connection.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "hub/batch_builder.h"
#include "hub/hub.h"
#include "hub/sqlite/sqlite_database.h"

namespace changevault {

// A partition as its row has it.
struct PartitionRow {
  PartitionBounds bounds;
  std::int64_t bytes = 0;            // payload of the events that are kept
  std::optional<Timestamp> reached;  // greatest broker time so far
};

// One thread at a time. Each call sees one state of the file, and finds out first whether the file is still
// the hub that was opened; calls named `…_inside` are part of the caller's transaction instead.
class SqliteLog {
 public:
  enum class Durability { kFull, kNormal };
  ~SqliteLog();

  // A hub of an older format is brought to this one. kNotFound: no file, or one in which nothing was made
  // yet. `clock` outlives it.
  static Result<std::unique_ptr<SqliteLog>> open(const std::string& path, Durability durability, Clock& clock,
                                                 SqliteDatabase::OnWait on_wait = nullptr);

  Result<SqliteTransaction> begin(SqliteTransaction::Kind kind);

  Result<std::vector<PartitionBounds>> bounds();
  Result<PartitionBounds> bounds(PartitionId partition);         // kUsage: no such partition
  Result<PartitionBounds> bounds_inside(PartitionId partition);  // the same
  Result<std::vector<PartitionRow>> partitions_inside();         // ordered by partition
  Result<std::int32_t> partition_count();
  Result<HubClock> clock();
  // Events from `at` on. Errors: kNotFound where the hub no longer has `at`, kValidation where `at` is past
  // its end, kCorrupt where an event between its bounds is not there.
  Result<EventBatch> fetch(PartitionId partition, Sequence at, FetchLimits limits = {});
  // The same; `now` was taken before the transaction began.
  Result<EventBatch> fetch_inside(PartitionId partition, Sequence at, FetchLimits limits, Timestamp now);
  // As Hub::at_time.
  Result<Sequence> at_time(PartitionId partition, Timestamp time);
  // Differs from the one before when another connection has changed the file.
  Result<std::int64_t> data_version();

  SqliteDatabase& database() { return *database_; }
  Clock& wall_clock() { return clock_; }
  const std::string& identity() const { return identity_; }

 private:
  struct Statements;
  SqliteLog(std::unique_ptr<SqliteDatabase> database, Clock& clock);
  Result<void> prepare();
  Result<HubClock> clock_at(Timestamp now);

  std::unique_ptr<SqliteDatabase> database_;
  Clock& clock_;
  std::string identity_;
  std::unique_ptr<Statements> statements_;  // gone before the connection
};

}  // namespace changevault
