// The Java programs of Apache Kafka that scripts/setup test has put below .deps/kafka.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/support/process.h"

namespace changevault::testing {

// Whether Kafka and a Java for it are there; asked once. Where not, kafka_why_not() says why.
bool kafka_available();
std::string kafka_why_not();

// The file of feature levels that new storage needs beside its meta.properties.
std::string kafka_bootstrap_checkpoint();

// The command line of a main class; `jvm` goes before it.
std::vector<std::string> kafka_command(const std::string& main_class,
                                       const std::vector<std::string>& arguments,
                                       const std::vector<std::string>& jvm = {});

// Runs one of Kafka's tools, e.g. "org.apache.kafka.tools.GetOffsetShell". About a second, 100 MiB.
Outcome run_kafka_java(const std::string& main_class, const std::vector<std::string>& arguments,
                       const std::string& input = {});

// Throws std::runtime_error where TopicCommand makes none.
void create_kafka_topic(const std::string& bootstrap, const std::string& name, int partitions,
                        const std::map<std::string, std::string>& settings);

}  // namespace changevault::testing
