// One message as the hub gives it.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "model/ids.h"

namespace changevault {

// A view; whoever hands it out says how long it lives.
struct HubEvent {
  PartitionId partition{};
  Sequence sequence{};
  std::string_view offset;   // as the hub names it, for the record
  Timestamp broker_time{};   // append time
  std::string_view payload;  // the bytes as published
};

}  // namespace changevault
