// Hubs on a real Kafka for tests: each with a topic of its own.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "hub/kafka/kafka_hub.h"
#include "tests/support/expect.h"

namespace changevault::testing {

// A name that no other test uses.
inline std::string new_topic() {
  static int count = 0;
  return "topic-" + std::to_string(++count);
}

inline Result<std::unique_ptr<kafka::KafkaHub>> open_kafka(
    const std::string& bootstrap, const std::string& topic,
    std::optional<std::int32_t> create_with = std::nullopt, kafka::Properties options = {},
    Clock& clock = system_clock()) {
  options.emplace("session.timeout.ms", "6000");
  options.emplace("topic.metadata.refresh.interval.ms", "1000");
  CV_ASSIGN(kafka::Settings settings,
            kafka::make_settings({"kafka", "//" + bootstrap + "/" + topic, std::move(options), {}}));
  return kafka::KafkaHub::open({std::move(settings), "tester:1"}, {"tester", create_with}, clock);
}

}  // namespace changevault::testing
