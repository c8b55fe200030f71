// Brokers inside this program that fail on demand: librdkafka's mock cluster. They keep 5 MiB of each
// partition, know no transactions, no times and no lists of groups; for the rest a client cannot tell them
// from others.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

namespace changevault::testing {

// Request kinds by their numbers in the protocol (kafka.apache.org/protocol#protocol_api_keys).
enum class KafkaRequest : std::int16_t {
  kProduce = 0,
  kFetch = 1,
  kListOffsets = 2,
  kMetadata = 3,
  kOffsetCommit = 8,
  kOffsetFetch = 9,
  kFindCoordinator = 10,
  kJoinGroup = 11,
  kHeartbeat = 12,
};

class MockKafka {
 public:
  explicit MockKafka(int brokers = 1) {
    char words[256];
    rd_kafka_conf_t* const conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "0", words, sizeof words);
    handle_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, words, sizeof words);
    if (handle_ == nullptr) throw std::runtime_error(words);
    cluster_ = rd_kafka_mock_cluster_new(handle_, brokers);
    if (cluster_ == nullptr) throw std::runtime_error("no mock cluster");
    rd_kafka_mock_set_controller_id(cluster_, 1);
    rd_kafka_mock_group_initial_rebalance_delay_ms(cluster_, 0);
  }
  ~MockKafka() {
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(handle_);
  }
  MockKafka(const MockKafka&) = delete;
  MockKafka& operator=(const MockKafka&) = delete;

  std::string bootstrap() const { return rd_kafka_mock_cluster_bootstraps(cluster_); }
  void create_topic(const std::string& name, int partitions) {
    if (rd_kafka_mock_topic_create(cluster_, name.c_str(), partitions, 1) != RD_KAFKA_RESP_ERR_NO_ERROR)
      throw std::runtime_error("no mock topic");
  }
  void delete_topic(const std::string& name) { rd_kafka_mock_topic_delete(cluster_, name.c_str()); }
  // The next requests of that kind are answered so, one after the other.
  void answer(KafkaRequest request, const std::vector<rd_kafka_resp_err_t>& errors) {
    rd_kafka_mock_push_request_errors_array(cluster_, static_cast<std::int16_t>(request), errors.size(),
                                            errors.data());
  }
  void topic_error(const std::string& topic, rd_kafka_resp_err_t error) {
    rd_kafka_mock_topic_set_error(cluster_, topic.c_str(), error);
  }
  void down(int broker) { rd_kafka_mock_broker_set_down(cluster_, broker); }
  void up(int broker) { rd_kafka_mock_broker_set_up(cluster_, broker); }
  void leader(const std::string& topic, int partition, int broker) {
    rd_kafka_mock_partition_set_leader(cluster_, topic.c_str(), partition, broker);
  }
  void delete_records(const std::string& topic, int partition, std::int64_t before) {
    rd_kafka_mock_partition_delete_records(cluster_, topic.c_str(), partition, before);
  }

 private:
  rd_kafka_t* handle_ = nullptr;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
};

}  // namespace changevault::testing
