// Appends to a topic, each message stored once: the idempotent producer, acknowledged by all replicas in
// sync.
#pragma once

#include <memory>

#include "hub/hub.h"
#include "hub/kafka/kafka_client.h"

namespace changevault::kafka {

class TopicProducer final : public Producer {
 public:
  // `parts` outlives it.
  static Result<std::unique_ptr<TopicProducer>> open(const ClientParts& parts);

  Result<void> append(std::vector<Message> messages) override;

 private:
  explicit TopicProducer(std::unique_ptr<Client> client) : client_(std::move(client)) {}
  std::unique_ptr<Client> client_;
};

}  // namespace changevault::kafka
