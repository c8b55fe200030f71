// How one process uses the embedded hub.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/time.h"

namespace changevault {

// What producers keep. Zero: everything.
struct SqliteRetention {
  Duration age = {};       // events older than this go
  std::int64_t bytes = 0;  // payload bytes of the whole hub, at most
  bool keeps_all() const { return age.ms == 0 && bytes == 0; }
};

struct SqliteHubOptions {
  std::string member = "unnamed";  // what the members made here are called: "host:pid"
  bool make_folder = true;         // of create(): a folder that is not there is made
  Duration lease = seconds(10);    // how long a member may be silent before others take its partitions
  SqliteRetention retention = {};
  // Told in words, once for each wait that becomes long, that another process holds the file. May be empty.
  std::function<void(const std::string&)> on_wait = nullptr;
};

}  // namespace changevault
