// When an event happened, by its own word.
#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"
#include "codec/json_reader.h"

namespace changevault {

// Reads the clusterTime of change events. Not thread-safe.
class ClusterTimeReader {
 public:
  ClusterTimeReader();
  // The event's own clusterTime (not one inside its documents), in whole seconds; nullopt where it has none
  // that can be read.
  std::optional<Timestamp> read(std::string_view event);

 private:
  JsonReader reader_;
};

}  // namespace changevault
