// Reads single events by their place, beside any group.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "hub/hub.h"
#include "hub/kafka/kafka_client.h"

namespace changevault::kafka {

// Thread-safe: one reads at a time. `parts` and `clock` outlive it.
class EventReader {
 public:
  // The group's name is only what brokers check rights by: nothing is joined or committed.
  EventReader(const ClientParts& parts, std::string group, Clock& clock)
      : parts_(parts), group_(std::move(group)), clock_(clock) {}

  // The first event at `at` or behind it; nullopt where the partition ends there. kUnreachable after ten
  // seconds without an answer; kNotFound where the position is not in the partition.
  Result<std::optional<EventBatch>> first_from(PartitionId partition, Sequence at);

 private:
  Result<void> open() CV_REQUIRES(mutex_);
  Result<std::optional<EventBatch>> read(PartitionId partition) CV_REQUIRES(mutex_);

  const ClientParts& parts_;
  const std::string group_;
  Clock& clock_;
  Mutex mutex_;
  std::unique_ptr<Client> client_ CV_GUARDED_BY(mutex_);
};

}  // namespace changevault::kafka
