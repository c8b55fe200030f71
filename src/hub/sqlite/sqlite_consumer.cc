#include "hub/sqlite/sqlite_consumer.h"

#include "hub/hub_checks.h"

namespace changevault {

Result<std::unique_ptr<SqliteConsumer>> SqliteConsumer::join(const std::string& path,
                                                             const std::string& group, Clock& clock) {
  CV_TRY(check_group_name(group));
  // A group's position is a hint that may fall back after a power cut, so its commits need not wait for the
  // disk.
  CV_ASSIGN(auto log, SqliteLog::open(path, SqliteLog::Durability::kNormal, clock));
  CV_TRY(log->add_group(group));
  return std::unique_ptr<SqliteConsumer>(new SqliteConsumer(std::move(log), group, clock));
}

Result<Poll> SqliteConsumer::poll(Duration timeout, std::stop_token stop) {
  Poll poll;
  if (!assigned_) {
    assigned_ = true;
    for (std::int32_t i = 0; i < log_->partitions(); ++i) {
      cycle_.add(PartitionId(i));
      poll.assigned.emplace_back(i);
    }
    return poll;
  }
  CV_ASSIGN(poll.batch, cycle_.next(timeout, std::move(stop)));
  return poll;
}

Result<void> SqliteConsumer::seek(PartitionId partition, Sequence next) {
  CV_ASSIGN(const PartitionBounds bounds, log_->bounds(partition));
  CV_TRY(check_position(bounds, next, log_->database().path()));
  CV_TRY(check_assigned(cycle_.has(partition), partition));
  cycle_.seek(partition, next);
  return {};
}

Result<void> SqliteConsumer::commit(PartitionId partition, Sequence next) {
  return log_->commit(group_, partition, next);
}

}  // namespace changevault
