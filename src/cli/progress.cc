#include "cli/progress.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/text.h"

namespace changevault {

std::string Progress::rate(std::int64_t n, std::string_view noun) const {
  const std::int64_t ms = std::max<std::int64_t>(1, elapsed().ms);
  const auto per_second =
      static_cast<std::int64_t>(static_cast<double>(n) * 1000.0 / static_cast<double>(ms));
  return counted(n, noun) + ", " + with_thousands(per_second) + "/s";
}

std::string Progress::remaining(std::int64_t done, std::int64_t all) const {
  if (all <= 0 || done <= 0) return {};
  const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(all));
  const auto left = static_cast<std::int64_t>(static_cast<double>(elapsed().ms) * (1.0 - part) / part);
  return fmt::format(" · {:.0f} % · {} left", part * 100, human_duration({left}));
}

}  // namespace changevault
