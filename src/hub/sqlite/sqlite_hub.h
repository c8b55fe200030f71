// The embedded hub: one SQLite file (docs/formats/hub.md), used by any number of processes of one machine at
// once.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/random.h"
#include "hub/hub.h"
#include "hub/sqlite/sqlite_log.h"
#include "hub/sqlite/sqlite_options.h"

namespace changevault {

// Readers never wait for the writer nor it for them; writers wait for each other. Broker time is the clock's
// time of the append, or the message's own where it has one, never later than the clock.
class SqliteHub final : public Hub {
 public:
  // Makes the hub, or opens the one that is there and raises its partitions to this number. kUsage: it has
  // more of them, the file belongs to another program, or there is no folder for it and none is to be made.
  // Killed anywhere, the next call finishes the work. `clock` outlives the hub.
  static Result<std::unique_ptr<SqliteHub>> create(const std::string& path, std::int32_t partitions,
                                                   Clock& clock, Random& random,
                                                   SqliteHubOptions options = {});
  // kNotFound where there is none.
  static Result<std::unique_ptr<SqliteHub>> open(const std::string& path, Clock& clock,
                                                 SqliteHubOptions options = {});

  Result<HubDescription> describe() override;
  Result<std::vector<PartitionBounds>> bounds() override;
  Result<HubClock> clock() override;
  Result<std::optional<EventBatch>> read(PartitionId partition, Sequence at) override;
  Result<Sequence> at_time(PartitionId partition, Timestamp time) override;
  Result<std::unique_ptr<Consumer>> join(const std::string& group, const GroupOwner& owner) override;
  using Hub::join;
  Result<std::unique_ptr<Producer>> producer() override;
  bool can_import() const override { return true; }
  Result<std::vector<std::string>> groups() override;
  Result<GroupDescription> describe_group(const std::string& group) override;
  Result<void> create_group(const std::string& group, const GroupPositions& positions) override;
  Result<void> reset_group(const std::string& group, const GroupPositions& positions) override;
  Result<void> delete_group(const std::string& group) override;
  Result<void> raise_partitions(std::int32_t partitions) override;
  std::string url() const override { return "sqlite:" + path_; }

 private:
  SqliteHub(std::string path, Clock& clock, SqliteHubOptions options, std::unique_ptr<SqliteLog> log)
      : path_(std::move(path)), clock_(clock), options_(std::move(options)), log_(std::move(log)) {}

  std::string path_;
  Clock& clock_;
  SqliteHubOptions options_;
  Mutex mutex_;
  const std::unique_ptr<SqliteLog> log_ CV_PT_GUARDED_BY(mutex_);
};

}  // namespace changevault
