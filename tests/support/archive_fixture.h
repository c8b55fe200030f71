// An archive in memory with everything around it, for tests of what writes and reads it.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "archive/archiver.h"
#include "archive/catalog.h"
#include "archive/verify.h"
#include "base/manual_clock.h"
#include "hub/memory/memory_hub.h"
#include "store/memory/memory_store.h"
#include "tests/support/expect.h"

namespace changevault::testing {

// The same numbers in the same order for every run.
class CountingRandom final : public Random {
 public:
  std::uint64_t next() override { return ++count_ * 0x9e3779b97f4a7c15ULL; }

 private:
  std::atomic<std::uint64_t> count_{0};
};

inline constexpr Timestamp kDay{1'736'899'200'000};  // 2025-01-15T00:00:00Z
inline Timestamp at(int hour, int minute, int second = 0) {
  return kDay + hours(hour) + minutes(minute) + seconds(second);
}

// A change event of its own: `number` makes its token and its document.
inline std::string event(const std::string& database, const std::string& collection, int number,
                         const std::string& operation = "insert") {
  return R"({"_id":{"_data":"8267)" + std::to_string(100000 + number) + R"("},"operationType":")" +
         operation + R"(","clusterTime":{"$timestamp":{"t":1736899200,"i":)" + std::to_string(number) +
         R"(}},"ns":{"db":")" + database + R"(","coll":")" + collection + R"("},"documentKey":{"_id":)" +
         std::to_string(number) + R"(},"fullDocument":{"_id":)" + std::to_string(number) +
         R"(,"text":"some text"}})";
}

struct ArchiveFixture {
  ManualClock clock{at(23, 59)};
  CountingRandom random;
  MemoryHub hub{2, clock};
  MemoryStore store{clock};
  KeyLayout layout{"changestreams"};
  ArchiverOptions options = [] {
    ArchiverOptions o;
    o.group = "pipeline";
    o.owner = "test:1";
    return o;
  }();

  Archiver::Parts parts() { return {hub, store, layout, clock, random}; }
  Archiver::Parts parts_with(ObjectStore& other) { return {hub, other, layout, clock, random}; }

  void init() { ASSERT_OK(init_archive(parts(), options)); }
  Result<ArchiveTotals> archive(ArchiveMode mode = ArchiveMode::kOnce) {
    return Archiver(parts(), options).run(mode, {});
  }
  Result<ArchiveTotals> archive_with(ObjectStore& other, ArchiveMode mode = ArchiveMode::kOnce) {
    return Archiver(parts_with(other), options).run(mode, {});
  }
  Catalog catalog() { return value(Catalog::read(store, layout)); }
  VerifyReport verify(const Scope& scope = {}) {
    return value(verify_archive(store, layout, scope, nullptr, {}));
  }

  std::vector<std::string> keys(const std::string& prefix = {}) {
    std::vector<std::string> found;
    EXPECT_OK(for_each_object(store, prefix, [&](const ObjectInfo& info) -> Result<void> {
      found.push_back(info.key);
      return {};
    }));
    return found;
  }
};

}  // namespace changevault::testing
