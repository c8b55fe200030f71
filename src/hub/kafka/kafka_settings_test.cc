#include "hub/kafka/kafka_settings.h"

#include <gtest/gtest.h>

#include "hub/kafka/group_mark.h"
#include "tests/support/expect.h"

namespace changevault::kafka {
namespace {

using changevault::testing::value;

constexpr const char* kConnection =
    "Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=listen;SharedAccessKey=abc+/"
    "=;EntityPath=hub";

SettingsInput kafka_at(const std::string& place) {
  return {"kafka", place, {}, {}};
}

SettingsInput event_hubs_at(const std::string& place, const std::string& secret = {}) {
  return {"eventhubs", place, {}, secret};
}

TEST(KafkaSettings, BrokersAndTopic) {
  const Settings one = value(make_settings(kafka_at("//broker/orders.v1_2-x")));
  EXPECT_EQ(one.servers, "broker:9092");
  EXPECT_EQ(one.topic, "orders.v1_2-x");
  EXPECT_FALSE(one.event_hubs);
  EXPECT_EQ(one.url, "kafka://broker:9092/orders.v1_2-x");
  EXPECT_EQ(value(make_settings(kafka_at("a:1,b,[::1]:3,[fe80::2]/t/"))).servers,
            "a:1,b:9092,[::1]:3,[fe80::2]:9092");
}

TEST(KafkaSettings, PlacesThatAreNone) {
  for (const char* place :
       {"", "//", "//broker", "//broker/", "///topic", "//broker:x/t", "//broker:0/t", "//broker:70000/t",
        "//a,,b/t", "//a b/t", "//broker/a b", "//broker/a/b", "//broker/..", "//user:word@broker/t",
        "//broker/t?x=y", "//[::1/t", "//[::1]x/t"}) {
    EXPECT_ERROR(make_settings(kafka_at(place)), ErrorCode::kUsage);
  }
  EXPECT_ERROR(make_settings(kafka_at("//broker/" + std::string(250, 'a'))), ErrorCode::kUsage);
}

TEST(KafkaSettings, SecretsOfAUrlAreNotShown) {
  const auto refused = make_settings(kafka_at("//user:geheim@broker/t"));
  ASSERT_FALSE(refused);
  EXPECT_EQ((refused.error().to_string() + refused.error().hint).find("geheim"), std::string::npos);
}

TEST(KafkaSettings, OptionsWinOverDefaultsButNotOverWhatTheArchiveHangsOn) {
  SettingsInput input = kafka_at("//b/t");
  input.options = {{"session.timeout.ms", "45000"}, {"security.protocol", "SASL_SSL"}};
  input.secret = "# of the archive\nsasl.username = me\nsasl.password=a=b \n";
  const Settings settings = value(make_settings(input));
  EXPECT_EQ(settings.properties.at("session.timeout.ms"), "45000");
  EXPECT_EQ(settings.properties.at("sasl.username"), "me");
  EXPECT_EQ(settings.properties.at("sasl.password"), "a=b");
  EXPECT_EQ(settings.properties.at("isolation.level"), "read_committed");
  for (const char* name : {"group.id", "enable.auto.commit", "auto.offset.reset", "bootstrap.servers", "acks",
                           "enable.idempotence", "partitioner", "partition.assignment.strategy"}) {
    input.options = {{name, "x"}};
    EXPECT_ERROR(make_settings(input), ErrorCode::kUsage);
  }
  input.options.clear();
  input.secret = "group.id=x";
  EXPECT_ERROR(make_settings(input), ErrorCode::kUsage);
  input.secret = "no equals";
  EXPECT_ERROR(make_settings(input), ErrorCode::kUsage);
}

// librdkafka knows some settings by two names, of which the last one given would win.
TEST(KafkaSettings, OneSettingHasOneName) {
  SettingsInput input = event_hubs_at("//ns/hub");
  input.options = {{"sasl.mechanisms", "PLAIN"}, {"compression.codec", "gzip"}, {"delivery.timeout.ms", "7"}};
  const Settings settings = value(make_settings(input));
  EXPECT_EQ(settings.properties.at("sasl.mechanism"), "PLAIN");
  EXPECT_EQ(settings.properties.at("compression.type"), "gzip");
  EXPECT_EQ(settings.properties.at("message.timeout.ms"), "7");
  EXPECT_EQ(settings.auth_scope, "") << "they log in their own way";
  input.options = {{"request.required.acks", "0"}};
  EXPECT_ERROR(make_settings(input), ErrorCode::kUsage);
}

TEST(KafkaSettings, LargestMessage) {
  EXPECT_EQ(value(make_settings(kafka_at("//b/t"))).largest_message, 1'000'000U);
  EXPECT_EQ(value(make_settings(event_hubs_at("//ns/hub"))).largest_message, 1'046'528U - 4096);
  SettingsInput input = kafka_at("//b/t");
  input.options = {{"message.max.bytes", "20000000"}};
  EXPECT_EQ(value(make_settings(input)).largest_message, 20'000'000U);
  for (const char* text : {"", "x", "-1", "10", "99999999999"}) {
    input.options = {{"message.max.bytes", text}};
    EXPECT_ERROR(make_settings(input), ErrorCode::kUsage);
  }
}

TEST(EventHubsSettings, WithAConnectionString) {
  const Settings settings = value(make_settings(event_hubs_at("//ns/hub", std::string(kConnection) + "\n")));
  EXPECT_TRUE(settings.event_hubs);
  EXPECT_EQ(settings.servers, "ns.servicebus.windows.net:9093");
  EXPECT_EQ(settings.url, "eventhubs://ns.servicebus.windows.net/hub");
  EXPECT_EQ(settings.auth_scope, "");
  const Properties expected{{"security.protocol", "SASL_SSL"},
                            {"sasl.mechanism", "PLAIN"},
                            {"sasl.username", "$ConnectionString"},
                            {"sasl.password", kConnection},
                            {"connections.max.idle.ms", "180000"},
                            {"socket.keepalive.enable", "true"},
                            {"request.timeout.ms", "60000"},
                            {"session.timeout.ms", "30000"},
                            {"compression.type", "none"}};
  for (const auto& [name, text] : expected) EXPECT_EQ(settings.properties.at(name), text) << name;
}

TEST(EventHubsSettings, WithoutOneATokenOfThatNamespace) {
  const Settings settings = value(make_settings(event_hubs_at("//NS.servicebus.chinacloudapi.cn/hub")));
  EXPECT_EQ(settings.properties.at("sasl.mechanism"), "OAUTHBEARER");
  EXPECT_EQ(settings.auth_scope, "https://ns.servicebus.chinacloudapi.cn/.default");
  EXPECT_FALSE(settings.properties.contains("sasl.password"));
}

TEST(EventHubsSettings, AConnectionStringOfAnotherPlaceIsRefused) {
  for (const char* place : {"//other/hub", "//ns/other", "//ns.servicebus.usgovcloudapi.net/hub"}) {
    const auto refused = make_settings(event_hubs_at(place, kConnection));
    EXPECT_ERROR(refused, ErrorCode::kUsage);
    EXPECT_EQ((refused.error().to_string() + refused.error().hint).find("abc+/="), std::string::npos);
  }
}

TEST(EventHubsSettings, TheEmulator) {
  const Settings settings = value(
      make_settings(event_hubs_at("//localhost/hub",
                                  "Endpoint=sb://localhost;SharedAccessKeyName=RootManageSharedAccessKey;"
                                  "SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;")));
  EXPECT_EQ(settings.servers, "localhost:9092");
  EXPECT_EQ(settings.properties.at("security.protocol"), "SASL_PLAINTEXT");
}

TEST(EventHubsSettings, ConnectionStringsThatAreNone) {
  for (const char* text :
       {"", "x", "Endpoint=https://ns/;SharedAccessKeyName=a;SharedAccessKey=b",
        "Endpoint=sb://ns/;SharedAccessKeyName=a", "SharedAccessKeyName=a;SharedAccessKey=b",
        "Endpoint=sb://ns/;SharedAccessSignature=SharedAccessSignature sr=x",
        "DefaultEndpointsProtocol=https"}) {
    EXPECT_ERROR(parse_connection_string(text), ErrorCode::kUsage);
  }
  const ConnectionString parsed =
      value(parse_connection_string(" endpoint = sb://h:5671 ; sharedaccesskeyname=k; SharedAccessKey=a=b="));
  EXPECT_EQ(parsed.host, "h:5671");
}

TEST(GroupMark, ComesBackAndFitsIntoEventHubs) {
  const GroupOwner owner{"0123456789abcdef", "file:/srv/archive \"é\""};
  EXPECT_EQ(read_group_mark(group_mark(owner)), owner);
  EXPECT_EQ(group_mark({}), "");
  const std::string longest = group_mark({"id", std::string(5000, 'x')});
  EXPECT_LE(longest.size(), 1000U);
  EXPECT_EQ(read_group_mark(longest).id, "id");
  EXPECT_LE(group_mark({"id", std::string(5000, '\xff')}).size(), 1000U);
  for (const char* text : {"", "x", "{}", "[1]", "{\"changevault_archive\":1}", "\xff"})
    EXPECT_EQ(read_group_mark(text), GroupOwner()) << text;
}

}  // namespace
}  // namespace changevault::kafka
