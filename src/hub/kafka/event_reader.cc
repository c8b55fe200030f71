#include "hub/kafka/event_reader.h"

#include "base/mutex.h"
#include "hub/batch_builder.h"

namespace changevault::kafka {
namespace {

constexpr Duration kDeadline = seconds(10);

}  // namespace

Result<void> EventReader::open() {
  if (client_) return {};
  const Properties own{
      {"group.id", group_},           {"enable.auto.commit", "false"},  {"enable.auto.offset.store", "false"},
      {"auto.offset.reset", "error"}, {"enable.partition.eof", "true"}, {"queued.min.messages", "1"}};
  CV_ASSIGN(client_, Client::open(parts_, Client::Role::kConsumer, own, RD_KAFKA_EVENT_ERROR));
  rd_kafka_poll_set_consumer(client_->handle());
  return {};
}

Result<std::optional<EventBatch>> EventReader::first_from(PartitionId partition, Sequence at) {
  const MutexLock lock(mutex_);
  CV_TRY(open());
  const PartitionList place = partition_list(parts_.settings.topic, {{partition.value, at.value}});
  const auto assigned = rd_kafka_assign(client_->handle(), place.get());
  if (assigned != RD_KAFKA_RESP_ERR_NO_ERROR) return client_->error("cannot read an event", assigned);
  Result<std::optional<EventBatch>> found = read(partition);
  rd_kafka_assign(client_->handle(), nullptr);
  return found;
}

Result<std::optional<EventBatch>> EventReader::read(PartitionId partition) {
  const HubClock clock{clock_.now(), std::nullopt, true};
  const std::string wanted = "cannot read an event of partition " + to_string(partition);
  const Queue queue(rd_kafka_queue_get_consumer(client_->handle()));
  const Duration deadline{clock_.steady().ms + kDeadline.ms};
  while (clock_.steady().ms < deadline.ms) {
    const Event event(rd_kafka_queue_poll(queue.get(), 200));
    if (!event) continue;
    if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_ERROR) {
      // Connections break and are made again; what is about this partition is an answer.
      const PartitionPlace place(rd_kafka_event_topic_partition(event.get()));
      if (!place || place->partition != partition.value) continue;
      const rd_kafka_resp_err_t code = rd_kafka_event_error(event.get());
      if (code == RD_KAFKA_RESP_ERR__PARTITION_EOF) return std::optional<EventBatch>();
      if (code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
        return Error(ErrorCode::kNotFound, wanted + ": the hub does not have it", parts_.settings.url);
      return client_->error(wanted, code, rd_kafka_event_error_string(event.get()));
    }
    if (rd_kafka_event_type(event.get()) != RD_KAFKA_EVENT_FETCH) continue;
    const rd_kafka_message_t* const message = rd_kafka_event_message_next(event.get());
    if (message == nullptr || message->partition != partition.value) continue;
    BatchBuilder builder(partition, Sequence(message->offset), {});
    builder.add(Sequence(message->offset), time_of(*message, clock_.now()),
                {static_cast<const char*>(message->payload), message->payload == nullptr ? 0 : message->len});
    return std::optional<EventBatch>(builder.finish(false, clock));
  }
  return client_->error(wanted, RD_KAFKA_RESP_ERR__TIMED_OUT);
}

}  // namespace changevault::kafka
