#include "hub/kafka/assignment.h"

#include <utility>

namespace changevault::kafka {

Assignment::Reading* Assignment::find(PartitionId partition) {
  const auto found = readings_.find(partition);
  return found == readings_.end() ? nullptr : &found->second;
}

Result<Poll> Assignment::hear(rd_kafka_event_t* event) {
  Poll news;
  const bool assigns = rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
  const bool lost = !assigns && rd_kafka_assignment_lost(client_.handle()) != 0;
  (assigns ? awaits_assign_ : awaits_unassign_) = true;
  const rd_kafka_topic_partition_list_t* const list = rd_kafka_event_topic_partition_list(event);
  for (int i = 0; list != nullptr && i < list->cnt; ++i) {
    const PartitionId partition(list->elems[i].partition);
    if (assigns) {
      readings_[partition] = {};
      news.assigned.push_back(partition);
    } else {
      to_give_back_.push_back(partition);
      (lost ? news.lost : news.revoked).push_back(partition);
    }
  }
  // Where that fails it stays to be given back: the news of it must not be lost.
  if (lost) ignore_error(give_back(), "settle() does it again");
  return news;
}

Result<void> Assignment::settle() {
  if (awaits_unassign_) CV_TRY(give_back());
  if (!awaits_assign_) return {};
  std::vector<std::pair<std::int32_t, std::int64_t>> places;
  for (const auto& [partition, reading] : readings_) {
    if (!reading.given && reading.next) places.emplace_back(partition.value, reading.next->value);
  }
  CV_TRY(tell(true, places));
  awaits_assign_ = false;
  for (auto& [partition, reading] : readings_) reading.given = reading.next.has_value();
  return {};
}

Result<void> Assignment::give_back() {
  std::vector<std::pair<std::int32_t, std::int64_t>> places;
  for (const PartitionId partition : to_give_back_) {
    const Reading* const reading = find(partition);
    if (reading != nullptr && reading->given) places.emplace_back(partition.value, RD_KAFKA_OFFSET_INVALID);
  }
  CV_TRY(tell(false, places));
  awaits_unassign_ = false;
  for (const PartitionId partition : std::exchange(to_give_back_, {})) readings_.erase(partition);
  return {};
}

// A partition that is read already is moved by a seek: to take it back and give it again would be taken for
// an answer, where a word of the group waits to be heard. One whose position was refused is not read any
// more.
Result<void> Assignment::read_from(PartitionId partition, Sequence next) {
  Reading& reading = readings_[partition];
  const bool given = reading.given;
  const bool sought = given && !reading.refused && seek(partition, next);
  if (given && !sought) {
    CV_TRY(tell(false, {{partition.value, RD_KAFKA_OFFSET_INVALID}}));
    reading.given = false;
  }
  // The answer to an assignment that waits names it with the others.
  if (!sought && !awaits_assign_) CV_TRY(tell(true, {{partition.value, next.value}}));
  reading = {.next = next, .given = sought || !awaits_assign_};
  return {};
}

bool Assignment::seek(PartitionId partition, Sequence next) {
  constexpr int kAnswerMs = 2000;
  const PartitionList list = partition_list(client_.parts().settings.topic, {{partition.value, next.value}});
  const KafkaError failed(rd_kafka_seek_partitions(client_.handle(), list.get(), kAnswerMs));
  return !failed && list->elems[0].err == RD_KAFKA_RESP_ERR_NO_ERROR;
}

Result<void> Assignment::tell(bool adds, const std::vector<std::pair<std::int32_t, std::int64_t>>& places) {
  const PartitionList list = partition_list(client_.parts().settings.topic, places);
  const KafkaError failed(adds ? rd_kafka_incremental_assign(client_.handle(), list.get())
                               : rd_kafka_incremental_unassign(client_.handle(), list.get()));
  if (!failed) return {};
  Error error = client_.error(adds ? "cannot read the partitions" : "cannot give partitions back",
                              rd_kafka_error_code(failed.get()), rd_kafka_error_string(failed.get()));
  error.retryable = false;  // it is not the brokers that refuse
  return error;
}

}  // namespace changevault::kafka
