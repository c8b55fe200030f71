#include "hub/kafka/kafka_producer.h"

#include <algorithm>
#include <charconv>

#include "base/hash.h"

namespace changevault::kafka {
namespace {

// What became of the messages of one append. Filled by delivery reports, which this thread serves.
struct Deliveries {
  std::size_t open = 0;
  std::size_t stored = 0;
  rd_kafka_resp_err_t failure = RD_KAFKA_RESP_ERR_NO_ERROR;

  void count(const rd_kafka_message_t& message) {
    --open;
    if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      ++stored;
    } else if (failure == RD_KAFKA_RESP_ERR_NO_ERROR) {
      failure = message.err;
    }
  }
};

// Serves what is there, waiting up to `wait` for it.
void serve(rd_kafka_queue_t* queue, int wait_ms, Deliveries& into) {
  const Event event(rd_kafka_queue_poll(queue, wait_ms));
  if (!event || rd_kafka_event_type(event.get()) != RD_KAFKA_EVENT_DR) return;
  while (const rd_kafka_message_t* const message = rd_kafka_event_message_next(event.get()))
    into.count(*message);
}

// Events without a document and a namespace are placed by their whole text: equal texts keep one partition by
// its checksum as well.
std::string sent_key(const std::string& key) {
  constexpr std::size_t kLongest = 1024;
  return key.size() <= kLongest ? key : "sha256:" + sha256_hex(key);
}

rd_kafka_resp_err_t hand_over(const Client& client, const Message& message) {
  const std::string key = sent_key(message.key);
  rd_kafka_vu_t fields[4];
  fields[0].vtype = RD_KAFKA_VTYPE_TOPIC;
  fields[0].u.cstr = client.parts().settings.topic.c_str();
  fields[1].vtype = RD_KAFKA_VTYPE_KEY;
  fields[1].u.mem = {const_cast<char*>(key.data()), key.size()};  // it is copied
  fields[2].vtype = RD_KAFKA_VTYPE_VALUE;
  fields[2].u.mem = {const_cast<char*>(message.payload.data()), message.payload.size()};
  fields[3].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  fields[3].u.i = RD_KAFKA_MSG_F_COPY;
  const KafkaError failed(rd_kafka_produceva(client.handle(), fields, 4));
  return failed ? rd_kafka_error_code(failed.get()) : RD_KAFKA_RESP_ERR_NO_ERROR;
}

// Room for the largest message in any case.
std::size_t queue_kilobytes(const ClientParts& parts, std::size_t largest_message) {
  const std::string& set = parts.settings.properties.at("queue.buffering.max.kbytes");
  std::size_t kilobytes = 0;
  std::from_chars(set.data(), set.data() + set.size(), kilobytes);
  return std::max(kilobytes, 2 * largest_message / 1024);
}

}  // namespace

Result<std::unique_ptr<TopicProducer>> TopicProducer::open(const ClientParts& parts,
                                                           std::size_t largest_message) {
  const Properties own{
      {"enable.idempotence", "true"},
      {"acks", "all"},
      {"partitioner", "murmur2_random"},
      {"message.max.bytes", std::to_string(largest_message)},
      {"queue.buffering.max.kbytes", std::to_string(queue_kilobytes(parts, largest_message))}};
  CV_ASSIGN(auto client, Client::open(parts, Client::Role::kProducer, own, RD_KAFKA_EVENT_DR));
  return std::unique_ptr<TopicProducer>(new TopicProducer(std::move(client), largest_message));
}

// Room for the key and for what the protocol puts around a message.
std::size_t TopicProducer::largest_payload() const {
  constexpr std::size_t kRoom = 8192;
  return largest_message_ > 2 * kRoom ? largest_message_ - kRoom : largest_message_ / 2;
}

Result<void> TopicProducer::append(std::vector<Message> messages) {
  const Queue queue(rd_kafka_queue_get_main(client_->handle()));
  Deliveries deliveries;
  rd_kafka_resp_err_t refused = RD_KAFKA_RESP_ERR_NO_ERROR;
  for (const Message& message : messages) {
    refused = hand_over(*client_, message);
    while (refused == RD_KAFKA_RESP_ERR__QUEUE_FULL && deliveries.open > 0) {
      serve(queue.get(), 100, deliveries);
      refused = hand_over(*client_, message);
    }
    if (refused != RD_KAFKA_RESP_ERR_NO_ERROR) break;
    ++deliveries.open;
    // What stands behind one that failed must not overtake it.
    if (deliveries.failure != RD_KAFKA_RESP_ERR_NO_ERROR) break;
    if (deliveries.open % 1024 == 0) serve(queue.get(), 0, deliveries);
  }
  while (deliveries.open > 0) serve(queue.get(), 1000, deliveries);
  const auto failure = refused != RD_KAFKA_RESP_ERR_NO_ERROR ? refused : deliveries.failure;
  if (failure == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  Error error = client_->error(std::to_string(deliveries.stored) + " of " + std::to_string(messages.size()) +
                                   " messages were stored, then the hub refused",
                               failure);
  if (failure == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
    error.code = ErrorCode::kUsage;
    error.retryable = false;
    error.hint =
        "the topic takes smaller messages only (max.message.bytes); see message.max.bytes in [hub.options]";
  }
  return error;
}

}  // namespace changevault::kafka
