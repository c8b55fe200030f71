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
  if (lost) CV_TRY(give_back());
  return news;
}

Result<void> Assignment::settle() {
  if (awaits_unassign_) CV_TRY(give_back());
  if (!std::exchange(awaits_assign_, false)) return {};
  std::vector<std::pair<std::int32_t, std::int64_t>> places;
  for (auto& [partition, reading] : readings_) {
    if (reading.given || !reading.next) continue;
    reading.given = true;
    places.emplace_back(partition.value, reading.next->value);
  }
  return tell(true, places);
}

Result<void> Assignment::give_back() {
  awaits_unassign_ = false;
  std::vector<std::pair<std::int32_t, std::int64_t>> places;
  for (const PartitionId partition : std::exchange(to_give_back_, {})) {
    const Reading* const reading = find(partition);
    if (reading != nullptr && reading->given) places.emplace_back(partition.value, RD_KAFKA_OFFSET_INVALID);
    readings_.erase(partition);
  }
  return tell(false, places);
}

Result<void> Assignment::read_from(PartitionId partition, Sequence next) {
  Reading& reading = readings_[partition];
  if (reading.given) CV_TRY(tell(false, {{partition.value, RD_KAFKA_OFFSET_INVALID}}));
  reading = {.next = next};
  // The answer to an assignment that waits names it with the others.
  if (awaits_assign_) return {};
  CV_TRY(tell(true, {{partition.value, next.value}}));
  reading.given = true;
  return {};
}

Result<void> Assignment::tell(bool adds, const std::vector<std::pair<std::int32_t, std::int64_t>>& places) {
  const PartitionList list = partition_list(client_.parts().settings.topic, places);
  const KafkaError failed(adds ? rd_kafka_incremental_assign(client_.handle(), list.get())
                               : rd_kafka_incremental_unassign(client_.handle(), list.get()));
  if (!failed) return {};
  return client_.error(adds ? "cannot read the partitions" : "cannot give partitions back",
                       rd_kafka_error_code(failed.get()), rd_kafka_error_string(failed.get()));
}

}  // namespace changevault::kafka
