#include "tests/support/kafka_cluster.h"

#include <stdexcept>
#include <utility>

#include "tests/support/kafka_java.h"

namespace changevault::testing {
namespace {

constexpr int kNodes = 3;

std::string addresses(const KafkaPlan& plan, int KafkaPorts::* port) {
  std::string out;
  for (const KafkaPorts& ports : plan.nodes)
    out += (out.empty() ? "127.0.0.1:" : ",127.0.0.1:") + std::to_string(ports.*port);
  return out;
}

}  // namespace

KafkaCluster::KafkaCluster(KafkaOptions options)
    : options_(std::move(options)),
      plan_(plan_kafka(kNodes)),
      certificates_(options_.sasl_ssl ? std::make_unique<Certificates>() : nullptr) {
  for (int n = 0; n < kNodes; ++n)
    nodes_.push_back(std::make_unique<KafkaNode>(n + 1, plan_.cluster,
                                                 kafka_properties(plan_, n, options_, certificates_.get())));
  // None is ready before most of them talk to each other.
  for (const auto& node : nodes_) node->begin();
  for (const auto& node : nodes_) node->wait_ready();
}

std::string KafkaCluster::bootstrap() const {
  return addresses(plan_, &KafkaPorts::plaintext);
}

std::string KafkaCluster::bootstrap(int node) const {
  return "127.0.0.1:" + std::to_string(plan_.nodes.at(static_cast<std::size_t>(node)).plaintext);
}

std::string KafkaCluster::sasl_bootstrap() const {
  if (!certificates_) throw std::runtime_error("KafkaOptions::sasl_ssl is off");
  return addresses(plan_, &KafkaPorts::sasl_ssl);
}

std::string KafkaCluster::ca_file() const {
  if (!certificates_) throw std::runtime_error("KafkaOptions::sasl_ssl is off");
  return certificates_->ca();
}

void KafkaCluster::restart(int node) {
  at(node).kill();
  at(node).begin();
  at(node).wait_ready();
}

void KafkaCluster::create_topic(const std::string& name, int partitions, const KafkaProperties& settings) {
  create_kafka_topic(bootstrap(), name, partitions, settings);
}

Outcome KafkaCluster::run_tool(const std::string& main_class, std::vector<std::string> arguments,
                               const std::string& input) const {
  arguments.insert(arguments.begin(), {"--bootstrap-server", bootstrap()});
  return run_kafka_java(main_class, arguments, input);
}

}  // namespace changevault::testing
