// The third side of gaps, and how late readers are, through the real program.
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "tests/e2e/vault.h"

namespace changevault::testing {
namespace {

namespace fs = std::filesystem;

class GapsHub : public ::testing::Test {
 protected:
  void SetUp() override { vault_.expect(0, {"init", "--set", "hub.partitions=1"}); }

  // Events one hour apart, with times of their own, from the hour `first` of 2025-01-15 on.
  void publish(int first, int count) {
    std::string out;
    for (int i = first; i < first + count; ++i) {
      const std::string id = std::to_string(100'000 + i);
      out += R"({"_id":{"_data":"82)" + id +
             R"("},"operationType":"insert","clusterTime":{"$timestamp":{"t":)" +
             std::to_string(1'736'899'200 + i * 3600) +
             R"(,"i":1}},"ns":{"db":"shop","coll":"orders"},"documentKey":{"_id":)" + id +
             R"(},"fullDocument":{"text":")" + std::string(5000, 'x') + "\"}}\n";
    }
    vault_.expect(0, {"publish", "--time-from", "cluster_time", vault_.write("events.jsonl", out)});
  }
  void follow() {
    vault_.expect(0, {"archive", "--once", "--close"});
    vault_.expect(0, {"load", "--once"});
  }
  // Whoever appends next deletes what is too much.
  void keep_little() { vault_.options().environment["CHANGEVAULT_HUB_RETENTION_BYTES"] = "12KB"; }
  void remove_hub() {
    for (const auto& file : fs::directory_iterator(vault_.folder() / "data"))
      if (file.path().filename().string().starts_with("hub.db")) fs::remove(file.path());
  }
  json hub(int exit_code) { return vault_.expect_json(exit_code, {"gaps", "--hub"}).at("hub"); }

  Vault vault_;
};

TEST_F(GapsHub, WhatWaitsIsNoGapAndHasAnAge) {
  publish(0, 3);
  follow();
  EXPECT_NE(vault_.expect(0, {"gaps", "--hub"}).out.find("all events of the hub are archived"),
            std::string::npos);
  publish(3, 4);
  const json found = hub(0);
  EXPECT_EQ(found.at("identity_matches"), true);
  EXPECT_EQ(found.at("pending"), 4);
  EXPECT_EQ(found.at("lost"), 0);
  const json partition = found.at("partitions").at(0);
  EXPECT_EQ(partition.at("state"), "PENDING");
  EXPECT_EQ(partition.at("first"), 0);
  EXPECT_EQ(partition.at("next"), 7);
  EXPECT_EQ(partition.at("archived"), 3);
  EXPECT_EQ(partition.at("oldest_pending_time"), "2025-01-15T03:00:00.000Z");
  EXPECT_EQ(partition.at("oldest_pending_seconds"), 3 * 3600) << "by the hub's clock: its newest event";
  const Outcome words = vault_.expect(0, {"gaps", "shop", "orders", "2025/01/15", "1", "--hub"});
  EXPECT_NE(words.out.find("4 events wait in the hub, for 3 h at the longest"), std::string::npos)
      << words.out;
  EXPECT_NE(words.out.find("no gaps"), std::string::npos) << words.out;
}

TEST_F(GapsHub, BeforeAnythingIsArchivedTheHubIsShownAllTheSame) {
  publish(0, 3);
  const json document = vault_.expect_json(5, {"gaps", "--hub"});
  EXPECT_EQ(document.at("hub").at("pending"), 3);
  EXPECT_EQ(document.at("hub").at("partitions").at(0).at("state"), "UNCLAIMED");
  EXPECT_TRUE(document.at("hub").at("partitions").at(0).at("archived").is_null());
  EXPECT_FALSE(document.contains("cells"));
  EXPECT_NE(vault_.expect(5, {"gaps", "--hub"}).out.find("UNCLAIMED"), std::string::npos);
}

TEST_F(GapsHub, WhatRetentionTookBeforeItWasArchivedIsAGap) {
  publish(0, 3);
  follow();
  publish(3, 8);
  keep_little();
  publish(11, 1);
  vault_.expect(0, {"gaps"});  // archive and warehouse agree
  const json lost = hub(3);
  EXPECT_GT(lost.at("lost"), 0);
  EXPECT_EQ(lost.at("partitions").at(0).at("state"), "LOST");
  EXPECT_EQ(lost.at("lost").get<int>() + lost.at("pending").get<int>(), 9);
  EXPECT_NE(vault_.expect(3, {"gaps", "--hub"}).out.find("--accept-loss"), std::string::npos);
  vault_.expect(0, {"archive", "--once", "--close", "--accept-loss"});
  vault_.expect(0, {"load", "--once"});
  vault_.expect(0, {"ack", "shop", "orders", "2025/01/15", "--reason", "the hub forgot it", "--yes"});
  const json recorded = hub(0);
  EXPECT_EQ(recorded.at("lost"), 0);
  EXPECT_EQ(recorded.at("recorded_lost"), lost.at("lost"));
  EXPECT_EQ(recorded.at("recorded_lost_ranges"), 1);
}

TEST_F(GapsHub, AnotherHubInItsPlaceIsSaidClearly) {
  publish(0, 3);
  follow();
  remove_hub();
  // It is gone: all but the hub is shown.
  const Outcome gone = vault_.expect(6, {"gaps", "--hub"});
  EXPECT_NE(gone.out.find("no gaps"), std::string::npos) << gone.out;
  EXPECT_NE(gone.err.find("--new-epoch"), std::string::npos) << gone.err;
  const json unknown = vault_.expect_json(6, {"gaps", "--hub"});
  EXPECT_EQ(unknown.at("summary").at("OK"), 3);
  EXPECT_TRUE(unknown.at("hub").contains("error"));
  vault_.expect(0, {"gaps"});

  vault_.expect(0, {"init", "--set", "hub.partitions=1", "--set", "store.root=other"});
  publish(0, 1);
  const json replaced = hub(3);
  EXPECT_EQ(replaced.at("identity_matches"), false);
  EXPECT_FALSE(replaced.at("replaced").is_null());
  EXPECT_TRUE(replaced.at("partitions").at(0).at("pending").is_null());
  const Outcome words = vault_.expect(3, {"gaps", "--hub"});
  EXPECT_NE(words.out.find("belongs to another hub"), std::string::npos) << words.out;
  EXPECT_NE(words.out.find("--new-epoch"), std::string::npos) << words.out;
}

TEST_F(GapsHub, AHubThatCannotBeReadIsSix) {
  publish(0, 3);
  follow();
  remove_hub();
  vault_.write("data/hub.db", "this is no database");
  vault_.expect(0, {"gaps"});
  const Outcome refused = vault_.expect(6, {"gaps", "--hub"});
  EXPECT_NE(refused.err.find("is no hub"), std::string::npos) << refused.err;
  EXPECT_NE(refused.out.find("no gaps"), std::string::npos) << refused.out;
}

TEST_F(GapsHub, AGroupIsBehindInTimeAsWell) {
  publish(0, 3);
  vault_.expect(0, {"groups", "create", "late", "--from", "start"});
  const auto lag = [&](const std::string& group) {
    return vault_.expect_json(0, {"groups", "describe", group}).at("partitions").at(0).at("lag_seconds");
  };
  EXPECT_EQ(lag("late"), 2 * 3600);
  const std::string words = vault_.expect(0, {"groups", "describe", "late"}).out;
  EXPECT_NE(words.find("TIME BEHIND"), std::string::npos) << words;
  EXPECT_NE(words.find("2 h"), std::string::npos) << words;
  vault_.expect(0, {"groups", "reset", "late", "--to", "end", "--yes"});
  EXPECT_EQ(lag("late"), 0);
  vault_.expect(0, {"groups", "reset", "late", "--to", "start", "--yes"});
  keep_little();
  publish(3, 5);
  EXPECT_TRUE(lag("late").is_null()) << "what comes next is gone";
}

}  // namespace
}  // namespace changevault::testing
