// A member of a consumer group of the embedded hub.
#pragma once

#include <memory>
#include <string>

#include "hub/hub.h"
#include "hub/poll_cycle.h"
#include "hub/sqlite/sqlite_log.h"

namespace changevault {

// Has a connection of its own. The first poll assigns every partition: members of one group do not share them
// yet, so two members both read everything (the archive's ledger fences the older one). Sharing by leases in
// the file would report through the same `assigned`, `revoked` and `lost`.
class SqliteConsumer final : public Consumer, private FetchSource {
 public:
  // The group exists from now on. `clock` outlives the consumer.
  static Result<std::unique_ptr<SqliteConsumer>> join(const std::string& path, const std::string& group,
                                                      Clock& clock);

  Result<Poll> poll(Duration timeout, std::stop_token stop) override;
  Result<void> seek(PartitionId partition, Sequence next) override;
  Result<void> commit(PartitionId partition, Sequence next) override;

 private:
  SqliteConsumer(std::unique_ptr<SqliteLog> log, std::string group, Clock& clock)
      : log_(std::move(log)), group_(std::move(group)), cycle_(*this, clock) {}
  Result<EventBatch> fetch(PartitionId partition, Sequence at) override { return log_->fetch(partition, at); }
  Result<std::int64_t> change_mark() override { return log_->data_version(); }

  std::unique_ptr<SqliteLog> log_;
  std::string group_;
  PollCycle cycle_;
  bool assigned_ = false;
};

}  // namespace changevault
