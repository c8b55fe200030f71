// Opens hubs on Kafka and on Event Hubs' Kafka endpoint.
#pragma once

#include <memory>
#include <string>

#include "app/azure_parts.h"
#include "hub/hub.h"
#include "hub/kafka/kafka_settings.h"
#include "service/drivers.h"

namespace changevault {

// Thread-safe. Lives longer than what it opens.
class KafkaParts {
 public:
  // `member`: what this process is called in a group. `azure` gives tokens where there is no connection
  // string.
  KafkaParts(Environment environment, std::string member, std::shared_ptr<AzureParts> azure)
      : environment_(std::move(environment)), member_(std::move(member)), azure_(std::move(azure)) {}

  // `scheme`: "kafka" or "eventhubs", of the URL whose rest the request holds.
  Result<std::unique_ptr<Hub>> open_hub(const std::string& scheme, const OpenRequest& request);
  // Of an event hub's groups, over Azure Resource Manager with a token.
  Result<std::unique_ptr<GroupManagement>> open_management(const OpenRequest& request);

 private:
  Result<kafka::Settings> settings(const std::string& scheme, const OpenRequest& request) const;
  Result<std::string> secret(const std::string& scheme, const OpenRequest& request) const;

  const Environment environment_;
  const std::string member_;
  const std::shared_ptr<AzureParts> azure_;
};

}  // namespace changevault
