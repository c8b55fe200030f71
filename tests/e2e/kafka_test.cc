// A vault whose hub is a real Kafka: through the real binary, beside other clients of the same topic.
#include <algorithm>
#include <list>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/e2e/vault.h"
#include "tests/support/kafka_broker.h"
#include "tests/support/kafka_hubs.h"

namespace changevault::testing {
namespace {

class KafkaEndToEnd : public ::testing::Test {
 protected:
  void SetUp() override {
    broker_ = KafkaBroker::shared();
    if (broker_ == nullptr) GTEST_SKIP() << KafkaBroker::why_not();
    topic_ = new_topic();
    auto& environment = vault_.options().environment;
    environment["CHANGEVAULT_HUB_URL"] = "kafka://" + broker_->bootstrap() + "/" + topic_;
    environment["CONSUMER_GROUP"] = group_ = "archive-of-" + topic_;
    environment["CHANGEVAULT_HUB_OPTIONS_SESSION_TIMEOUT_MS"] = "6000";
    environment["CHANGEVAULT_ARCHIVE_FLUSH_INTERVAL"] = "1s";
  }

  std::string events(std::int64_t count, std::uint64_t seed) { return vault_.write_shop_events(count, seed); }

  Process start(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), program_path());
    ProcessOptions options = vault_.options();
    options.folder = vault_.folder();
    return Process::start(arguments, options);
  }

  void expect_archived(std::int64_t count) {
    vault_.expect(0, {"load", "--once"});
    EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), count);
    EXPECT_EQ(vault_.number("SELECT count(DISTINCT event_id) FROM mongodb_changes"), count);
    EXPECT_EQ(vault_.expect_json(0, {"verify"}).at("result"), "PASS");
  }

  Outcome tool(const std::string& name, const std::vector<std::string>& arguments) {
    Outcome outcome = broker_->run_tool(name, arguments);
    EXPECT_EQ(outcome.exit_code, 0) << name << "\n" << outcome.out << outcome.err;
    return outcome;
  }

  void delete_topic() { tool("org.apache.kafka.tools.TopicCommand", {"--delete", "--topic", topic_}); }

  KafkaBroker* broker_ = nullptr;
  std::string topic_;
  std::string group_;
  Vault vault_;
};

TEST_F(KafkaEndToEnd, FromTheTopicToTheWarehouseBesideOtherReaders) {
  vault_.expect(0, {"init"});
  vault_.expect(0, {"check"});
  const std::string file = events(3'000, 1);
  EXPECT_EQ(vault_.expect_json(0, {"publish", file}).at("events"), 3'000);
  EXPECT_EQ(vault_.expect_json(0, {"archive", "--once"}).at("records"), 3'000);
  EXPECT_EQ(vault_.expect_json(0, {"archive", "--once"}).at("records"), 0);
  expect_archived(3'000);

  // Others read the topic with groups of their own, now as before.
  const Outcome consumed = vault_.expect(0, {"consume", "--group", "analytics-" + topic_, "--from", "start"});
  EXPECT_EQ(std::count(consumed.out.begin(), consumed.out.end(), '\n'), 3'000);
  const Outcome kcat =
      run({"kcat", "-C", "-e", "-q", "-b", broker_->bootstrap(), "-o", "beginning", "-t", topic_});
  EXPECT_EQ(std::count(kcat.out.begin(), kcat.out.end(), '\n'), 3'000) << kcat.err;
  const Outcome console = tool("org.apache.kafka.tools.consumer.ConsoleConsumer",
                               {"--topic", topic_, "--group", "console-" + topic_, "--from-beginning",
                                "--max-messages", "3000", "--timeout-ms", "30000"});
  EXPECT_EQ(std::count(console.out.begin(), console.out.end(), '\n'), 3'000);

  const json listed = vault_.expect_json(0, {"groups", "list"});
  std::map<std::string, std::int64_t> lag;
  for (const json& group : listed.at("groups")) lag[group.at("group")] = group.at("lag");
  EXPECT_EQ(lag.at(group_), 0);
  EXPECT_EQ(lag.at("analytics-" + topic_), 0);
  EXPECT_TRUE(lag.contains("console-" + topic_));
  EXPECT_EQ(vault_.expect_json(0, {"gaps", "--hub"}).at("hub").at("pending"), 0);
}

TEST_F(KafkaEndToEnd, T17GroupOffsetsThatVanishChangeNothing) {
  vault_.expect(0, {"init"});
  vault_.expect(0, {"publish", events(500, 1)});
  vault_.expect(0, {"archive", "--once"});
  tool("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", {"--delete", "--group", group_});
  vault_.expect(0, {"publish", events(500, 2)});
  EXPECT_EQ(vault_.expect_json(0, {"archive", "--once"}).at("records"), 500);
  expect_archived(1'000);
  const json group = vault_.expect_json(0, {"groups", "describe", group_});
  EXPECT_EQ(group.at("lag"), 0);  // there again, as a hint
}

TEST_F(KafkaEndToEnd, T18ATopicThatIsMadeAgainIsNotTheOneThatWasArchived) {
  vault_.expect(0, {"init"});
  vault_.expect(0, {"publish", events(500, 1)});
  vault_.expect(0, {"archive", "--once"});
  delete_topic();
  broker_->create_topic(topic_, 4);
  vault_.expect(0, {"publish", events(900, 2)});
  const Outcome refused = vault_.expect(4, {"archive", "--once"});
  EXPECT_NE(refused.err.find("--new-epoch"), std::string::npos) << refused.err;
  EXPECT_EQ(vault_.expect_json(3, {"gaps", "--hub"}).at("hub").at("identity_matches"), false);
  EXPECT_EQ(vault_.expect_json(0, {"archive", "--once", "--new-epoch"}).at("records"), 900);
  expect_archived(1'400);
}

// Its positions fit those of the old one: nothing but its id tells.
TEST_F(KafkaEndToEnd, T18ATopicThatIsMadeAgainUnderARunningArchiver) {
  vault_.expect(0, {"init"});
  vault_.expect(0, {"publish", events(500, 1)});
  vault_.options().environment["CHANGEVAULT_HUB_OPTIONS_TOPIC_METADATA_REFRESH_INTERVAL_MS"] = "500";
  Process archiver = start({"archive"});
  vault_.expect(0, {"publish", events(500, 2)});
  const auto archived = [&] {
    const json listed = json::parse(vault_.run({"ls", "--output", "json"}).out, nullptr, false);
    return !listed.is_discarded() && listed.at("total").at("records") == 1'000;
  };
  while (!archived() && !archiver.ended_within(milliseconds(100))) continue;
  delete_topic();
  broker_->create_topic(topic_, 4);
  vault_.expect(0, {"publish", events(3'000, 3)});
  const Outcome outcome = archiver.wait();
  EXPECT_EQ(outcome.exit_code, 4) << outcome.err;
  EXPECT_EQ(vault_.expect_json(0, {"ls"}).at("total").at("records"), 1'000);
  EXPECT_EQ(vault_.expect_json(0, {"archive", "--once", "--new-epoch"}).at("records"), 3'000);
  expect_archived(4'000);
}

TEST_F(KafkaEndToEnd, RetentionThatOvertakesAStoppedArchiverIsALoss) {
  vault_.expect(0, {"init", "--set", "hub.partitions=1"});
  vault_.expect(0, {"publish", events(300, 1)});
  vault_.expect(0, {"archive", "--once"});
  vault_.expect(0, {"publish", events(300, 2)});
  const std::string offsets = vault_.write("delete.json", R"({"version":1,"partitions":[{"topic":")" +
                                                              topic_ + R"(","partition":0,"offset":450}]})");
  tool("org.apache.kafka.tools.DeleteRecordsCommand", {"--offset-json-file", offsets});
  const Outcome refused = vault_.expect(4, {"archive", "--once"});
  EXPECT_NE(refused.err.find("--accept-loss"), std::string::npos) << refused.err;
  EXPECT_EQ(vault_.expect_json(3, {"gaps", "--hub"}).at("hub").at("lost"), 150);
  EXPECT_EQ(vault_.expect_json(0, {"archive", "--once", "--accept-loss"}).at("records"), 150);
  expect_archived(450);
}

TEST_F(KafkaEndToEnd, ATopicThatIsNotThereAndBrokersThatAreNotAreSaidWithWhatToDo) {
  vault_.write("changevault.toml", "");
  const Outcome missing = vault_.expect(2, {"publish", events(1, 1)});
  EXPECT_NE(missing.err.find("changevault init"), std::string::npos) << missing.err;
  vault_.options().environment["CHANGEVAULT_HUB_URL"] = "kafka://127.0.0.1:1/topic";
  const Outcome away = vault_.expect(6, {"check"});
  EXPECT_NE((away.out + away.err).find("Connection refused"), std::string::npos) << away.out << away.err;
  vault_.options().environment["CHANGEVAULT_HUB_OPTIONS_NO_SUCH_THING"] = "1";
  const Outcome unknown = vault_.expect(2, {"groups", "list"});
  EXPECT_NE(unknown.err.find("no.such.thing"), std::string::npos) << unknown.err;
}

// Many archivers of one group come and go while events flow: killed, stopped, and put to sleep for longer
// than the group waits for them.
TEST_F(KafkaEndToEnd, ArchiversThatComeAndGoShareThePartitions) {
  constexpr int kRounds = 6;
  constexpr std::int64_t kEach = 2'000;
  vault_.expect(0, {"init", "--set", "hub.partitions=8"});
  std::list<Process> archivers;
  for (int i = 0; i < 3; ++i) archivers.push_back(start({"archive"}));
  for (int round = 0; round < kRounds; ++round) {
    vault_.expect(0, {"publish", events(kEach, static_cast<std::uint64_t>(round) + 1)});
    Process& victim = archivers.front();
    if (round % 3 == 2) {
      victim.kill(SIGSTOP);
      EXPECT_FALSE(victim.ended_within(seconds(8)));  // longer than the session
      victim.kill(SIGCONT);
      archivers.splice(archivers.end(), archivers, archivers.begin());
    } else {
      victim.kill(round % 2 == 0 ? SIGKILL : SIGTERM);
      victim.wait();
      archivers.pop_front();
      archivers.push_back(start({"archive"}));
    }
  }
  for (Process& archiver : archivers) archiver.kill(SIGTERM);
  for (Process& archiver : archivers) {
    const Outcome outcome = archiver.wait();
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  }
  vault_.expect(0, {"archive", "--once"});
  expect_archived(kRounds * kEach);
}

}  // namespace
}  // namespace changevault::testing
