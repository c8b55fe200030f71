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

// One thread at a time. Each call sees one state of the file, and finds out first whether the file is still
// the hub that was opened.
class SqliteLog {
 public:
  enum class Durability { kFull, kNormal };
  ~SqliteLog();

  // kNotFound: no file, or one in which nothing was made yet. `clock` outlives it.
  static Result<std::unique_ptr<SqliteLog>> open(const std::string& path, Durability durability,
                                                 Clock& clock);

  Result<std::vector<PartitionBounds>> bounds();
  Result<PartitionBounds> bounds(PartitionId partition);  // kUsage: no such partition
  // The same, inside the caller's transaction.
  Result<std::vector<PartitionBounds>> bounds_inside();
  Result<HubClock> clock();
  // Events from `at` on. Errors: kNotFound where the hub no longer has `at`, kValidation where `at` is past
  // its end, kCorrupt where an event between its bounds is not there.
  Result<EventBatch> fetch(PartitionId partition, Sequence at, FetchLimits limits = {});
  Result<std::int64_t> data_version();

  Result<std::vector<std::string>> groups();
  Result<GroupDescription> describe_group(const std::string& group);
  Result<void> add_group(const std::string& group);
  Result<void> commit(const std::string& group, PartitionId partition, Sequence next);

  SqliteDatabase& database() { return *database_; }
  const std::string& identity() const { return identity_; }
  std::int32_t partitions() const { return partitions_; }

 private:
  struct Statements;
  SqliteLog(std::unique_ptr<SqliteDatabase> database, Clock& clock);
  Result<void> prepare();
  Result<SqliteTransaction> begin_read();
  Result<HubClock> clock_at(Timestamp now);
  Result<PartitionBounds> bounds_of(PartitionId partition);

  std::unique_ptr<SqliteDatabase> database_;
  Clock& clock_;
  std::string identity_;
  std::int32_t partitions_ = 0;
  std::unique_ptr<Statements> statements_;  // gone before the connection
};

}  // namespace changevault
