// One process of Apache Kafka, broker and controller in one. Tests use KafkaBroker or KafkaCluster.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace changevault::testing {

using KafkaProperties = std::map<std::string, std::string>;

class KafkaNode {
 public:
  // Writes its storage and its configuration; starts nothing. `properties` are whole, but for log.dirs.
  KafkaNode(int id, const std::string& cluster, KafkaProperties properties);

  // Starts the process. It lives no longer than the thread that calls this.
  void begin();
  // Until it says that it has started. Throws std::runtime_error with what it wrote where it does not.
  void wait_ready();
  // SIGKILL, and waits for the end.
  void kill();
  // SIGTERM: it hands over what it leads and writes everything down. Waits for the end.
  void stop();
  void pause();
  void resume();
  bool runs() { return process_.has_value() && !process_->ended_within({}); }
  // Warnings and errors of this process.
  std::string log() const;

 private:
  std::string name() const;
  TempDir folder_;
  int id_;
  std::optional<Process> process_;
};

}  // namespace changevault::testing
