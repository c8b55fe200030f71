// Many processes of one vault at once: on the warehouse's file, which admits one at a time, and on the hub,
// whose partitions they share.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <signal.h>

#include "tests/e2e/vault.h"

namespace changevault::testing {
namespace {

class TogetherTest : public ::testing::Test {
 protected:
  void SetUp() override { vault_.expect(0, {"init"}); }

  std::string make_events(std::int64_t count, std::uint64_t seed) {
    return vault_.write_shop_events(count, seed);
  }

  Process start(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), program_path());
    ProcessOptions options = vault_.options();
    options.folder = vault_.folder();
    return Process::start(arguments, options);
  }

  static void expect_done(Process& process, const std::string& what) {
    const Outcome outcome = process.wait();
    EXPECT_EQ(outcome.exit_code, 0) << what << "\n" << outcome.out << "\n" << outcome.err;
  }

  void expect_each_event_once(std::int64_t count) {
    EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), count);
    EXPECT_EQ(vault_.number("SELECT count(DISTINCT event_id) FROM mongodb_changes"), count);
  }

  Vault vault_;
};

// They all want the same rows in; whoever is first inserts them, the others find them.
TEST_F(TogetherTest, TwoLoadsAndARecoveryInsertEachEventOnce) {
  vault_.options().environment["CHANGEVAULT_LOAD_BATCH_BYTES"] = "1MiB";  // many transactions that meet
  constexpr std::int64_t kEvents = 20'000;
  vault_.expect(0, {"publish", "--time-from", "cluster_time", make_events(kEvents, 1)});
  vault_.expect(0, {"archive", "--once", "--close"});
  std::vector<Process> all;
  all.push_back(start({"load", "--once"}));
  all.push_back(start({"recover", "*", "2025/01/15", "--yes"}));
  all.push_back(start({"load", "--once"}));
  all.push_back(start({"gaps", "--output", "json"}));
  all.push_back(start({"sql", "SELECT count(*) FROM mongodb_changes"}));
  expect_done(all[0], "load");
  expect_done(all[1], "recover");
  expect_done(all[2], "load");
  const int gaps = all[3].wait().exit_code;  // what it sees depends on when
  EXPECT_TRUE(gaps == 0 || gaps == 3) << gaps;
  expect_done(all[4], "sql");
  expect_each_event_once(kEvents);
  vault_.expect(0, {"gaps"});
  EXPECT_EQ(vault_.expect_json(0, {"recover", "*", "2025/01/15", "--yes"}).at("inserted"), 0);
}

TEST_F(TogetherTest, PublishersArchiversAndALoaderAtOnce) {
  constexpr std::int64_t kEvents = 4'000;
  constexpr int kPublishers = 3;
  vault_.options().environment["CHANGEVAULT_ARCHIVE_FLUSH_INTERVAL"] = "200ms";
  vault_.options().environment["CHANGEVAULT_LOAD_POLL_INTERVAL"] = "100ms";
  std::vector<std::string> files;
  for (int i = 0; i < kPublishers; ++i)
    files.push_back(make_events(kEvents, 10 + static_cast<std::uint64_t>(i)));
  Process first = start({"archive"});
  Process second = start({"archive"});
  Process load = start({"load"});
  std::vector<Process> publishers;
  for (const std::string& file : files) publishers.push_back(start({"publish", file}));
  for (Process& publisher : publishers) expect_done(publisher, "publish");
  // Whoever of the two dies, the other goes on with its partitions.
  first.kill(SIGKILL);
  EXPECT_EQ(first.wait().signal, SIGKILL);
  const std::string more = make_events(kEvents, 99);
  vault_.expect(0, {"publish", more});
  const std::int64_t archived = vault_.expect_json(0, {"archive", "--once"}).at("events");
  EXPECT_LE(archived, 4 * kEvents);
  EXPECT_FALSE(second.ended_within(milliseconds(0)));
  second.kill(SIGTERM);
  expect_done(second, "archive");
  load.kill(SIGTERM);
  expect_done(load, "load");
  vault_.expect(0, {"load", "--once"});
  expect_each_event_once(4 * kEvents);
  const json verified = vault_.expect_json(0, {"verify"});
  EXPECT_EQ(verified.at("records_checked"), 4 * kEvents);
}

// A paused archiver wakes when its partitions have gone to another one: it is fenced, and nothing is doubled.
TEST_F(TogetherTest, APausedArchiverIsFencedWhenItWakes) {
  constexpr std::int64_t kEvents = 2'000;
  vault_.options().environment["CHANGEVAULT_HUB_LEASE"] = "2s";
  vault_.options().environment["CHANGEVAULT_ARCHIVE_FLUSH_INTERVAL"] = "500ms";
  Process paused = start({"archive"});
  vault_.expect(0, {"publish", make_events(kEvents, 1)});
  // Its claims stand: then it holds the partitions.
  while (
      !std::filesystem::exists(vault_.folder() / "data/archive/changestreams/_ledger/p003/000000000000.json"))
    ASSERT_FALSE(paused.ended_within(milliseconds(20)));
  paused.kill(SIGSTOP);
  vault_.expect(0, {"publish", make_events(kEvents, 2)});
  vault_.expect(0, {"archive", "--once"});  // waits until the paused one's time is over
  paused.kill(SIGCONT);
  vault_.expect(0, {"publish", make_events(kEvents, 3)});
  vault_.expect(0, {"archive", "--once"});
  paused.kill(SIGTERM);
  expect_done(paused, "archive");
  vault_.expect(0, {"archive", "--once"});
  vault_.expect(0, {"load", "--once"});
  expect_each_event_once(3 * kEvents);
  const json verified = vault_.expect_json(0, {"verify"});
  EXPECT_EQ(verified.at("result"), "PASS");
  EXPECT_EQ(verified.at("records_checked"), 3 * kEvents);
}

}  // namespace
}  // namespace changevault::testing
