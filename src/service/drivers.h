// Which program parts exist, by URL scheme. Filled by src/app/main.cc alone; everything else sees interfaces.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "hub/hub.h"
#include "hub/management.h"
#include "service/configuration.h"
#include "store/object_store.h"
#include "warehouse/warehouse.h"

namespace changevault {

enum class OpenMode {
  kOpen,     // what is not there is kNotFound
  kCreate,   // made where it is missing, with its folder; opened where it is there
  kReplace,  // a hub, as kCreate, but only in a folder that exists; everything else as kOpen
};

// `place` is the URL behind its scheme.
struct OpenRequest {
  std::string place;
  OpenMode mode = OpenMode::kOpen;
  const Configuration& configuration;
  Clock& clock;
  Random& random;
  Duration patience;  // how long the warehouse may wait for somebody else who holds it
  // Told, in words, what a person should know while a part works (that it waits for somebody). May be empty.
  std::function<void(const std::string&)> notice = nullptr;
  bool beside =
      false;  // a store beside the configured one: what the environment sets for that one is not for it
};

template <typename Part>
using Driver = std::function<Result<std::unique_ptr<Part>>(const OpenRequest&)>;

struct Drivers {
  std::map<std::string, Driver<Hub>> hubs;
  std::map<std::string, Driver<GroupManagement>> managements;  // by the hub's scheme; few have one
  std::map<std::string, Driver<ObjectStore>> stores;
  std::map<std::string, Driver<Warehouse>> warehouses;
};

}  // namespace changevault
