#include "hub/sqlite/sqlite_hub.h"

#include <filesystem>

#include "hub/sqlite/sqlite_consumer.h"
#include "hub/sqlite/sqlite_producer.h"
#include "hub/sqlite/sqlite_schema.h"

namespace changevault {
namespace {

Result<void> make_file(const std::string& path, std::int32_t partitions, Clock& clock, Random& random) {
  std::error_code failed;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, failed);
  if (failed)
    return system_error(ErrorCode::kUnreachable, "cannot make the hub's folder", folder.string(),
                        failed.value());
  CV_ASSIGN(auto database, SqliteDatabase::open(path, SqliteDatabase::Mode::kCreate, clock));
  // Counts for a file without content only: events of some hundred bytes fill such pages well.
  CV_TRY(database->run("PRAGMA page_size=16384"));
  CV_ASSIGN(auto transaction, SqliteTransaction::begin(*database, SqliteTransaction::Kind::kWrite));
  CV_ASSIGN(const SqliteFileKind kind, check_format(*database));
  if (kind == SqliteFileKind::kEmpty) CV_TRY(create_schema(*database, random.nonce(), partitions));
  return transaction.commit();
}

}  // namespace

Result<std::unique_ptr<SqliteHub>> SqliteHub::create(const std::string& path, std::int32_t partitions,
                                                     Clock& clock, Random& random) {
  if (partitions < 1 || partitions > kMaxSqlitePartitions) {
    return Error(ErrorCode::kUsage,
                 "an embedded hub has 1 to " + std::to_string(kMaxSqlitePartitions) + " partitions, not " +
                     std::to_string(partitions),
                 path, "correct [hub] partitions");
  }
  CV_TRY(make_file(path, partitions, clock, random));
  CV_ASSIGN(auto hub, open(path, clock));
  const std::int32_t has = hub->log_->partitions();
  if (has == partitions) return hub;
  return Error(ErrorCode::kUsage,
               "the hub has " + std::to_string(has) + " partitions, not " + std::to_string(partitions), path,
               "set [hub] partitions = " + std::to_string(has) +
                   ": documents keep their partition for the life of a hub");
}

Result<std::unique_ptr<SqliteHub>> SqliteHub::open(const std::string& path, Clock& clock) {
  CV_ASSIGN(auto log, SqliteLog::open(path, SqliteLog::Durability::kFull, clock));
  return std::unique_ptr<SqliteHub>(new SqliteHub(path, clock, std::move(log)));
}

Result<HubDescription> SqliteHub::describe() {
  return HubDescription{"sqlite", log_->identity(), std::filesystem::path(path_).stem().string(),
                        log_->partitions()};
}

Result<std::vector<PartitionBounds>> SqliteHub::bounds() {
  const std::lock_guard lock(mutex_);
  return log_->bounds();
}

Result<HubClock> SqliteHub::clock() {
  const std::lock_guard lock(mutex_);
  return log_->clock();
}

Result<std::optional<EventBatch>> SqliteHub::read(PartitionId partition, Sequence at) {
  const std::lock_guard lock(mutex_);
  Result<EventBatch> batch = log_->fetch(partition, at, {.bytes = 1, .events = 1});
  if (batch.has_value()) {
    if (batch->events.empty()) return std::optional<EventBatch>();
    return std::optional<EventBatch>(std::move(batch).value());
  }
  const ErrorCode code = batch.error().code;
  if (code == ErrorCode::kNotFound || code == ErrorCode::kValidation) return std::optional<EventBatch>();
  return std::move(batch).error();
}

Result<std::unique_ptr<Consumer>> SqliteHub::join(const std::string& group) {
  CV_ASSIGN(auto consumer, SqliteConsumer::join(path_, group, clock_));
  return std::unique_ptr<Consumer>(std::move(consumer));
}

Result<std::unique_ptr<Producer>> SqliteHub::producer() {
  CV_ASSIGN(auto producer, SqliteProducer::open(path_, clock_));
  return std::unique_ptr<Producer>(std::move(producer));
}

Result<std::vector<std::string>> SqliteHub::groups() {
  const std::lock_guard lock(mutex_);
  return log_->groups();
}

Result<GroupDescription> SqliteHub::describe_group(const std::string& group) {
  const std::lock_guard lock(mutex_);
  return log_->describe_group(group);
}

}  // namespace changevault
