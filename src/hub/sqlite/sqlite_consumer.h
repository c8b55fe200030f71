// A reader of the embedded hub: a member of a consumer group.
#pragma once

#include <memory>
#include <string>

#include "hub/hub.h"
#include "hub/poll_cycle.h"
#include "hub/sqlite/membership.h"
#include "hub/sqlite/sqlite_log.h"

namespace changevault {

// Has a connection of its own. Which partitions it reads is its membership's matter, what it reads of them
// next is its cycle's.
class SqliteConsumer final : public Consumer, private FetchSource {
 public:
  // The group exists from now on. `clock` outlives the consumer.
  static Result<std::unique_ptr<SqliteConsumer>> join(std::unique_ptr<SqliteLog> log,
                                                      const std::string& group, Membership::Options options,
                                                      Clock& clock);

  Result<Poll> poll(Duration timeout, std::stop_token stop) override;
  Result<void> seek(PartitionId partition, Sequence next) override;
  Result<void> commit(PartitionId partition, Sequence next) override;

 private:
  SqliteConsumer(std::unique_ptr<SqliteLog> log, std::unique_ptr<Membership> membership, Clock& clock)
      : log_(std::move(log)), membership_(std::move(membership)), clock_(clock), cycle_(*this, clock) {}
  Result<EventBatch> fetch(PartitionId partition, Sequence at) override;
  Result<std::int64_t> change_mark() override;
  bool has_notice() override { return membership_->has_news(); }
  Poll tell();

  std::unique_ptr<SqliteLog> log_;
  std::unique_ptr<Membership> membership_;  // gone before the log
  Clock& clock_;
  PollCycle cycle_;
};

}  // namespace changevault
