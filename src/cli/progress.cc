#include "cli/progress.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/text.h"

namespace changevault {
namespace {

constexpr std::size_t kBarCells = 20;

std::int64_t per_second(std::int64_t n, Duration elapsed) {
  const auto ms = static_cast<double>(std::max<std::int64_t>(1, elapsed.ms));
  return static_cast<std::int64_t>(static_cast<double>(n) * 1000.0 / ms);
}

double part_of(std::int64_t done, std::int64_t all) {
  return std::clamp(static_cast<double>(done) / static_cast<double>(all), 0.0, 1.0);
}

}  // namespace

std::string Progress::rate(std::int64_t n, std::string_view noun) const {
  return counted(n, noun) + ", " + with_thousands(per_second(n, elapsed())) + "/s";
}

std::string Progress::byte_rate(std::int64_t bytes) const {
  return human_bytes(bytes) + ", " + human_bytes(per_second(bytes, elapsed())) + "/s";
}

std::string Progress::remaining(std::int64_t done, std::int64_t all) const {
  if (all <= 0 || done <= 0) return {};
  const double part = part_of(done, all);
  const auto left = static_cast<std::int64_t>(static_cast<double>(elapsed().ms) * (1.0 - part) / part);
  const std::string picture = out_.shows_progress() ? " " + bar(done, all, kBarCells) : " ·";
  return fmt::format("{} {:.0f} % · {} left", picture, part * 100, human_duration({left}));
}

std::string bar(std::int64_t done, std::int64_t all, std::size_t cells) {
  const double part = all <= 0 ? 0.0 : part_of(done, all);
  const auto full = static_cast<std::size_t>(part * static_cast<double>(cells));
  return "[" + std::string(full, '#') + std::string(cells - full, '-') + "]";
}

}  // namespace changevault
