#include "hub/sqlite/sqlite_consumer.h"

#include "hub/hub_checks.h"

namespace changevault {

Result<std::unique_ptr<SqliteConsumer>> SqliteConsumer::join(std::unique_ptr<SqliteLog> log,
                                                             const std::string& group,
                                                             Membership::Options options, Clock& clock) {
  CV_TRY(check_group_name(group));
  CV_ASSIGN(auto membership, Membership::join(*log, group, std::move(options), clock));
  return std::unique_ptr<SqliteConsumer>(new SqliteConsumer(std::move(log), std::move(membership), clock));
}

Result<Poll> SqliteConsumer::poll(Duration timeout, std::stop_token stop) {
  CV_TRY(membership_->begin_poll());
  if (membership_->has_news()) return tell();
  CV_ASSIGN(auto batch, cycle_.next(timeout, std::move(stop)));
  if (!batch) return tell();
  Poll poll;
  poll.batch = std::move(batch);
  return poll;
}

Poll SqliteConsumer::tell() {
  Membership::News news = membership_->take_news();
  for (const auto* gone : {&news.revoked, &news.lost}) {
    for (const PartitionId partition : *gone) cycle_.remove(partition);
  }
  for (const PartitionId partition : news.assigned) cycle_.add(partition);
  Poll poll;
  poll.assigned = std::move(news.assigned);
  poll.revoked = std::move(news.revoked);
  poll.lost = std::move(news.lost);
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
  return membership_->commit(partition, next);
}

// The lease is looked at in the transaction that reads: what is no longer ours brings nothing, not even an
// end.
Result<EventBatch> SqliteConsumer::fetch(PartitionId partition, Sequence at) {
  const Timestamp now = clock_.now();
  CV_ASSIGN(const SqliteTransaction transaction, log_->begin(SqliteTransaction::Kind::kRead));
  CV_ASSIGN(const bool ours, membership_->holds_inside(partition));
  if (ours) return log_->fetch_inside(partition, at, {}, now);
  membership_->doubt();
  EventBatch nothing;
  nothing.partition = partition;
  nothing.next = at;
  return nothing;
}

Result<std::int64_t> SqliteConsumer::change_mark() {
  CV_TRY(membership_->attend());
  return log_->data_version();
}

}  // namespace changevault
