#include "warehouse/duckdb/duckdb_memory.h"

#include <gtest/gtest.h>

namespace changevault {
namespace {

constexpr std::int64_t kMiB = std::int64_t{1} << 20;

TEST(DuckDbMemory, LeavesRoomForEachThread) {
  EXPECT_EQ(DuckDbMemory::of(2048 * kMiB, 2).threads, 2);
  EXPECT_EQ(DuckDbMemory::of(2048 * kMiB, 2).limit, 1824 * kMiB);
  EXPECT_EQ(DuckDbMemory::of(2048 * kMiB, 64).threads, 8);
  EXPECT_EQ(DuckDbMemory::of(2048 * kMiB, 64).limit, 1248 * kMiB);
  EXPECT_EQ(DuckDbMemory::of(256 * kMiB, 2).threads, 1);
  EXPECT_EQ(DuckDbMemory::of(256 * kMiB, 2).limit, 128 * kMiB);
}

TEST(DuckDbMemory, NeverTooLittleNorMoreThanIsThere) {
  EXPECT_EQ(DuckDbMemory::of(64 * kMiB, 8).limit, 64 * kMiB);
  EXPECT_EQ(DuckDbMemory::of(128 * kMiB, 8).limit, 64 * kMiB);
  EXPECT_EQ(DuckDbMemory::of(1 * kMiB, 0).limit, 1 * kMiB);
  EXPECT_EQ(DuckDbMemory::of(1 * kMiB, 0).threads, 1);
}

}  // namespace
}  // namespace changevault
