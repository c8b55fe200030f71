#include "hub/kafka/position_commits.h"

#include <utility>

namespace changevault::kafka {
namespace {

constexpr Duration kBetween = milliseconds(300);
constexpr Duration kAfterSilence = seconds(30);
constexpr int kAnswerMs = 5000;

}  // namespace

bool PositionCommits::is_due(const Entry& entry) const {
  if (!entry.waiting) return false;
  return !entry.not_before || clock_.steady().ms >= entry.not_before->ms;
}

Result<void> PositionCommits::put(PartitionId partition, Sequence next) {
  Entry& entry = entries_[partition];
  entry.waiting = next;
  if (!is_due(entry)) return {};
  return send({partition});
}

// Who was fenced hears of it from the group.
void PositionCommits::flush_due() {
  std::vector<PartitionId> due;
  for (const auto& [partition, entry] : entries_) {
    if (is_due(entry)) due.push_back(partition);
  }
  ignore_error(send(due), "a hint");
}

void PositionCommits::flush() {
  std::vector<PartitionId> all;
  for (const auto& [partition, entry] : entries_) {
    if (entry.waiting) all.push_back(partition);
  }
  ignore_error(send(all), "a hint");
}

void PositionCommits::forget(PartitionId partition) {
  entries_.erase(partition);
}

Result<void> PositionCommits::send(const std::vector<PartitionId>& partitions) {
  if (partitions.empty()) return {};
  std::vector<std::pair<std::int32_t, std::int64_t>> places;
  for (const PartitionId partition : partitions)
    places.emplace_back(partition.value, entries_[partition].waiting->value);
  const PartitionList list = partition_list(client_.parts().settings.topic, places);
  for (int i = 0; i < list->cnt; ++i) set_metadata(list->elems[i], mark_);
  const Queue answers(rd_kafka_queue_new(client_.handle()));
  rd_kafka_resp_err_t code =
      rd_kafka_commit_queue(client_.handle(), list.get(), answers.get(), nullptr, nullptr);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
    const Event answer(rd_kafka_queue_poll(answers.get(), kAnswerMs));
    code = answer ? rd_kafka_event_error(answer.get()) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    const rd_kafka_topic_partition_list_t* const each =
        answer ? rd_kafka_event_topic_partition_list(answer.get()) : nullptr;
    for (int i = 0; each != nullptr && i < each->cnt && code == RD_KAFKA_RESP_ERR_NO_ERROR; ++i)
      code = each->elems[i].err;
  }
  const bool answered = code != RD_KAFKA_RESP_ERR__TIMED_OUT;
  const Duration not_before{clock_.steady().ms + (answered ? kBetween.ms : kAfterSilence.ms)};
  for (const PartitionId partition : partitions) entries_[partition].not_before = not_before;
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
    for (const PartitionId partition : partitions) entries_[partition].waiting.reset();
    return {};
  }
  const Error error = client_.error("the group's position was not committed", code);
  // It stays waiting: the next flush tries again. What the archive holds does not depend on it.
  if (error.code != ErrorCode::kFenced) return {};
  for (const PartitionId partition : partitions) entries_[partition].waiting.reset();
  return error;
}

}  // namespace changevault::kafka
