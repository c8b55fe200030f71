// Apache Kafka, and Azure Event Hubs through its Kafka endpoint, as the hub. An event's sequence number is
// its Kafka offset.
//
// What is not as in the embedded hub: a group exists as long as it has members or positions; a member hears
// of its partitions some seconds after it joined; times cannot be imported; positions are committed a few
// times a second at most.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "hub/hub.h"
#include "hub/kafka/event_reader.h"
#include "hub/kafka/kafka_admin.h"
#include "hub/kafka/kafka_client.h"

namespace changevault::kafka {

struct HubOptions {
  std::string group;  // of the archive: single events are read under its rights
  // The topic is made with so many partitions where it is not there; none: it must be there.
  std::optional<std::int32_t> create_with;
};

class KafkaHub final : public Hub {
 public:
  // Asks for the topic. kNotFound where there is none; kUsage for settings that librdkafka does not take;
  // kUnreachable. `clock` outlives it.
  static Result<std::unique_ptr<KafkaHub>> open(ClientParts parts, const HubOptions& options, Clock& clock);

  Result<HubDescription> describe() override;
  Result<std::vector<PartitionBounds>> bounds() override;
  Result<HubClock> clock() override;
  Result<std::vector<std::string>> advice() override;
  Result<std::optional<EventBatch>> read(PartitionId partition, Sequence at) override;
  Result<std::optional<EventBatch>> read_from(PartitionId partition, Sequence at) override;
  Result<Sequence> at_time(PartitionId partition, Timestamp time) override;
  Result<std::unique_ptr<Consumer>> join(const std::string& group, const GroupOwner& owner) override;
  using Hub::join;
  Result<std::unique_ptr<Producer>> producer() override;
  bool can_import() const override { return false; }
  Result<std::vector<std::string>> groups() override;
  Result<GroupDescription> describe_group(const std::string& group) override;
  Result<void> create_group(const std::string& group, const GroupPositions& positions) override;
  Result<void> reset_group(const std::string& group, const GroupPositions& positions) override;
  Result<void> delete_group(const std::string& group) override;
  Result<void> raise_partitions(std::int32_t partitions) override;
  std::string url() const override { return parts_.settings.url; }

 private:
  KafkaHub(ClientParts parts, const std::string& group, Clock& clock)
      : parts_(std::move(parts)), clock_(clock), reader_(parts_, group, clock) {}
  Result<void> start(const HubOptions& options);
  Result<std::vector<PartitionId>> partitions();
  Result<void> check_partition(PartitionId partition);
  Result<std::vector<PartitionBounds>> check_positions(const GroupPositions& positions);
  // The group's positions, these ones moved, with the mark that they have.
  Result<void> move_group(const std::string& group, const GroupPositions& positions);
  Result<void> mark_group(const std::string& group, const GroupOwner& owner);
  Result<std::optional<Timestamp>> newest_event();
  std::size_t largest_message();

  const ClientParts parts_;
  Clock& clock_;
  std::unique_ptr<Client> client_;
  std::optional<Admin> admin_;
  EventReader reader_;
  std::string cluster_;
};

}  // namespace changevault::kafka
