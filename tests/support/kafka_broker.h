// Apache Kafka, one real broker on loopback. It starts in 2 to 4 seconds and needs about 160 MiB (at most
// 384 MiB of Java heap); a restart after a kill takes about 2 seconds more, until its former self counts as
// gone.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "tests/support/kafka_node.h"
#include "tests/support/kafka_properties.h"

namespace changevault::testing {

// Not thread-safe. It ends with this object, and with the thread that made it. Everything throws
// std::runtime_error, with what the broker wrote, where it does not do what is asked.
class KafkaBroker {
 public:
  // Where it cannot be had, tests skip and say why_not().
  static bool available();
  static std::string why_not();
  // One without options for all tests of this program: use topics and groups of your own, and do not kill it.
  // nullptr where it cannot be had.
  static KafkaBroker* shared();

  // Returns when it takes requests.
  explicit KafkaBroker(KafkaOptions options = {});

  std::string bootstrap() const;  // "127.0.0.1:PORT"
  // Of the second listener, where the options ask for it.
  std::string sasl_bootstrap() const;
  std::string ca_file() const;  // whose certificates clients are to trust
  const KafkaOptions& options() const { return options_; }
  // A token for OAUTHBEARER: not signed, as the broker takes it (RFC 7515, "alg":"none").
  static std::string token(const std::string& subject, Duration lifetime = hours(1));

  void kill() { node_.kill(); }      // SIGKILL
  void stop() { node_.stop(); }      // SIGTERM
  void pause() { node_.pause(); }    // SIGSTOP: connections stay, nobody answers
  void resume() { node_.resume(); }  // SIGCONT
  // On the same ports and data; one that still runs is killed.
  void restart();
  std::string log() const { return node_.log(); }

  // Needed before anybody writes: this broker makes no topic by itself. About 1.5 seconds.
  void create_topic(const std::string& name, int partitions, const KafkaProperties& settings = {});
  // A command line tool of Kafka, e.g. "org.apache.kafka.tools.TopicCommand", with --bootstrap-server added.
  Outcome run_tool(const std::string& main_class, std::vector<std::string> arguments,
                   const std::string& input = {}) const;

 private:
  KafkaOptions options_;
  KafkaPlan plan_;
  std::unique_ptr<Certificates> certificates_;
  KafkaNode node_;
};

}  // namespace changevault::testing
