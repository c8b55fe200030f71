// Strong integers: a partition is not a slot is not a sequence number. Compare, print, increment; nothing
// else mixes.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace changevault {

template <typename Tag, typename Int = std::int64_t>
struct Strong {
  Int value{};
  constexpr Strong() = default;
  constexpr explicit Strong(Int v) : value(v) {}
  auto operator<=>(const Strong&) const = default;
  constexpr Strong next(Int by = 1) const { return Strong(value + by); }
  constexpr Strong previous(Int by = 1) const { return Strong(value - by); }
};

}  // namespace changevault

template <typename Tag, typename Int>
struct std::hash<changevault::Strong<Tag, Int>> {
  std::size_t operator()(const changevault::Strong<Tag, Int>& id) const noexcept {
    return std::hash<Int>()(id.value);
  }
};
