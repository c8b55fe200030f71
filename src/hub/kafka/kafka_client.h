// One connection of librdkafka: made from settings, with its errors as ours.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <librdkafka/rdkafka.h>

#include "base/mutex.h"
#include "base/result.h"
#include "hub/kafka/kafka_settings.h"
#include "net/azure/access_token.h"

namespace changevault::kafka {

struct Freed {
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
  void operator()(rd_kafka_event_t* event) const { rd_kafka_event_destroy(event); }
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
  void operator()(rd_kafka_topic_partition_t* place) const { rd_kafka_topic_partition_destroy(place); }
  void operator()(rd_kafka_error_t* error) const { rd_kafka_error_destroy(error); }
  void operator()(rd_kafka_AdminOptions_t* options) const { rd_kafka_AdminOptions_destroy(options); }
};
using Queue = std::unique_ptr<rd_kafka_queue_t, Freed>;
using Event = std::unique_ptr<rd_kafka_event_t, Freed>;
using PartitionList = std::unique_ptr<rd_kafka_topic_partition_list_t, Freed>;
using PartitionPlace = std::unique_ptr<rd_kafka_topic_partition_t, Freed>;
using KafkaError = std::unique_ptr<rd_kafka_error_t, Freed>;

// What every connection of one hub shares. `tokens` outlives them; null where settings.auth_scope is empty.
struct ClientParts {
  Settings settings;
  std::string client_id;  // "host:pid": what brokers and other people see
  azure::TokenSource* tokens = nullptr;
  // Told, in words, what a person should know: that the hub slows us down. Called by the thread that polls.
  std::function<void(const std::string&)> notice = nullptr;
};

// Thread-safe, as librdkafka is.
class Client {
 public:
  enum class Role { kConsumer, kProducer };

  // `extra` wins over the settings; those that the role knows nothing of are left out. kUsage for a setting
  // that librdkafka does not know or a value that it does not take. No broker is asked yet.
  static Result<std::unique_ptr<Client>> open(const ClientParts& parts, Role role, const Properties& extra,
                                              rd_kafka_event_type_t events = 0);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  rd_kafka_t* handle() const { return handle_; }
  const ClientParts& parts() const { return parts_; }

  // An answer of librdkafka or of a broker as one of our errors: what was wanted, what was said, and what can
  // be done about it. An answer that never came says what was last heard of the connection.
  Error error(const std::string& wanted, rd_kafka_resp_err_t code, const std::string& said = {}) const;
  // Something was answered: what was heard of connections before is over, and the login is right.
  void worked() const;
  // A consumer that was closed already must not be closed again.
  void closed() { closed_ = true; }

 private:
  explicit Client(ClientParts parts) : parts_(std::move(parts)) {}
  Result<void> create(Role role, const Properties& extra, rd_kafka_event_type_t events);
  void hear(const std::string& trouble);
  static void on_log(const rd_kafka_t* handle, int level, const char* facility, const char* text);
  static void on_error(rd_kafka_t* handle, int code, const char* reason, void* self);
  static void on_throttle(rd_kafka_t* handle, const char* broker, std::int32_t id, int milliseconds,
                          void* self);
  static void on_token_wanted(rd_kafka_t* handle, const char* config, void* self);

  ClientParts parts_;
  rd_kafka_t* handle_ = nullptr;
  bool closed_ = false;
  mutable Mutex mutex_;
  mutable std::string trouble_ CV_GUARDED_BY(mutex_);  // the last word about a connection
  mutable bool has_worked_ CV_GUARDED_BY(mutex_) = false;
  std::string token_trouble_ CV_GUARDED_BY(mutex_);
  bool throttle_told_ CV_GUARDED_BY(mutex_) = false;
};

// What ends by itself: a leader or coordinator that moves, a connection that breaks, a member that is dealt
// its partitions anew.
bool passes_by_itself(rd_kafka_resp_err_t code);

// The broker's time of a message: its append time; where the topic keeps the producer's stamp, that or `now`,
// whichever is less; `now` where there is none.
Timestamp time_of(const rd_kafka_message_t& message, Timestamp now);

// A list with one entry for each partition, each at its offset.
PartitionList partition_list(const std::string& topic,
                             const std::vector<std::pair<std::int32_t, std::int64_t>>& places);
// What is committed with the position; the list owns it.
void set_metadata(rd_kafka_topic_partition_t& place, const std::string& metadata);

}  // namespace changevault::kafka
