// How the memory that the warehouse may use is divided.
#pragma once

#include <algorithm>
#include <cstdint>
#include <thread>

#include "warehouse/warehouse.h"

namespace changevault {

// DuckDB bounds what its buffers hold. Besides that, each of its threads copies texts of a group of rows
// while it finds out how they compress: some 96 MiB, measured with events of 1.6 KB. So it is told of less
// than the setting, and of no more threads than the setting has room for.
struct DuckDbMemory {
  std::int64_t limit = 0;  // bytes, of its buffers
  std::int64_t threads = 0;

  static DuckDbMemory of(std::int64_t setting, std::int64_t cores) {
    constexpr std::int64_t kOfThread = std::int64_t{96} << 20;
    constexpr std::int64_t kOnTheirWay = std::int64_t{32} << 20;  // rows before DuckDB has them
    constexpr std::int64_t kForThread = std::int64_t{256} << 20;
    constexpr std::int64_t kLeast = std::int64_t{64}
                                    << 20;  // less is too little for a question to a large table
    const std::int64_t threads =
        std::clamp<std::int64_t>(setting / kForThread, 1, std::max<std::int64_t>(cores, 1));
    return {std::max({setting / 2, std::min(setting, kLeast), setting - threads * kOfThread - kOnTheirWay}),
            threads};
  }
};

inline DuckDbMemory memory_of(const WarehouseOptions& options) {
  return DuckDbMemory::of(options.memory_limit, std::thread::hardware_concurrency());
}

}  // namespace changevault
