#include "tests/support/kafka_broker.h"

#include <stdexcept>

#include <gtest/gtest.h>

#include "tests/support/kafka_cluster.h"

namespace changevault::testing {
namespace {

constexpr const char* kTopicCommand = "org.apache.kafka.tools.TopicCommand";

Outcome kcat(std::vector<std::string> arguments, const std::string& input = {}) {
  arguments.insert(arguments.begin(), {"kcat", "-q", "-m", "20"});
  ProcessOptions options;
  options.input = input;
  options.deadline = minutes(1);
  return run(arguments, options);
}

void produce(const std::string& bootstrap, const std::string& topic, const std::string& lines) {
  const Outcome done = kcat({"-b", bootstrap, "-P", "-t", topic, "-X", "acks=all"}, lines);
  EXPECT_EQ(done.exit_code, 0) << done.err;
}

// Everything that is there, a line each.
std::string consume(const std::string& bootstrap, const std::string& topic,
                    const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments{"-b", bootstrap, "-C", "-t", topic, "-o", "beginning", "-e"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const Outcome done = kcat(arguments);
  EXPECT_EQ(done.exit_code, 0) << done.err;
  return done.out;
}

class KafkaBrokerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!KafkaBroker::available()) GTEST_SKIP() << KafkaBroker::why_not();
    try {
      kcat({"-V"});
    } catch (const std::runtime_error& error) {
      GTEST_SKIP() << error.what() << " (scripts/setup test)";
    }
  }
};

TEST_F(KafkaBrokerTest, WhatOneClientWritesAnotherReads) {
  KafkaBroker* const broker = KafkaBroker::shared();
  broker->create_topic("events", 2, {{"retention.ms", "3600000"}});
  produce(broker->bootstrap(), "events", "one\ntwo\n");
  EXPECT_EQ(consume(broker->bootstrap(), "events").size(), 8u);
  const Outcome described = broker->run_tool(kTopicCommand, {"--describe", "--topic", "events"});
  EXPECT_EQ(described.exit_code, 0) << described.err;
  EXPECT_NE(described.out.find("PartitionCount: 2"), std::string::npos) << described.out;
  EXPECT_NE(described.out.find("retention.ms=3600000"), std::string::npos) << described.out;
}

TEST_F(KafkaBrokerTest, NoTopicIsMadeByItself) {
  KafkaBroker* const broker = KafkaBroker::shared();
  const std::vector<std::string> produce{
      "-b", broker->bootstrap(), "-P", "-t", "mistyped", "-X", "topic.metadata.propagation.max.ms=100"};
  EXPECT_NE(kcat(produce, "one\n").exit_code, 0);
  EXPECT_THROW(broker->create_topic("no/topic", 1), std::runtime_error);
}

TEST_F(KafkaBrokerTest, DataOutlivesAPauseAndAKill) {
  KafkaBroker broker;
  const std::string bootstrap = broker.bootstrap();
  broker.create_topic("events", 1);
  produce(bootstrap, "events", "one\n");

  broker.pause();
  EXPECT_NE(kcat({"-b", bootstrap, "-L", "-m", "1"}).exit_code, 0);
  broker.resume();
  EXPECT_EQ(kcat({"-b", bootstrap, "-L"}).exit_code, 0);

  broker.kill();
  EXPECT_NE(kcat({"-b", bootstrap, "-L", "-m", "1"}).exit_code, 0);
  broker.restart();
  EXPECT_EQ(broker.bootstrap(), bootstrap);
  produce(bootstrap, "events", "two\n");
  EXPECT_EQ(consume(bootstrap, "events"), "one\ntwo\n");
}

TEST_F(KafkaBrokerTest, ABrokerThatDoesNotStartSaysWhy) {
  try {
    KafkaBroker({.properties = {{"num.io.threads", "0"}}});
    FAIL() << "it started";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("num.io.threads"), std::string::npos) << error.what();
  }
}

TEST_F(KafkaBrokerTest, SaslSslTakesPasswordsAndTokens) {
  KafkaBroker broker({.sasl_ssl = true});
  broker.create_topic("events", 1);
  produce(broker.bootstrap(), "events", "one\n");
  const std::vector<std::string> tls{"-X", "security.protocol=SASL_SSL", "-X",
                                     "ssl.ca.location=" + broker.ca_file()};
  auto plain = tls;
  plain.insert(plain.end(), {"-X", "sasl.mechanisms=PLAIN", "-X", "sasl.username=" + broker.options().user,
                             "-X", "sasl.password=" + broker.options().password});
  EXPECT_EQ(consume(broker.sasl_bootstrap(), "events", plain), "one\n");
  auto bearer = tls;
  bearer.insert(bearer.end(),
                {"-X", "sasl.mechanisms=OAUTHBEARER", "-X", "enable.sasl.oauthbearer.unsecure.jwt=true", "-X",
                 "sasl.oauthbearer.config=principal=alice"});
  EXPECT_EQ(consume(broker.sasl_bootstrap(), "events", bearer), "one\n");

  plain.back() = "sasl.password=wrong";
  plain.insert(plain.begin(), {"-b", broker.sasl_bootstrap(), "-L", "-m", "2"});
  EXPECT_NE(kcat(plain).exit_code, 0);
}

TEST_F(KafkaBrokerTest, ThreeNodesSurviveTheKillOfOne) {
  KafkaCluster cluster;
  cluster.create_topic("events", 3);
  const Outcome described = cluster.run_tool(kTopicCommand, {"--describe", "--topic", "events"});
  EXPECT_NE(described.out.find("ReplicationFactor: 3"), std::string::npos) << described.out << described.err;
  EXPECT_NE(described.out.find("min.insync.replicas=2"), std::string::npos) << described.out;

  produce(cluster.bootstrap(), "events", "one\n");
  cluster.kill(0);
  produce(cluster.bootstrap(), "events", "two\n");
  EXPECT_EQ(consume(cluster.bootstrap(), "events").size(), 8u);
  cluster.restart(0);
  EXPECT_EQ(kcat({"-b", cluster.bootstrap(0), "-L"}).exit_code, 0);
}

}  // namespace
}  // namespace changevault::testing
