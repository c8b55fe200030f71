// The hub on its worst days, through the real program: it forgot too much, it is gone, the warehouse is
// broken.
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <signal.h>

#include "tests/e2e/vault.h"

namespace changevault::testing {
namespace {

namespace fs = std::filesystem;

class HubLife : public ::testing::Test {
 protected:
  void SetUp() override { vault_.expect(0, {"init", "--set", "hub.partitions=1"}); }

  // Events of one hour each, with times of their own, from the hour `first` of 2025-01-15 on.
  std::string events(int first, int count) {
    std::string out;
    for (int i = first; i < first + count; ++i) {
      out += R"({"_id":{"_data":"82)" + std::to_string(100'000 + i) +
             R"("},"operationType":"insert","clusterTime":{"$timestamp":{"t":)" +
             std::to_string(kDay + i * 3600) +
             R"(,"i":1}},"ns":{"db":"shop","coll":"orders"},"documentKey":{"_id":)" + std::to_string(i) +
             R"(},"fullDocument":{"_id":)" + std::to_string(i) + R"(,"text":")" + std::string(5000, 'x') +
             "\"}}\n";
    }
    return vault_.write("events.jsonl", out);
  }
  void publish(int first, int count) {
    vault_.expect(0, {"publish", "--time-from", "cluster_time", events(first, count)});
  }
  static constexpr int kDay = 1'736'899'200;
  Vault vault_;
};

TEST_F(HubLife, WhatItForgotIsLostByTheOperatorsWordOnly) {
  publish(0, 3);
  vault_.expect(0, {"archive", "--once"});
  publish(3, 8);
  vault_.options().environment["CHANGEVAULT_HUB_RETENTION_BYTES"] = "12KB";
  publish(11, 1);  // whoever appends next deletes what is too much
  const Outcome refused = vault_.expect(4, {"archive", "--once"});
  EXPECT_NE(refused.err.find("--accept-loss"), std::string::npos) << refused.err;
  EXPECT_NE(vault_.expect(0, {"status"}).out.find("--accept-loss"), std::string::npos);
  const std::int64_t lost =
      vault_.expect_json(0, {"archive", "--once", "--close", "--accept-loss"}).at("lost");
  EXPECT_GT(lost, 0);
  vault_.expect(0, {"load", "--once"});
  const json gaps = vault_.expect_json(3, {"gaps"});
  EXPECT_EQ(gaps.at("summary").at("LOST"), lost + 2)
      << gaps.dump();  // the hours at both ends are touched, too
  EXPECT_EQ(vault_.expect_json(0, {"status"}).at("gaps").at("gaps"), lost + 2);
  EXPECT_EQ(vault_.expect_json(0, {"verify"}).at("result"), "PASS");
  vault_.expect(0, {"ack", "shop", "orders", "2025/01/15", "--reason", "the hub forgot it", "--yes"});
  vault_.expect(0, {"gaps"});
}

TEST_F(HubLife, T18_AnotherOneTakesThePlaceOfOneThatIsGone) {
  publish(0, 3);
  vault_.expect(0, {"archive", "--once", "--close"});
  for (const auto& file : fs::directory_iterator(vault_.folder() / "data")) {
    if (file.path().filename().string().starts_with("hub.db")) fs::remove(file.path());
  }
  for (const char* verb : {"archive", "init"}) {
    const Outcome refused = vault_.expect(2, {verb});
    EXPECT_NE(refused.err.find("--new-epoch"), std::string::npos) << refused.err;
  }
  // A hub is made only where a person has said so, and in no folder that is mistyped.
  const Outcome unasked = vault_.expect(2, {"archive", "--once", "--new-epoch"});
  EXPECT_NE(unasked.err.find("--new-epoch --yes"), std::string::npos) << unasked.err;
  EXPECT_NE(unasked.err.find("data/hub.db"), std::string::npos) << unasked.err;
  vault_.expect(2, {"archive", "--once", "--new-epoch", "--yes", "--set", "hub.url=sqlite:dota/hub.db"});
  vault_.expect(2, {"archive", "--once", "--new-epoch", "--yes", "--set", "store.root=mistyped"});
  EXPECT_FALSE(fs::exists(vault_.folder() / "data/hub.db"));
  EXPECT_FALSE(fs::exists(vault_.folder() / "dota"));
  vault_.expect(0, {"archive", "--once", "--new-epoch", "--yes", "--set", "hub.partitions=1"});
  publish(3, 2);
  vault_.expect(0, {"archive", "--once", "--close"});
  vault_.expect(0, {"load", "--once"});
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), 5);
  // What the first hub still held when it went nobody knows: from its last watermark on the hours are LOST.
  const json gaps = vault_.expect_json(3, {"gaps"});
  EXPECT_EQ(gaps.at("summary").at("LOST"), 2) << gaps.dump();
  EXPECT_EQ(gaps.at("summary").at("OK"), 3) << gaps.dump();
  const Outcome words = vault_.expect(3, {"gaps"});
  EXPECT_NE(words.out.find("an unknown number of events lost by the hub"), std::string::npos) << words.out;
  EXPECT_EQ(vault_.expect_json(0, {"verify"}).at("records_checked"), 5);
  vault_.expect(2, {"archive", "--once", "--new-epoch"});
  vault_.expect(0, {"ack", "shop", "orders", "2025/01/15", "--reason", "nobody was writing", "--yes"});
  vault_.expect(0, {"gaps"});
}

// What the hub may delete soon must reach the archive, whatever the warehouse does.
TEST_F(HubLife, ABrokenWarehouseDoesNotStopTheArchive) {
  publish(0, 3);
  std::ofstream(vault_.folder() / "data/warehouse.duckdb", std::ios::binary) << "this is no database";
  vault_.options().environment["CHANGEVAULT_ARCHIVE_FLUSH_INTERVAL"] = "50ms";
  ProcessOptions options = vault_.options();
  options.folder = vault_.folder();
  Process run = Process::start({program_path(), "run"}, options);
  const fs::path commit = vault_.folder() / "data/archive/changestreams/_ledger/p000/000000000001.json";
  while (!fs::exists(commit)) ASSERT_FALSE(run.ended_within(milliseconds(20))) << run.err_so_far();
  run.kill(SIGTERM);
  const Outcome outcome = run.wait();
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_NE(outcome.err.find("archiving goes on"), std::string::npos) << outcome.err;
}

// A warehouse that is not there is no reason to stop either, at the start or in the middle; once it is made
// again, all of the archive is loaded into it.
TEST_F(HubLife, AWarehouseThatIsGoneIsLoadedOnceItIsBack) {
  const fs::path file = vault_.folder() / "data/warehouse.duckdb";
  const fs::path ledger = vault_.folder() / "data/archive/changestreams/_ledger/p000";
  const auto slots = [&] { return std::distance(fs::directory_iterator(ledger), fs::directory_iterator()); };
  publish(0, 3);
  fs::remove(file);
  vault_.options().environment["CHANGEVAULT_ARCHIVE_FLUSH_INTERVAL"] = "50ms";
  vault_.options().environment["CHANGEVAULT_LOAD_POLL_INTERVAL"] = "50ms";
  ProcessOptions options = vault_.options();
  options.folder = vault_.folder();
  Process run = Process::start({program_path(), "run"}, options);
  const auto wait_for = [&](const std::function<bool()>& holds) {
    while (!holds()) ASSERT_FALSE(run.ended_within(milliseconds(20))) << run.err_so_far();
  };
  const auto rows = [&]() -> std::int64_t {
    const Outcome outcome =
        vault_.run({"sql", "SELECT count(*) AS n FROM mongodb_changes", "--output", "json"});
    if (outcome.exit_code != 0) return -1;
    return json::parse(outcome.out).at("rows").at(0).at(0).get<std::int64_t>();
  };
  wait_for([&] { return run.err_so_far().find("archiving goes on") != std::string::npos; });
  wait_for([&] { return fs::exists(ledger / "000000000001.json"); });
  vault_.expect(0, {"init"});
  wait_for([&] { return rows() == 3; });
  fs::remove(file);
  const auto before = slots();
  publish(3, 2);
  wait_for([&] { return slots() > before; });
  vault_.expect(0, {"init"});
  wait_for([&] { return rows() == 5; });
  run.kill(SIGTERM);
  EXPECT_EQ(run.wait().exit_code, 0);
}

}  // namespace
}  // namespace changevault::testing
