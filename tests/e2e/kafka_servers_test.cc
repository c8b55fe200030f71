// Kafka as people set it up: logins and encryption, several brokers, transactions, compaction.
#include <atomic>
#include <cstring>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include "tests/e2e/vault.h"
#include "tests/support/kafka_broker.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/kafka_hubs.h"

namespace changevault::testing {
namespace {

std::string event(int number) {
  return R"({"_id":{"_data":"82)" + std::to_string(100'000 + number) +
         R"("},"operationType":"insert","ns":{"db":"shop","coll":"orders"},"documentKey":{"_id":)" +
         std::to_string(number) + R"(},"fullDocument":{"_id":)" + std::to_string(number) + "}}";
}

std::string lines(int from, int to) {
  std::string out;
  for (int i = from; i < to; ++i) out += event(i) + "\n";
  return out;
}

void expect_archived(Vault& vault, std::int64_t count) {
  vault.expect(0, {"load", "--once"});
  EXPECT_EQ(vault.number("SELECT count(*) FROM mongodb_changes"), count);
  EXPECT_EQ(vault.number("SELECT count(DISTINCT event_id) FROM mongodb_changes"), count);
  EXPECT_EQ(vault.expect_json(0, {"verify"}).at("result"), "PASS");
}

class KafkaLogin : public ::testing::Test {
 protected:
  static constexpr const char* kPassword =
      "Endpoint=sb://localhost/;SharedAccessKeyName=k;SharedAccessKey=s3cret=;UseDevelopmentEmulator=true";

  void SetUp() override {
    if (!KafkaBroker::available()) GTEST_SKIP() << KafkaBroker::why_not();
    topic_ = new_topic();
  }

  // Listens as Event Hubs does: the user is called "$ConnectionString", and that is the password.
  static KafkaBroker& broker() {
    static KafkaBroker broker({.sasl_ssl = true, .user = "$ConnectionString", .password = kPassword});
    return broker;
  }

  std::string port() const {
    const std::string address = broker().sasl_bootstrap();
    return address.substr(address.rfind(':') + 1);
  }

  void use(const std::string& url, const std::map<std::string, std::string>& options) {
    auto& environment = vault_.options().environment;
    environment["CHANGEVAULT_HUB_URL"] = url;
    environment["CONSUMER_GROUP"] = "group-of-" + topic_;
    environment["CHANGEVAULT_HUB_OPTIONS_SSL_CA_LOCATION"] = broker().ca_file();
    for (const auto& [name, text] : options) environment[name] = text;
  }

  void expect_works() {
    vault_.expect(0, {"init"});
    vault_.expect(0, {"publish", vault_.write("events.jsonl", lines(0, 200))});
    vault_.expect(0, {"archive", "--once"});
    expect_archived(vault_, 200);
    EXPECT_EQ(vault_.expect_json(0, {"groups", "describe", "group-of-" + topic_}).at("lag"), 0);
  }

  std::string topic_;
  Vault vault_;
};

TEST_F(KafkaLogin, PlainOverTlsWithASecretFile) {
  use("kafka://localhost:" + port() + "/" + topic_,
      {{"CHANGEVAULT_HUB_OPTIONS_SECURITY_PROTOCOL", "SASL_SSL"},
       {"CHANGEVAULT_HUB_OPTIONS_SASL_MECHANISM", "PLAIN"},
       {"CHANGEVAULT_HUB_SECRET_FILE",
        vault_.write("secret",
                     std::string("sasl.username=$ConnectionString\nsasl.password=") + kPassword + "\n")}});
  expect_works();
}

TEST_F(KafkaLogin, AnEventHubsConnectionString) {
  broker().create_topic(topic_, 2);
  use("eventhubs://localhost:" + port() + "/" + topic_,
      {{"EVENTHUBS_CONNECTION_STRING", kPassword},
       {"CHANGEVAULT_HUB_OPTIONS_SECURITY_PROTOCOL", "SASL_SSL"}});
  expect_works();
  // Nothing shows the secret.
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{"check"}, {"status"}, {"groups", "list"}}) {
    const Outcome outcome = vault_.run(arguments);
    EXPECT_EQ((outcome.out + outcome.err).find("s3cret"), std::string::npos) << arguments[0];
  }
}

TEST_F(KafkaLogin, AnEventHubThatIsNotThereIsMadeByAzureOnly) {
  use("eventhubs://localhost:" + port() + "/" + topic_,
      {{"EVENTHUBS_CONNECTION_STRING", kPassword},
       {"CHANGEVAULT_HUB_OPTIONS_SECURITY_PROTOCOL", "SASL_SSL"}});
  const Outcome refused = vault_.expect(2, {"init"});
  EXPECT_NE(refused.err.find("az eventhubs eventhub create"), std::string::npos) << refused.err;
}

TEST_F(KafkaLogin, OauthBearerWithATokenOfTheClient) {
  use("kafka://localhost:" + port() + "/" + topic_,
      {{"CHANGEVAULT_HUB_OPTIONS_SECURITY_PROTOCOL", "SASL_SSL"},
       {"CHANGEVAULT_HUB_OPTIONS_SASL_MECHANISM", "OAUTHBEARER"},
       {"CHANGEVAULT_HUB_OPTIONS_ENABLE_SASL_OAUTHBEARER_UNSECURE_JWT", "true"},
       {"CHANGEVAULT_HUB_OPTIONS_SASL_OAUTHBEARER_CONFIG", "principal=archiver"}});
  expect_works();
}

// As a chain of credentials gives them, for Event Hubs without a connection string.
class TokensOfATest final : public azure::TokenSource {
 public:
  Result<azure::AccessToken> token(const std::string& scope) override {
    ++asked;
    last_scope = scope;
    if (refuses) return Error(ErrorCode::kUnreachable, "no credential works here", {}, {}, true);
    return azure::AccessToken{KafkaBroker::token("alice", seconds(8)), system_clock().now() + seconds(8)};
  }
  std::atomic<int> asked{0};
  std::atomic<bool> refuses{false};
  std::string last_scope;
};

TEST_F(KafkaLogin, TokensOfTheCredentialChainAreTakenAndRenewed) {
  broker().create_topic(topic_, 1);
  TokensOfATest tokens;
  const auto settings = [&] {
    return value(
        kafka::make_settings({"eventhubs",
                              "//localhost:" + port() + "/" + topic_,
                              {{"ssl.ca.location", broker().ca_file()}, {"security.protocol", "SASL_SSL"}},
                              {}}));
  };
  const auto hub = value(
      kafka::KafkaHub::open({settings(), "tester:1", &tokens}, {"tester", std::nullopt}, system_clock()));
  EXPECT_EQ(tokens.last_scope, "https://localhost/.default");
  EXPECT_OK(value(hub->producer())->append({{"k", "v", std::nullopt}}));
  EXPECT_TRUE(value(hub->read(PartitionId(0), Sequence(0))));
  const int before = tokens.asked;
  const Duration begin = system_clock().steady();
  while (tokens.asked == before && system_clock().steady().ms < begin.ms + 20'000) value(hub->bounds());
  EXPECT_GT(tokens.asked, before) << "asked again before the first one ends";
  tokens.refuses = true;
  const auto refused =
      kafka::KafkaHub::open({settings(), "tester:1", &tokens}, {"tester", std::nullopt}, system_clock());
  EXPECT_ERROR(refused, ErrorCode::kUnreachable);
  EXPECT_NE(refused.error().message.find("no credential works here"), std::string::npos)
      << refused.error().message;
}

TEST_F(KafkaLogin, AWrongPasswordIsSaidAndNotTriedForEver) {
  use("kafka://localhost:" + port() + "/" + topic_,
      {{"CHANGEVAULT_HUB_OPTIONS_SECURITY_PROTOCOL", "SASL_SSL"},
       {"CHANGEVAULT_HUB_OPTIONS_SASL_MECHANISM", "PLAIN"},
       {"CHANGEVAULT_HUB_OPTIONS_SASL_USERNAME", "$ConnectionString"},
       {"CHANGEVAULT_HUB_OPTIONS_SASL_PASSWORD", "wrong"}});
  const Outcome refused = vault_.expect(6, {"init"});
  EXPECT_NE(refused.err.find("uthenticat"), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find("hub.secret_file"), std::string::npos) << refused.err;
  const Outcome argument = vault_.expect(2, {"init", "--set", "hub.options.sasl.password=geheim"});
  EXPECT_EQ(argument.err.find("geheim"), std::string::npos);
}

class KafkaLife : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!KafkaBroker::available()) GTEST_SKIP() << KafkaBroker::why_not();
    topic_ = new_topic();
  }

  void use(const std::string& bootstrap) {
    auto& environment = vault_.options().environment;
    environment["CHANGEVAULT_HUB_URL"] = "kafka://" + bootstrap + "/" + topic_;
    environment["CONSUMER_GROUP"] = "group-of-" + topic_;
    environment["CHANGEVAULT_HUB_OPTIONS_SESSION_TIMEOUT_MS"] = "6000";
    environment["CHANGEVAULT_ARCHIVE_FLUSH_INTERVAL"] = "500ms";
  }

  std::string topic_;
  Vault vault_;
};

// A producer of transactions, as connectors are.
class Transactions {
 public:
  Transactions(const std::string& bootstrap, std::string topic) : topic_(std::move(topic)) {
    char words[256];
    rd_kafka_conf_t* const conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap.c_str(), words, sizeof words);
    rd_kafka_conf_set(conf, "transactional.id", topic_.c_str(), words, sizeof words);
    handle_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, words, sizeof words);
    check(rd_kafka_init_transactions(handle_, 30'000));
  }
  ~Transactions() { rd_kafka_destroy(handle_); }
  Transactions(const Transactions&) = delete;
  Transactions& operator=(const Transactions&) = delete;

  void write(int from, int to, bool commit) {
    check(rd_kafka_begin_transaction(handle_));
    for (int i = from; i < to; ++i) {
      const std::string text = event(i);
      const auto failed =
          rd_kafka_producev(handle_, RD_KAFKA_V_TOPIC(topic_.c_str()), RD_KAFKA_V_PARTITION(0),
                            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                            RD_KAFKA_V_VALUE(const_cast<char*>(text.data()), text.size()), RD_KAFKA_V_END);
      if (failed != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(rd_kafka_err2str(failed));
    }
    rd_kafka_flush(handle_, 30'000);
    check(commit ? rd_kafka_commit_transaction(handle_, 30'000)
                 : rd_kafka_abort_transaction(handle_, 30'000));
  }

 private:
  static void check(rd_kafka_error_t* error) {
    if (error == nullptr) return;
    const std::string words = rd_kafka_error_string(error);
    rd_kafka_error_destroy(error);
    throw std::runtime_error(words);
  }
  const std::string topic_;
  rd_kafka_t* handle_ = nullptr;
};

// What was aborted was never an event; the numbers that it and the control records took are not missing.
TEST_F(KafkaLife, TransactionsThatWereAbortedLeaveNumbersWithoutEvents) {
  use(KafkaBroker::shared()->bootstrap());
  vault_.expect(0, {"init", "--set", "hub.partitions=1"});
  Transactions producer(KafkaBroker::shared()->bootstrap(), topic_);
  producer.write(0, 50, true);
  producer.write(50, 100, false);
  producer.write(100, 150, true);
  EXPECT_EQ(vault_.expect_json(0, {"archive", "--once"}).at("records"), 100);
  EXPECT_EQ(vault_.expect_json(0, {"archive", "--once"}).at("records"), 0);
  producer.write(150, 170, false);
  EXPECT_EQ(vault_.expect_json(0, {"archive", "--once"}).at("records"), 0);
  producer.write(170, 180, true);
  EXPECT_EQ(vault_.expect_json(0, {"archive", "--once"}).at("records"), 10);
  expect_archived(vault_, 110);
  EXPECT_EQ(vault_.expect_json(0, {"gaps", "--hub"}).at("hub").at("pending"), 0);
}

TEST_F(KafkaLife, ACompactedTopicIsArchivedAsItStandsAndAdvisedAgainst) {
  KafkaBroker& broker = *KafkaBroker::shared();
  broker.create_topic(topic_, 1,
                      {{"cleanup.policy", "compact"},
                       {"segment.ms", "100"},
                       {"min.cleanable.dirty.ratio", "0.01"},
                       {"min.compaction.lag.ms", "0"},
                       {"max.compaction.lag.ms", "200"}});
  use(broker.bootstrap());
  vault_.expect(0, {"init"});
  const Outcome advice = vault_.expect(0, {"check"});
  EXPECT_NE((advice.out + advice.err).find("compact"), std::string::npos) << advice.out;
  vault_.expect(0, {"publish", vault_.write("a.jsonl", lines(0, 100) + lines(0, 100))});
  const auto archived = vault_.expect_json(0, {"archive", "--once"}).at("records").get<std::int64_t>();
  EXPECT_GE(archived, 100);
  EXPECT_LE(archived, 200);
  EXPECT_EQ(vault_.expect_json(0, {"verify"}).at("result"), "PASS");
}

TEST_F(KafkaLife, T15WhatTheTopicDoesNotTakeGoesByTheStore) {
  KafkaBroker& broker = *KafkaBroker::shared();
  broker.create_topic(topic_, 2, {{"max.message.bytes", "50000"}});
  use(broker.bootstrap());
  vault_.expect(0, {"init"});
  std::string all = lines(0, 10);
  for (const int bytes : {30'000, 41'000, 49'000, 60'000, 3'000'000}) {
    std::string large = event(100 + bytes);
    large.insert(large.rfind("}}"),
                 ",\"text\":\"" + std::string(static_cast<std::size_t>(bytes), 'x') + "\"");
    all += large + "\n";
  }
  all += std::string(90'000, 'x') + "\n";  // no event, and it goes the same way
  const json published = vault_.expect_json(0, {"publish", vault_.write("events.jsonl", all)});
  EXPECT_EQ(published.at("events"), 16);
  EXPECT_GE(published.at("oversize"), 4);
  const json archived = vault_.expect_json(0, {"archive", "--once"});
  EXPECT_EQ(archived.at("records"), 15);
  EXPECT_EQ(archived.at("dead_letters"), 1);
  expect_archived(vault_, 15);
  EXPECT_EQ(vault_.number("SELECT max(length(full_document::VARCHAR)) FROM mongodb_changes") / 1'000'000, 3);
}

TEST_F(KafkaLife, OneBrokerOfThreeDiesAndComesBack) {
  KafkaCluster cluster;
  cluster.create_topic(topic_, 6);
  use(cluster.bootstrap());
  vault_.expect(0, {"init"});
  std::vector<std::string> argv{program_path(), "archive"};
  ProcessOptions options = vault_.options();
  options.folder = vault_.folder();
  Process archiver = Process::start(argv, options);
  constexpr int kEach = 500;
  for (int round = 0; round < 4; ++round) {
    if (round == 1 || round == 2) cluster.kill(round);
    vault_.expect(0, {"publish", vault_.write("events.jsonl", lines(round * kEach, (round + 1) * kEach))});
    if (round == 1 || round == 2) cluster.restart(round);
  }
  archiver.kill(SIGTERM);
  const Outcome outcome = archiver.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  vault_.expect(0, {"archive", "--once"});
  expect_archived(vault_, 4 * kEach);
}

}  // namespace
}  // namespace changevault::testing
