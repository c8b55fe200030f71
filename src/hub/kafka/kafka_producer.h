// Appends to a topic, each message stored once: the idempotent producer, acknowledged by all replicas in
// sync.
#pragma once

#include <memory>

#include "hub/hub.h"
#include "hub/kafka/kafka_client.h"

namespace changevault::kafka {

class TopicProducer final : public Producer {
 public:
  // `parts` outlives it. `largest_message`: with its key and what is around it, as client and topic agree.
  static Result<std::unique_ptr<TopicProducer>> open(const ClientParts& parts, std::size_t largest_message);

  Result<void> append(std::vector<Message> messages) override;
  std::size_t largest_payload() const override;

 private:
  TopicProducer(std::unique_ptr<Client> client, std::size_t largest_message)
      : client_(std::move(client)), largest_message_(largest_message) {}
  std::unique_ptr<Client> client_;
  const std::size_t largest_message_;
};

}  // namespace changevault::kafka
