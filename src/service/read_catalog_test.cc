#include "service/read_catalog.h"

#include <gtest/gtest.h>

#include "store/metered_store.h"
#include "tests/support/archive_fixture.h"

namespace changevault {
namespace {

using testing::ArchiveFixture;
using testing::at;
using testing::value;

constexpr int kHours = 60;

std::vector<std::string> keys(const Catalog& catalog, const Scope& scope) {
  std::vector<std::string> out;
  for (const ListedSegment* segment : catalog.select(scope)) out.push_back(segment->facts.key);
  return out;
}

// Archived hour by hour.
class ReadCatalog : public ::testing::Test {
 protected:
  void SetUp() override {
    archive_.clock.set(at(2 * kHours, 0));
    archive_.init();
    for (int hour = 0; hour < kHours; ++hour) {
      for (int i = 0; i < 6; ++i)
        archive_.hub.append(PartitionId(i % 2),
                            testing::event("shop", "c" + std::to_string(i % 3), 6 * hour + i, "insert"),
                            at(hour, 8 * i), false);
      ASSERT_OK(archive_.archive(ArchiveMode::kOnceAndClose));
    }
  }

  ArchiveFixture archive_;
};

TEST_F(ReadCatalog, OfAnHourReadsItsSlotsAlone) {
  Scope hour;
  hour.time = {at(21, 0), at(22, 0)};
  MeteredStore metered(archive_.store);
  const Catalog all = value(read_catalog(metered, archive_.layout));
  const std::int64_t bytes = metered.usage(StoreOperation::kGet).bytes;
  metered.reset();
  const Catalog one = value(read_catalog_of(metered, archive_.layout, hour));
  EXPECT_LT(metered.usage(StoreOperation::kGet).bytes * 8, bytes);
  EXPECT_GE(keys(one, hour).size(), 3U);
  EXPECT_EQ(keys(one, hour), keys(all, hour));
}

TEST_F(ReadCatalog, OfAScopeWithoutATimeIsAllOfIt) {
  Scope collection;
  collection.collection = "c1";
  const Catalog some = value(read_catalog_of(archive_.store, archive_.layout, collection));
  EXPECT_EQ(keys(some, {}), keys(archive_.catalog(), {}));
  EXPECT_FALSE(some.seals().empty());
}

// Only the whole says what a slot that cannot be read costs.
TEST_F(ReadCatalog, DamageInTheHourIsTold) {
  Scope hour;
  hour.time = {at(21, 0), at(22, 0)};
  const Slot slot = archive_.catalog().select(hour).front()->slot;
  const PartitionId partition = archive_.catalog().select(hour).front()->facts.partition;
  const std::string key = archive_.layout.partition_chain(partition) + KeyLayout::slot_name(slot);
  archive_.store.corrupt(key, "{}");
  const Catalog read = value(read_catalog_of(archive_.store, archive_.layout, hour));
  EXPECT_EQ(read.problems().size(), 1U);
  EXPECT_EQ(keys(read, hour), keys(archive_.catalog(), hour));
}

}  // namespace
}  // namespace changevault
