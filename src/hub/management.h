// Consumer groups that a cloud's management knows, beside those that readers make: on Azure Event Hubs the
// two kinds know nothing of each other (docs/event-hubs.md).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace changevault {

// Thread-safe. Errors: kUnreachable where the service does not answer or refuses us.
class GroupManagement {
 public:
  virtual ~GroupManagement() = default;
  virtual Result<std::vector<std::string>> list() = 0;
  virtual Result<void> create(const std::string& group) = 0;  // also where it is there already
  virtual Result<void> remove(const std::string& group) = 0;  // kNotFound
};

}  // namespace changevault
