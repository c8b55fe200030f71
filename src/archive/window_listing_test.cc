#include "archive/window_listing.h"

#include <gtest/gtest.h>

#include "store/metered_store.h"
#include "tests/support/archive_fixture.h"

namespace changevault {
namespace {

using testing::ArchiveFixture;
using testing::at;
using testing::value;

constexpr int kHours = 60;
constexpr int kOpenHour = kHours - 2;  // from here on nothing is sealed

// An hour of 8 events in two partitions, three collections; every second hour is archived and sealed with the
// one before it. Hour 30 had no events.
class WindowListingTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    archive_ = new ArchiveFixture();
    archive_->clock.set(at(2 * kHours, 0));
    archive_->init();
    for (int hour = 0; hour < kHours; ++hour) {
      for (int i = 0; i < 8 && hour != 30; ++i) {
        archive_->hub.append(
            PartitionId(i % 2),
            testing::event("shop", "c" + std::to_string(i % 3), 8 * hour + i, i == 7 ? "delete" : "insert"),
            at(hour, 7 * i), false);
      }
      if (hour % 2 == 1)
        ASSERT_OK(archive_->archive(hour < kOpenHour ? ArchiveMode::kOnceAndClose : ArchiveMode::kOnce));
    }
  }
  static void TearDownTestSuite() {
    delete archive_;
    archive_ = nullptr;
  }

  static Scope hours_from(int from, int to) {
    Scope scope;
    scope.time = {at(from, 0), at(to, 0)};
    return scope;
  }
  static void expect_same(const Scope& scope) {
    const Catalog catalog = archive_->catalog();
    const auto window = value(list_window(archive_->store, archive_->layout, scope));
    const std::vector<const ListedSegment*> all = catalog.select(scope);
    ASSERT_EQ(window.has_value(), !all.empty()) << to_string(scope);
    if (!window) return;
    ASSERT_EQ(window->size(), all.size()) << to_string(scope);
    for (std::size_t i = 0; i < all.size(); ++i) {
      EXPECT_EQ((*window)[i].facts, all[i]->facts);
      EXPECT_EQ((*window)[i].slot, all[i]->slot);
      EXPECT_EQ((*window)[i].listed_at, all[i]->listed_at);
    }
  }
  static bool has_window(const Scope& scope) {
    return value(list_window(archive_->store, archive_->layout, scope)).has_value();
  }

  static ArchiveFixture* archive_;
};

ArchiveFixture* WindowListingTest::archive_ = nullptr;

TEST_F(WindowListingTest, ListsWhatTheCatalogLists) {
  for (int from = -2; from < kHours + 2; from += 7) {
    for (const int length : {1, 2, 3, 20, 2 * kHours}) expect_same(hours_from(from, from + length));
  }
  for (const int hour : {0, 1, 29, 30, 31, kOpenHour - 1, kOpenHour, kHours - 1})
    expect_same(hours_from(hour, hour + 1));
  Scope scope = hours_from(20, 30);
  scope.operations = {"delete"};
  expect_same(scope);
  scope.collection = "c1";
  expect_same(scope);
  scope = hours_from(0, kHours);
  scope.hours_of_day = {3, 4};
  scope.collection = "c[02]";
  expect_same(scope);
  scope.time.to = Timestamp{INT64_MAX};
  expect_same(scope);
  scope.time = {Timestamp{INT64_MIN}, at(5, 30)};
  expect_same(scope);
  scope = hours_from(3, 4);
  scope.time = {at(3, 20), at(3, 22)};
  expect_same(scope);
  EXPECT_FALSE(has_window({}));
}

TEST_F(WindowListingTest, AnHourCostsFewRequests) {
  MeteredStore metered(archive_->store);
  ASSERT_TRUE(value(list_window(metered, archive_->layout, hours_from(21, 22))));
  const std::int64_t requests = metered.requests();
  const std::int64_t bytes = metered.usage(StoreOperation::kGet).bytes;
  metered.reset();
  value(Catalog::read(metered, archive_->layout));
  EXPECT_LT(requests, 45);  // most of them ask where the chain of seals ends
  EXPECT_LT(requests * 3, metered.requests());
  EXPECT_LT(bytes * 8, metered.usage(StoreOperation::kGet).bytes);
}

TEST_F(WindowListingTest, DamageInsideIsForTheCatalogToTell) {
  const std::vector<std::string> slots = archive_->keys("changestreams/_ledger/");
  const Scope scope = hours_from(21, 22);
  const std::size_t expected = archive_->catalog().select(scope).size();
  int inside = 0;
  for (const std::string& key : slots) {
    const std::string good = value(archive_->store.get(key));
    std::string bad = good;
    bad[bad.size() / 2] ^= 1;
    archive_->store.corrupt(key, bad);
    // Either it is not on the way, or the answer is left to the catalog.
    const auto window = value(list_window(archive_->store, archive_->layout, scope));
    archive_->store.corrupt(key, good);
    if (!window) {
      ++inside;
    } else {
      EXPECT_EQ(window->size(), expected) << key;
    }
  }
  EXPECT_GE(inside, 3);  // a seal, and a slot of each partition
  EXPECT_LT(static_cast<std::size_t>(inside), slots.size() / 3);
}

}  // namespace
}  // namespace changevault
