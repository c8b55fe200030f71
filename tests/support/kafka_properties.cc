#include "tests/support/kafka_properties.h"

#include "base/random.h"
#include "tests/support/free_port.h"

namespace changevault::testing {
namespace {

std::string local(int port) {
  return "127.0.0.1:" + std::to_string(port);
}

std::string voters(const KafkaPlan& plan) {
  std::string out;
  for (std::size_t n = 0; n < plan.nodes.size(); ++n)
    out += (n == 0 ? "" : ",") + std::to_string(n + 1) + "@" + local(plan.nodes[n].controller);
  return out;
}

KafkaProperties basics(const KafkaPlan& plan, const KafkaPorts& ports) {
  const std::string copies = std::to_string(plan.nodes.size());
  const std::string in_sync = plan.nodes.size() > 1 ? "2" : "1";
  return {
      {"process.roles", "broker,controller"},
      {"controller.listener.names", "CONTROLLER"},
      {"controller.quorum.voters", voters(plan)},
      {"listeners", "PLAINTEXT://" + local(ports.plaintext) + ",CONTROLLER://" + local(ports.controller)},
      {"listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL"},
      {"inter.broker.listener.name", "PLAINTEXT"},
      {"default.replication.factor", copies},
      {"min.insync.replicas", in_sync},
      {"offsets.topic.replication.factor", copies},
      {"offsets.topic.num.partitions", "4"},
      {"transaction.state.log.replication.factor", copies},
      {"transaction.state.log.min.isr", in_sync},
      {"transaction.state.log.num.partitions", "4"},
      {"share.coordinator.state.topic.replication.factor", copies},
      {"share.coordinator.state.topic.min.isr", in_sync},
      {"share.coordinator.state.topic.num.partitions", "4"},
  };
}

// Small and quick.
const KafkaProperties& manners() {
  static const KafkaProperties properties{
      // A test that mistypes a topic is told so.
      {"auto.create.topics.enable", "false"},
      {"group.initial.rebalance.delay.ms", "0"},
      {"group.min.session.timeout.ms", "100"},
      {"log.initial.task.delay.ms", "200"},
      {"log.retention.check.interval.ms", "200"},
      {"log.segment.delete.delay.ms", "100"},
      {"transaction.abort.timed.out.transaction.cleanup.interval.ms", "200"},
      // A killed broker may come back only when its registration has run out.
      {"broker.session.timeout.ms", "2000"},
      {"broker.heartbeat.interval.ms", "200"},
      // The cleaner takes its buffer at the start, 128 MiB by default.
      {"log.cleaner.dedupe.buffer.size", "4194304"},
      {"num.network.threads", "2"},
      {"num.io.threads", "4"},
      {"background.threads", "2"},
  };
  return properties;
}

void add_sasl_ssl(KafkaProperties& properties, const KafkaPorts& ports, const KafkaOptions& options,
                  const Certificates& certificates) {
  const std::string module = "org.apache.kafka.common.security.";
  const std::string listener = "listener.name.sasl_ssl.";
  properties["listeners"] += ",SASL_SSL://" + local(ports.sasl_ssl);
  properties[listener + "ssl.keystore.type"] = "PEM";
  properties[listener + "ssl.keystore.location"] = certificates.key_and_certificate();
  properties[listener + "sasl.enabled.mechanisms"] = "PLAIN,OAUTHBEARER";
  properties[listener + "plain.sasl.jaas.config"] =
      module + "plain.PlainLoginModule required user_" + options.user + "=\"" + options.password + "\";";
  properties[listener + "oauthbearer.sasl.jaas.config"] =
      module + "oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"broker\";";
}

}  // namespace

KafkaPlan plan_kafka(int nodes) {
  const std::vector<int> ports = free_ports(3 * nodes);
  KafkaPlan plan;
  for (std::size_t n = 0; n < ports.size(); n += 3)
    plan.nodes.push_back({.plaintext = ports[n], .controller = ports[n + 1], .sasl_ssl = ports[n + 2]});
  plan.cluster = system_random().nonce().substr(0, 21) + "A";
  return plan;
}

KafkaProperties kafka_properties(const KafkaPlan& plan, int node, const KafkaOptions& options,
                                 const Certificates* certificates) {
  const KafkaPorts& ports = plan.nodes.at(static_cast<std::size_t>(node));
  KafkaProperties properties = basics(plan, ports);
  properties.insert(manners().begin(), manners().end());
  if (certificates != nullptr) add_sasl_ssl(properties, ports, options, *certificates);
  for (const auto& [key, value] : options.properties) properties[key] = value;
  return properties;
}

}  // namespace changevault::testing
