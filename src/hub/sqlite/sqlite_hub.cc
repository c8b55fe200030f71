#include "hub/sqlite/sqlite_hub.h"

#include <filesystem>

#include "base/mutex.h"
#include "hub/hub_checks.h"
#include "hub/sqlite/group_table.h"
#include "hub/sqlite/sqlite_consumer.h"
#include "hub/sqlite/sqlite_producer.h"
#include "hub/sqlite/sqlite_schema.h"

namespace changevault {
namespace {

Result<void> check_count(std::int32_t partitions, const std::string& path) {
  if (partitions >= 1 && partitions <= kMaxSqlitePartitions) return {};
  return Error(ErrorCode::kUsage,
               "an embedded hub has 1 to " + std::to_string(kMaxSqlitePartitions) + " partitions, not " +
                   std::to_string(partitions),
               path, "correct [hub] partitions");
}

Result<void> prepare_folder(const std::string& path, bool make) {
  std::error_code failed;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) return {};
  if (make) std::filesystem::create_directories(folder, failed);
  if (failed)
    return system_error(ErrorCode::kUnreachable, "cannot make the hub's folder", folder.string(),
                        failed.value());
  if (std::filesystem::is_directory(folder, failed)) return {};
  return Error(ErrorCode::kUsage, "the folder for the hub is not there", folder.string(),
               "correct hub.url; if it is right, make the folder first");
}

Result<void> make_file(const std::string& path, std::int32_t partitions, Clock& clock, Random& random,
                       const SqliteHubOptions& options) {
  CV_TRY(prepare_folder(path, options.make_folder));
  CV_ASSIGN(auto database, SqliteDatabase::open(path, SqliteDatabase::Mode::kCreate, clock, options.on_wait));
  // Counts for a file without content only: events of some hundred bytes fill such pages well.
  CV_TRY(database->run("PRAGMA page_size=16384"));
  CV_ASSIGN(auto transaction, SqliteTransaction::begin(*database, SqliteTransaction::Kind::kWrite));
  CV_ASSIGN(const SqliteFileKind kind, check_format(*database));
  if (kind == SqliteFileKind::kEmpty) CV_TRY(create_schema(*database, random.nonce(), partitions));
  return transaction.commit();
}

}  // namespace

Result<std::unique_ptr<SqliteHub>> SqliteHub::create(const std::string& path, std::int32_t partitions,
                                                     Clock& clock, Random& random, SqliteHubOptions options) {
  CV_TRY(check_count(partitions, path));
  CV_TRY(make_file(path, partitions, clock, random, options));
  CV_ASSIGN(auto hub, open(path, clock, std::move(options)));
  CV_TRY(hub->raise_partitions(partitions));
  return hub;
}

Result<std::unique_ptr<SqliteHub>> SqliteHub::open(const std::string& path, Clock& clock,
                                                   SqliteHubOptions options) {
  CV_ASSIGN(auto log, SqliteLog::open(path, SqliteLog::Durability::kFull, clock, options.on_wait));
  return std::unique_ptr<SqliteHub>(new SqliteHub(path, clock, std::move(options), std::move(log)));
}

Result<HubDescription> SqliteHub::describe() {
  const MutexLock lock(mutex_);
  CV_ASSIGN(const std::int32_t partitions, log_->partition_count());
  return HubDescription{"sqlite", log_->identity(), std::filesystem::path(path_).stem().string(), partitions,
                        true};
}

Result<void> SqliteHub::raise_partitions(std::int32_t partitions) {
  CV_TRY(check_count(partitions, path_));
  const MutexLock lock(mutex_);
  CV_ASSIGN(const std::int32_t before, log_->partition_count());
  if (before == partitions) return {};
  CV_ASSIGN(auto transaction, log_->begin(SqliteTransaction::Kind::kWrite));
  CV_ASSIGN(const std::int32_t has, log_->partition_count());
  CV_TRY(check_raise(has, partitions, path_));
  CV_TRY(add_partitions(log_->database(), has, partitions));
  return transaction.commit();
}

Result<std::vector<PartitionBounds>> SqliteHub::bounds() {
  const MutexLock lock(mutex_);
  return log_->bounds();
}

Result<HubClock> SqliteHub::clock() {
  const MutexLock lock(mutex_);
  return log_->clock();
}

Result<std::optional<EventBatch>> SqliteHub::read(PartitionId partition, Sequence at) {
  const MutexLock lock(mutex_);
  Result<EventBatch> batch = log_->fetch(partition, at, {.bytes = 1, .events = 1});
  if (batch.has_value()) {
    if (batch->events.empty()) return std::optional<EventBatch>();
    return std::optional<EventBatch>(std::move(batch).value());
  }
  const ErrorCode code = batch.error().code;
  if (code == ErrorCode::kNotFound || code == ErrorCode::kValidation) return std::optional<EventBatch>();
  return std::move(batch).error();
}

Result<Sequence> SqliteHub::at_time(PartitionId partition, Timestamp time) {
  const MutexLock lock(mutex_);
  return log_->at_time(partition, time);
}

Result<std::unique_ptr<Consumer>> SqliteHub::join(const std::string& group, const GroupOwner& owner) {
  // A group's position is a hint that may fall back after a power cut, and leases end with the machine, so
  // that its writes need not wait for the disk.
  CV_ASSIGN(auto log, SqliteLog::open(path_, SqliteLog::Durability::kNormal, clock_, options_.on_wait));
  CV_ASSIGN(auto consumer,
            SqliteConsumer::join(std::move(log), group, {options_.member, options_.lease, owner}, clock_));
  return std::unique_ptr<Consumer>(std::move(consumer));
}

Result<std::unique_ptr<Producer>> SqliteHub::producer() {
  CV_ASSIGN(auto log, SqliteLog::open(path_, SqliteLog::Durability::kFull, clock_, options_.on_wait));
  CV_ASSIGN(auto producer, SqliteProducer::open(std::move(log), options_.retention, clock_));
  return std::unique_ptr<Producer>(std::move(producer));
}

Result<std::vector<std::string>> SqliteHub::groups() {
  const MutexLock lock(mutex_);
  return GroupTable(*log_).names();
}

Result<GroupDescription> SqliteHub::describe_group(const std::string& group) {
  const MutexLock lock(mutex_);
  return GroupTable(*log_).describe(group);
}

Result<void> SqliteHub::create_group(const std::string& group, const GroupPositions& positions) {
  const MutexLock lock(mutex_);
  return GroupTable(*log_).create(group, positions);
}

Result<void> SqliteHub::reset_group(const std::string& group, const GroupPositions& positions) {
  const MutexLock lock(mutex_);
  return GroupTable(*log_).reset(group, positions);
}

Result<void> SqliteHub::delete_group(const std::string& group) {
  const MutexLock lock(mutex_);
  return GroupTable(*log_).remove(group);
}

}  // namespace changevault
