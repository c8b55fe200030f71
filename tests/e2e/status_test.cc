// What `status` says, and what it has to read for that.
#include <gtest/gtest.h>

#include "tests/e2e/vault.h"

namespace changevault::testing {
namespace {

namespace fs = std::filesystem;

std::string event(int n, int hour) {
  return R"({"_id":{"_data":"82)" + std::to_string(1000 + 100 * hour + n) +
         R"("},"operationType":"insert","clusterTime":{"$timestamp":{"t":)" +
         std::to_string(1736899200 + hour * 3600 + n) +
         R"(,"i":1}},"ns":{"db":"shop","coll":"orders"},"documentKey":{"_id":)" + std::to_string(n) + "}}\n";
}

class StatusTest : public ::testing::Test {
 protected:
  static constexpr int kHours = 4;
  static constexpr int kEvents = 10;  // of each hour

  // An hour at a time, so that each has commits of its own.
  void SetUp() override {
    vault_.expect(0, {"init", "--set", "hub.partitions=1"});
    for (int hour = 0; hour < kHours; ++hour) {
      std::string lines;
      for (int n = 0; n < kEvents; ++n) lines += event(n, hour);
      const std::string file = vault_.write("hour-" + std::to_string(hour) + ".jsonl", lines);
      vault_.expect(0, {"publish", "--time-from", "cluster_time", file});
      vault_.expect(0, {"archive", "--once"});
    }
    vault_.expect(0, {"archive", "--once", "--close"});
  }

  Vault vault_;
};

TEST_F(StatusTest, CountsComeFromSealsAndWhatFollowsThem) {
  vault_.write("last.jsonl", event(1, kHours));
  vault_.expect(0, {"publish", "--time-from", "cluster_time", vault_.folder() / "last.jsonl"});
  vault_.expect(0, {"archive", "--once"});  // not sealed
  json status = vault_.expect_json(0, {"status"});
  const json listed = vault_.expect_json(0, {"ls"});
  EXPECT_EQ(status["archive"]["records"], kHours * kEvents + 1);
  EXPECT_EQ(status["archive"]["segments"], listed["total"]["segments"]);
  EXPECT_EQ(status["archive"]["first_hour"], "2025-01-15T00:00:00Z");
  EXPECT_EQ(status["archive"]["last_hour"], "2025-01-15T04:00:00Z");
  EXPECT_EQ(status["archive"]["sealed_to"], "2025-01-15T04:00:00Z");
  EXPECT_EQ(status["partitions"][0]["position"], kHours * kEvents + 1);
  EXPECT_EQ(status["partitions"][0]["lag"], 0);
  EXPECT_EQ(status["warehouse"]["segments_waiting"], listed["total"]["segments"]);
  vault_.expect(0, {"load", "--once"});
  status = vault_.expect_json(0, {"status"});
  EXPECT_EQ(status["warehouse"]["segments_waiting"], 0);
  EXPECT_EQ(status["warehouse"]["segments_loaded"], listed["total"]["segments"]);
  EXPECT_TRUE(status["warehouse"]["last_load"]["segment"].is_string());
  EXPECT_TRUE(status["warehouse"]["last_recovery"].is_null());
  EXPECT_EQ(status["attention"].size(), 0U) << status["attention"].dump();
}

// A commit whose hours are sealed is none of its business: it is read by verify, not by status.
TEST_F(StatusTest, CommitsOfSealedHoursAreNotRead) {
  vault_.expect(0, {"load", "--once"});
  vault_.expect(0, {"status"});
  const fs::path chain = vault_.folder() / "data/archive/changestreams/_ledger/p000";
  const fs::path old = chain / "000000000001.json";
  ASSERT_TRUE(fs::exists(old));
  fs::permissions(old, fs::perms::owner_all);
  std::ofstream(old, std::ios::binary | std::ios::trunc) << "damaged";
  const json status = vault_.expect_json(0, {"status"});
  EXPECT_EQ(status["archive"]["records"], kHours * kEvents);
  EXPECT_EQ(status["gaps"]["gaps"], 0);
  vault_.expect(4, {"verify"});
}

TEST_F(StatusTest, WhatNeedsAttentionStandsFirst) {
  const Outcome waiting = vault_.expect(0, {"status"});
  EXPECT_TRUE(
      waiting.out.starts_with("attention  archived segments wait to be loaded; load them with: "
                              "changevault load"))
      << waiting.out;
  vault_.expect(0, {"load", "--once"});
  EXPECT_TRUE(vault_.expect(0, {"status"}).out.starts_with("nothing needs attention\n"));
  vault_.expect(0, {"sql", "DELETE FROM mongodb_changes"});
  const Outcome gaps = vault_.expect(0, {"status"});
  EXPECT_TRUE(gaps.out.starts_with("attention  4 gaps since 2025-01-15; see them with: changevault gaps"))
      << gaps.out;
}

}  // namespace
}  // namespace changevault::testing
