#include "tests/support/kafka_node.h"

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <signal.h>

#include "base/clock.h"
#include "base/random.h"
#include "tests/support/kafka_java.h"

namespace changevault::testing {
namespace {

namespace fs = std::filesystem;

constexpr Duration kStart = minutes(2);
constexpr Duration kEnd = minutes(1);

void write(const std::string& path, const KafkaProperties& properties) {
  std::ofstream out(path);
  for (const auto& [key, value] : properties) out << key << '=' << value << '\n';
  if (!out.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace

// What StorageTool would write, without the second that its Java takes to start.
KafkaNode::KafkaNode(int id, const std::string& cluster, KafkaProperties properties) : id_(id) {
  const std::string data = folder_ / "data";
  fs::create_directory(data);
  fs::copy_file(kafka_bootstrap_checkpoint(), data + "/bootstrap.checkpoint");
  // 16 bytes in base64: of the last of 22 digits only two bits count.
  write(data + "/meta.properties", {{"version", "1"},
                                    {"cluster.id", cluster},
                                    {"node.id", std::to_string(id)},
                                    {"directory.id", system_random().nonce().substr(0, 21) + "A"}});
  properties["node.id"] = std::to_string(id);
  properties["log.dirs"] = data;
  write(folder_ / "server.properties", properties);
}

void KafkaNode::begin() {
  std::vector<std::string> command = kafka_command(
      "kafka.Kafka", {folder_ / "server.properties"},
      {"-Xms64m", "-Xmx384m", "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info"});
  // Killed with the test that started it, however that ends.
  command.insert(command.begin(), {"setpriv", "--pdeathsig", "KILL"});
  process_.reset();
  process_.emplace(Process::start(command));
}

void KafkaNode::wait_ready() {
  const Duration until = system_clock().steady() + kStart;
  while (log().find("Kafka Server started") == std::string::npos) {
    if (process_->ended_within(milliseconds(20)) || system_clock().steady() > until)
      throw std::runtime_error(name() + " does not start: " + log());
  }
}

void KafkaNode::kill() {
  if (!process_) return;
  process_->kill(SIGKILL);
  process_->ended_within(kEnd);
}

void KafkaNode::stop() {
  if (!process_) return;
  process_->kill(SIGTERM);
  if (!process_->ended_within(kEnd)) throw std::runtime_error(name() + " does not end: " + log());
}

void KafkaNode::pause() {
  if (process_) process_->kill(SIGSTOP);
}

void KafkaNode::resume() {
  if (process_) process_->kill(SIGCONT);
}

std::string KafkaNode::log() const {
  return process_ ? process_->out_so_far() + process_->err_so_far() : "";
}

std::string KafkaNode::name() const {
  return "Kafka node " + std::to_string(id_);
}

}  // namespace changevault::testing
