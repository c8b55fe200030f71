// Consumer groups and other readers of the hub, through the real program.
#include <algorithm>
#include <functional>
#include <map>
#include <string>

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/e2e/vault.h"

namespace changevault::testing {
namespace {

constexpr int kEvents = 200;

class GroupsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    vault_.expect(0, {"init", "--set", "hub.lease=1s", "--set", "archive.flush_interval=100ms"});
    publish();
  }

  void publish() {
    std::string lines;
    for (int i = 0; i < kEvents; ++i) {
      const std::string id = std::to_string(published_++);
      lines += R"({"_id":{"_data":")" + id + R"("},"operationType":"insert","ns":{"db":"d","coll":"c"},)" +
               R"("documentKey":{"_id":)" + id + "}}\n";
    }
    vault_.expect(0, {"publish", vault_.write("events.jsonl", lines)});
  }

  static std::int64_t lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

  json describe(const std::string& group) { return vault_.expect_json(0, {"groups", "describe", group}); }

  Process start(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), program_path());
    ProcessOptions options = vault_.options();
    options.folder = vault_.folder();
    return Process::start(arguments, options);
  }

  // Asks until it is so.
  void wait_until(const std::string& what, const std::function<bool()>& holds) {
    const Duration deadline{system_clock().steady().ms + 30'000};
    while (!holds()) {
      ASSERT_LT(system_clock().steady(), deadline) << what;
    }
  }

  // Partitions that each member holds, by name; empty while any partition has no reader.
  std::map<std::string, std::size_t> shares(const std::string& group) {
    std::map<std::string, std::size_t> out;
    std::size_t all = 0;
    const json described = describe(group);
    for (const json& member : described.at("members")) {
      all += out[member.at("member")] = member.at("partitions").size();
    }
    return all == 4 ? out : std::map<std::string, std::size_t>{};
  }

  std::string name_of(const Process& process) {
    char host[256] = {};
    ::gethostname(host, sizeof host - 1);
    return std::string(host) + ":" + std::to_string(process.pid());
  }

  Vault vault_;
  int published_ = 0;
};

TEST_F(GroupsTest, AGroupIsMadeMovedDescribedAndDeleted) {
  vault_.expect_json(0, {"groups", "create", "late"});
  EXPECT_EQ(describe("late").at("lag"), 0) << "it begins at the end";
  const json made = vault_.expect_json(0, {"groups", "create", "analytics", "--from", "start"});
  EXPECT_EQ(made.at("created"), true);
  EXPECT_EQ(describe("analytics").at("lag"), kEvents);
  vault_.expect(2, {"groups", "create", "bad", "--from", "someday"});

  const json planned = vault_.expect_json(2, {"groups", "reset", "analytics", "--to", "end"});
  EXPECT_EQ(planned.at("reset"), false);
  EXPECT_EQ(describe("analytics").at("lag"), kEvents);
  const json moved = vault_.expect_json(0, {"groups", "reset", "analytics", "--to", "end", "--yes"});
  EXPECT_EQ(moved.at("reset"), true);
  EXPECT_EQ(moved.at("partitions").at(0).at("before"), 0);
  EXPECT_EQ(describe("analytics").at("lag"), 0);
  vault_.expect(0, {"groups", "reset", "analytics", "--to", "1", "--partition", "2", "--yes"});
  const json partitions = describe("analytics").at("partitions");
  EXPECT_EQ(partitions.at(2).at("position"), 1);
  EXPECT_EQ(partitions.at(3).at("lag"), 0);
  vault_.expect(2, {"groups", "reset", "analytics", "--to", "1", "--partition", "4", "--yes"});
  vault_.expect(0, {"groups", "reset", "analytics", "--to", "2020-01-01", "--yes"});
  EXPECT_EQ(describe("analytics").at("lag"), kEvents);

  EXPECT_EQ(vault_.expect_json(2, {"groups", "delete", "analytics"}).at("deleted"), false);
  EXPECT_EQ(vault_.expect_json(0, {"groups", "delete", "analytics", "--yes"}).at("deleted"), true);
  vault_.expect(2, {"groups", "delete", "$Default", "--yes"});
  const json groups = vault_.expect_json(0, {"groups", "list"}).at("groups");
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups.at(0).at("group"), "$Default");
  EXPECT_EQ(groups.at(1).at("group"), "late");
}

TEST_F(GroupsTest, TheArchivesGroupIsLeftAloneAlsoUnderAnotherConfiguration) {
  vault_.expect(0, {"archive", "--once"});
  for (const std::string setting : {"hub.group=snowflake-pipeline", "hub.group=other"}) {
    const Outcome reset = vault_.expect(
        2, {"groups", "reset", "snowflake-pipeline", "--to", "start", "--yes", "--set", setting});
    EXPECT_NE(reset.err.find("belongs to the archive"), std::string::npos) << reset.err;
    EXPECT_NE(reset.err.find("hint: "), std::string::npos) << reset.err;
    vault_.expect(2, {"groups", "delete", "snowflake-pipeline", "--yes", "--set", setting});
    vault_.expect(2, {"consume", "--group", "snowflake-pipeline", "--set", setting});
  }
}

TEST_F(GroupsTest, EventsComeAsTheyAreOnceForEachGroupAndFromWhereItIsSaid) {
  EXPECT_EQ(lines(vault_.expect(0, {"consume", "--group", "g", "--max", "50"}).out), 50);
  EXPECT_EQ(lines(vault_.expect(0, {"consume", "--group", "g"}).out), kEvents - 50);
  EXPECT_EQ(vault_.expect(0, {"consume", "--group", "g"}).out, "");
  EXPECT_EQ(lines(vault_.expect(0, {"consume", "--group", "g", "--from", "start"}).out), kEvents);
  EXPECT_EQ(vault_.expect(0, {"consume", "--group", "g", "--from", "end"}).out, "");
  EXPECT_EQ(lines(vault_.expect(0, {"consume", "--group", "g", "--from", "2020-01-01"}).out), kEvents);
  const json partitions = describe("g").at("partitions");
  const auto in_third = partitions.at(3).at("next").get<std::int64_t>();
  EXPECT_EQ(lines(vault_.expect(0, {"consume", "--from", "start", "--partition", "3"}).out), in_third);
  EXPECT_EQ(lines(vault_.expect(0, {"consume", "--from", "2", "--partition", "3"}).out), in_third - 2);
  vault_.expect(2, {"consume", "--partition", "4"});
}

TEST_F(GroupsTest, AReaderThatIsAskedToStopCommitsWhatItPrinted) {
  Process reader = start({"consume", "--group", "g", "--follow", "--quiet"});
  wait_until("the reader prints", [&] { return lines(reader.out_so_far()) == kEvents; });
  reader.kill(SIGINT);
  const Outcome outcome = reader.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(lines(outcome.out), kEvents);
  EXPECT_EQ(describe("g").at("lag"), 0);
  EXPECT_TRUE(describe("g").at("members").empty());
}

TEST_F(GroupsTest, AReaderThatIsKilledRepeatsButSkipsNothing) {
  std::string all;
  for (int round = 0; round < 5; ++round) {
    Process reader = start({"consume", "--group", "g", "--follow", "--quiet"});
    wait_until("the reader prints", [&] { return lines(reader.out_so_far()) > 0; });
    reader.kill(SIGKILL);
    all += reader.wait().out;
    publish();
  }
  all += vault_.expect(0, {"consume", "--group", "g"}).out;
  for (int i = 0; i < published_; ++i) {
    ASSERT_NE(all.find(R"({"_id":{"_data":")" + std::to_string(i) + "\"}"), std::string::npos) << i;
  }
}

TEST_F(GroupsTest, ReadersOfOneGroupShareAndAGroupInUseIsNotMoved) {
  vault_.expect(0, {"groups", "create", "g"});
  Process first = start({"consume", "--group", "g", "--follow"});
  Process second = start({"consume", "--group", "g", "--follow"});
  wait_until("both have a share", [&] {
    const auto now = shares("g");
    return now.contains(name_of(first)) && now.contains(name_of(second)) && now.at(name_of(first)) == 2 &&
           now.at(name_of(second)) == 2;
  });
  const Outcome busy = vault_.run({"groups", "reset", "g", "--to", "start", "--yes"});
  EXPECT_EQ(busy.exit_code, 6) << busy.err;
  EXPECT_NE(busy.err.find(name_of(first)), std::string::npos) << busy.err;
  EXPECT_EQ(vault_.run({"consume", "--group", "g", "--from", "start"}).exit_code, 6);
  EXPECT_EQ(vault_.run({"groups", "delete", "g", "--yes"}).exit_code, 6);
  second.kill(SIGKILL);
  second.wait();
  wait_until("the other has all", [&] { return shares("g")[name_of(first)] == 4; });
  first.kill(SIGSTOP);
  Process third = start({"consume", "--group", "g", "--follow"});
  wait_until("the newcomer has all", [&] { return shares("g")[name_of(third)] == 4; });
  first.kill(SIGCONT);
  wait_until("both share again", [&] { return shares("g")[name_of(first)] == 2; });
  for (Process* reader : {&first, &third}) {
    reader->kill(SIGTERM);
    EXPECT_EQ(reader->wait().exit_code, 0);
  }
}

TEST_F(GroupsTest, InitAddsPartitionsAndRefusesFewer) {
  const Outcome raised = vault_.expect(0, {"init", "--set", "hub.partitions=6"});
  EXPECT_NE(raised.err.find("2 partitions added"), std::string::npos) << raised.err;
  EXPECT_EQ(describe("$Default").at("partitions").size(), 6U);
  const Outcome lowered = vault_.expect(2, {"init", "--set", "hub.partitions=4"});
  EXPECT_NE(lowered.err.find("partitions = 6"), std::string::npos) << lowered.err;
}

TEST_F(GroupsTest, InitChangesNothingOfAHubThatAnotherArchiveBelongsTo) {
  vault_.expect(0, {"archive", "--once"});
  const Outcome refused =
      vault_.expect(2, {"init", "--set", "hub.partitions=6", "--set", "store.root=another"});
  EXPECT_NE(refused.err.find("belongs to the archive"), std::string::npos) << refused.err;
  vault_.expect(2, {"init", "--set", "hub.partitions=6", "--set", "hub.group=another"});
  EXPECT_EQ(describe("$Default").at("partitions").size(), 4U);
  vault_.expect(0, {"init", "--set", "hub.partitions=6"});
}

// Each of two archives in one group would get a part of the events.
TEST_F(GroupsTest, AGroupWorksForOneArchiveUntilItIsDeleted) {
  const std::vector<std::string> second = {"--set", "store.root=second"};
  const auto with = [&](std::vector<std::string> words) {
    words.insert(words.end(), second.begin(), second.end());
    return words;
  };
  vault_.expect(0, with({"init"}));  // nobody has archived yet
  vault_.expect(0, {"archive", "--once"});
  for (const char* verb : {"archive", "run"}) {
    const Outcome refused = vault_.expect(2, with({verb}));
    EXPECT_NE(refused.err.find("changestreams ("), std::string::npos) << refused.err;
    EXPECT_NE(refused.err.find("second ("), std::string::npos) << refused.err;
    EXPECT_NE(refused.err.find("groups delete 'snowflake-pipeline'"), std::string::npos) << refused.err;
  }
  const json described = describe("snowflake-pipeline");
  EXPECT_NE(described.at("archive").get<std::string>().find("changestreams"), std::string::npos);
  EXPECT_TRUE(describe("$Default").at("archive").is_null());
  // Its own archive keeps it, the other one may have it where the first is gone for good.
  vault_.expect(2, {"groups", "delete", "snowflake-pipeline", "--yes"});
  vault_.expect(0, with({"groups", "delete", "snowflake-pipeline", "--yes"}));
  vault_.expect(0, with({"archive", "--once"}));
  vault_.expect(2, {"archive", "--once"});
}

TEST_F(GroupsTest, OldEventsGoByTheConfiguredRetentionAndTheOvertakenAreToldWhatToDo) {
  vault_.expect(0, {"consume", "--group", "g", "--max", "1"});
  vault_.options().environment["CHANGEVAULT_HUB_RETENTION_BYTES"] = "2000";
  publish();
  std::int64_t kept = 0;
  const json described = describe("g");
  EXPECT_GT(described.at("gone"), 0);
  std::int64_t gone = 0;
  for (const json& partition : described.at("partitions")) gone += partition.at("gone").get<std::int64_t>();
  EXPECT_EQ(described.at("gone"), gone);
  EXPECT_NE(vault_.expect(0, {"groups", "describe", "g"}).out.find("of them are gone"), std::string::npos);
  for (const json& partition : described.at("partitions"))
    kept += partition.at("next").get<std::int64_t>() - partition.at("first").get<std::int64_t>();
  EXPECT_LT(kept, 30);
  const Outcome overtaken = vault_.run({"consume", "--group", "g"});
  EXPECT_NE(overtaken.exit_code, 0);
  EXPECT_NE(overtaken.err.find("the oldest is"), std::string::npos) << overtaken.err;
  EXPECT_NE(overtaken.err.find("--group g --from start"), std::string::npos) << overtaken.err;
  EXPECT_EQ(lines(vault_.expect(0, {"consume", "--group", "g", "--from", "start"}).out), kept);
}

}  // namespace
}  // namespace changevault::testing
