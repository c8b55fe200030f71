// How far time has passed for certain at the end of a partition, where no event says it (DESIGN §3).
#pragma once

#include <optional>

#include "base/time.h"
#include "hub/hub.h"

namespace changevault {

// The clocks as they stood before the fetch that found the end of the partition.
struct ClockReading {
  Timestamp ours{};
  std::optional<Timestamp> store;  // of the store's server, where it has a clock of its own
  HubClock hub;
};

// How much is kept back: an event that was stamped before the fetch may become visible after it.
constexpr Duration kIdleMargin = seconds(60);

// The time that the watermark may move to: the smallest of the clocks less the margin. nullopt: it must not
// move, as our clock and the store's differ by more than the margin, and one of them is wrong; or as the hub
// was never written to, and its clock stands at the beginning of time.
std::optional<Timestamp> idle_watermark(const ClockReading& clocks);

}  // namespace changevault
