#include "tests/support/kafka_java.h"

#include <filesystem>
#include <stdexcept>

namespace changevault::testing {
namespace {

constexpr const char* kFolder = CHANGEVAULT_DEPS "/kafka";

// Empty where everything is there.
std::string find_trouble() {
  if (!std::filesystem::exists(std::string(kFolder) + "/stamp"))
    return "Kafka is not installed (scripts/setup test)";
  try {
    const Outcome java = run({"java", "-version"});
    return java.exit_code == 0 ? "" : "java does not run: " + java.err;
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

const std::string& trouble() {
  static const std::string words = find_trouble();
  return words;
}

}  // namespace

bool kafka_available() {
  return trouble().empty();
}

std::string kafka_why_not() {
  return trouble();
}

std::string kafka_bootstrap_checkpoint() {
  return std::string(kFolder) + "/bootstrap.checkpoint";
}

std::vector<std::string> kafka_command(const std::string& main_class,
                                       const std::vector<std::string>& arguments,
                                       const std::vector<std::string>& jvm) {
  // The quick compiler and the simple collector: short lives on few cores. No shared memory file below /tmp.
  std::vector<std::string> command{"java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData",
                                   "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"};
  command.insert(command.end(), jvm.begin(), jvm.end());
  command.insert(command.end(), {"-cp", std::string(kFolder) + "/lib/*", main_class});
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

Outcome run_kafka_java(const std::string& main_class, const std::vector<std::string>& arguments,
                       const std::string& input) {
  ProcessOptions options;
  options.input = input;
  options.deadline = minutes(2);
  return run(kafka_command(main_class, arguments, {"-Xmx256m"}), options);
}

void create_kafka_topic(const std::string& bootstrap, const std::string& name, int partitions,
                        const std::map<std::string, std::string>& settings) {
  std::vector<std::string> arguments{
      "--bootstrap-server",      bootstrap, "--create", "--topic", name, "--partitions",
      std::to_string(partitions)};
  for (const auto& [key, value] : settings)
    arguments.insert(arguments.end(), {"--config", key + "=" + value});
  const Outcome made = run_kafka_java("org.apache.kafka.tools.TopicCommand", arguments);
  if (made.exit_code != 0) throw std::runtime_error("no topic " + name + ": " + made.out + made.err);
}

}  // namespace changevault::testing
