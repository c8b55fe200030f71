#include "archive/idle_watermark.h"

#include <algorithm>
#include <cstdlib>

namespace changevault {

std::optional<Timestamp> idle_watermark(const ClockReading& clocks) {
  if (!clocks.hub.live && !clocks.hub.newest) return std::nullopt;
  Timestamp least = std::min(clocks.ours, clocks.hub.now);
  if (clocks.store) {
    if (std::llabs(clocks.ours.ms - clocks.store->ms) > kIdleMargin.ms) return std::nullopt;
    least = std::min(least, *clocks.store);
  }
  return least - kIdleMargin;
}

}  // namespace changevault
