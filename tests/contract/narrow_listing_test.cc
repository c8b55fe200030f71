// T24: of a large archive, only what a scope asks for is listed.
#include <gtest/gtest.h>

#include "archive/file_listing.h"
#include "net/curl_client.h"
#include "service/archive_files.h"
#include "store/azure/azure_store.h"
#include "tests/support/blob_imposter.h"
#include "tests/support/expect.h"

namespace changevault {
namespace {

using testing::value;

Timestamp at(int year, int month, int day, int hour) {
  return *from_date(year, month, day) + hours(hour);
}

// 100,000 files that another program wrote: 20 collections of 2 databases, 50 days, 24 hours and some more of
// each.
class NarrowListing : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    service_ = new testing::BlobImposter();
    service_->make_container("lake");
    int files = 0;
    for (int collection = 0; collection < 20; ++collection) {
      for (int day = 0; day < 50; ++day) {
        const std::string folder = "changestreams/db" + std::to_string(collection % 2) + "/c" +
                                   std::to_string(collection) + "/" +
                                   date_path(hour_of(at(2026, 1, 1, 24 * day))) + "/";
        for (int n = 0; n < 100; ++n, ++files) {
          const std::string digits = std::to_string(100 + n % 24).substr(1);
          service_->put("lake", folder + digits + "-part-" + std::to_string(n) + ".jsonl.gz", "x");
        }
      }
    }
    ASSERT_EQ(files, 100'000);
  }
  static void TearDownTestSuite() { delete service_; }

  NarrowListing() {
    azure::BlobPlace place;
    place.account = "acct";
    place.endpoint = service_->endpoint();
    place.container = "lake";
    store_ = std::make_unique<AzureStore>(place, http_, nullptr, system_clock(), system_random());
    service_->server().forget_requests();
  }
  std::size_t files_of(const Scope& scope) {
    std::size_t files = 0;
    EXPECT_OK(for_each_named_file(*store_, KeyLayout("changestreams"), scope,
                                  [&](const ObjectInfo&, const SegmentName&) -> Result<void> {
                                    ++files;
                                    return {};
                                  }));
    return files;
  }
  std::size_t requests() const { return service_->server().requests().size(); }

  static testing::BlobImposter* service_;
  CurlClient http_;
  std::unique_ptr<AzureStore> store_;
};
testing::BlobImposter* NarrowListing::service_ = nullptr;

TEST_F(NarrowListing, T24_OneHourOfAMillionIsOneRequest) {
  Scope scope;
  scope.database = "db1";
  scope.collection = "c7";
  scope.time = {at(2026, 1, 15, 3), at(2026, 1, 15, 4)};
  EXPECT_EQ(files_of(scope), 5U);
  EXPECT_EQ(requests(), 1U);
}

TEST_F(NarrowListing, ThreeHoursOfSomeDays) {
  Scope scope;
  scope.database = "db1";
  scope.collection = "c7";
  scope.time = {at(2026, 1, 10, 0), at(2026, 1, 13, 0)};
  scope.hours_of_day = {{10, 12}};
  EXPECT_EQ(files_of(scope), 3U * 3 * 4);
  EXPECT_EQ(requests(), 9U);
}

TEST_F(NarrowListing, ADayOfADatabase) {
  Scope scope;
  scope.database = "db0";
  scope.time = {at(2026, 1, 10, 0), at(2026, 1, 11, 0)};
  EXPECT_EQ(files_of(scope), 10U * 100);
  EXPECT_EQ(requests(), 1U + 10) << "the collections, then a day of each";
}

TEST_F(NarrowListing, AnHourOfEverything) {
  Scope scope;
  scope.time = {at(2026, 1, 10, 7), at(2026, 1, 10, 8)};
  EXPECT_EQ(files_of(scope), 20U * 4);
  EXPECT_EQ(requests(), 1U + 2 + 20);
}

TEST_F(NarrowListing, ACollectionWithoutATime) {
  Scope scope;
  scope.database = "db1";
  scope.collection = "c7";
  EXPECT_EQ(files_of(scope), 5'000U);
  EXPECT_EQ(requests(), 1U);
}

TEST_F(NarrowListing, AGlobOfNames) {
  Scope scope;
  scope.database = "db?";
  scope.collection = "c1*";
  scope.time = {at(2026, 1, 10, 7), at(2026, 1, 10, 8)};
  EXPECT_EQ(files_of(scope), 11U * 4);
}

TEST_F(NarrowListing, AllOfItIsListedInPages) {
  EXPECT_EQ(files_of({}), 100'000U);
  EXPECT_EQ(requests(), 20U);
}

// That an archive has no ledger takes the same few questions whatever its size, and its files of an hour come
// by the narrow way.
TEST_F(NarrowListing, TheVerbsTakeThatWay) {
  Scope scope;
  scope.database = "db1";
  scope.collection = "c7";
  scope.time = {at(2026, 1, 15, 3), at(2026, 1, 15, 4)};
  const ArchivedFiles found = value(archived_files(*store_, KeyLayout("changestreams"), scope));
  EXPECT_FALSE(found.by_ledger);
  EXPECT_EQ(found.files.size(), 5U);
  EXPECT_LE(requests(), 10U);
  for (const testing::ImposterRequest& request : service_->server().requests()) {
    EXPECT_NE(request.parameter("prefix"), "changestreams/");
  }
}

}  // namespace
}  // namespace changevault
