// Apache Kafka, three real nodes on loopback, each broker and controller: what is written with acks=all
// outlives any one of them. They start in about 7 seconds on two cores and need about 500 MiB (at most three
// times 384 MiB of Java heap).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/kafka_node.h"
#include "tests/support/kafka_properties.h"

namespace changevault::testing {

// Topics have three replicas, and a write needs two in sync. Nodes are counted from 0; their ids in Kafka's
// words from
// 1. For the rest as KafkaBroker, whose available() holds for this as well.
class KafkaCluster {
 public:
  // Returns when all nodes take requests.
  explicit KafkaCluster(KafkaOptions options = {});

  // Of all nodes; of one.
  std::string bootstrap() const;
  std::string bootstrap(int node) const;
  std::string sasl_bootstrap() const;  // where the options ask for it
  std::string ca_file() const;
  int size() const { return static_cast<int>(nodes_.size()); }

  void kill(int node) { at(node).kill(); }
  void stop(int node) { at(node).stop(); }
  void pause(int node) { at(node).pause(); }
  void resume(int node) { at(node).resume(); }
  // On the same ports and data. Returns when it takes requests again; that its copies are in sync takes
  // longer.
  void restart(int node);
  std::string log(int node) { return at(node).log(); }

  void create_topic(const std::string& name, int partitions, const KafkaProperties& settings = {});
  Outcome run_tool(const std::string& main_class, std::vector<std::string> arguments,
                   const std::string& input = {}) const;

 private:
  KafkaNode& at(int node) { return *nodes_.at(static_cast<std::size_t>(node)); }
  KafkaOptions options_;
  KafkaPlan plan_;
  std::unique_ptr<Certificates> certificates_;
  std::vector<std::unique_ptr<KafkaNode>> nodes_;
};

}  // namespace changevault::testing
