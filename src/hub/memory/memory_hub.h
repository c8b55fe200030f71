// A hub in memory, for tests: the contract of every hub, and controls for what only happens to real ones.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "hub/hub.h"

namespace changevault {

struct MemoryHubState;

// Thread-safe; nothing outlives the process. `clock` outlives the hub, its consumers and producers.
class MemoryHub final : public Hub {
 public:
  MemoryHub(std::int32_t partitions, Clock& clock, std::string identity = "memory-hub");

  Result<HubDescription> describe() override;
  Result<std::vector<PartitionBounds>> bounds() override;
  Result<HubClock> clock() override;
  Result<std::optional<EventBatch>> read(PartitionId partition, Sequence at) override;
  Result<Sequence> at_time(PartitionId partition, Timestamp time) override;
  // Every member reads every partition; who reads what is the test's to say.
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
  std::string url() const override { return "memory:"; }

  // Controls. Partitions that do not exist are a bug of the test.

  // Appends to this very partition with this broker time. `live`: as if a producer had appended it then; else
  // as an import.
  Sequence append(PartitionId partition, std::string payload, Timestamp broker_time, bool live = true);
  // Positions without an event, as a broker's control records leave them.
  void skip(PartitionId partition, std::int64_t positions);
  // Producers take no longer payload from now on.
  void limit_payload(std::size_t bytes);
  // Drops the events before `first`, which may be up to the end.
  void trim(PartitionId partition, Sequence first);
  // The members of the group hear of it with their next poll.
  void assign(const std::string& group, PartitionId partition);
  void revoke(const std::string& group, PartitionId partition);
  void lose(const std::string& group, PartitionId partition);
  // Another hub in this one's place: no events, this identity. Groups keep their positions.
  void replace(std::string identity);

 private:
  std::shared_ptr<MemoryHubState> state_;
  Clock& clock_;
};

}  // namespace changevault
