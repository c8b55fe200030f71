// Consumer groups of an event hub over Azure Resource Manager (Microsoft.EventHub, api-version 2024-01-01):
// those that AMQP readers, Azure Functions and the portal know.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "hub/kafka/kafka_settings.h"
#include "hub/management.h"
#include "net/azure/access_token.h"
#include "net/http.h"

namespace changevault::kafka {

struct ManagementParts {
  // "/subscriptions/…/resourceGroups/…/providers/Microsoft.EventHub/namespaces/NAMESPACE"
  std::string namespace_id;
  std::string endpoint;  // empty: that of the hub's cloud
  azure::TokenSource& tokens;
  HttpClient& http;
  Clock& clock;
  Random& random;
};

// kUsage where the resource id is none, or names another namespace than the hub's URL.
Result<std::unique_ptr<GroupManagement>> open_management(const Settings& settings,
                                                         const ManagementParts& parts);

}  // namespace changevault::kafka
