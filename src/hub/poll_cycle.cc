#include "hub/poll_cycle.h"

#include <algorithm>

namespace changevault {
namespace {

// Between two looks at the change mark: what an event waits at most, at a cost of 100 cheap looks a second.
constexpr Duration kLookInterval = milliseconds(10);

}  // namespace

void PollCycle::add(PartitionId partition) {
  if (!has(partition)) positions_.push_back({partition, std::nullopt, false});
}

void PollCycle::remove(PartitionId partition) {
  std::erase_if(positions_, [&](const Position& position) { return position.partition == partition; });
}

bool PollCycle::has(PartitionId partition) const {
  return std::ranges::any_of(positions_,
                             [&](const Position& position) { return position.partition == partition; });
}

void PollCycle::seek(PartitionId partition, Sequence next) {
  for (Position& position : positions_) {
    if (position.partition == partition) position = {partition, next, false};
  }
}

Result<std::optional<EventBatch>> PollCycle::next(Duration timeout, std::stop_token stop) {
  const Duration deadline{clock_.steady().ms + timeout.ms};
  while (!stop.stop_requested()) {
    CV_ASSIGN(const std::int64_t mark, source_.change_mark());
    if (source_.has_notice()) break;
    Result<std::optional<EventBatch>> asked = ask_each();
    if (!asked.has_value() || asked->has_value()) return asked;
    CV_ASSIGN(const bool changed, wait_for_change(mark, deadline, stop));
    if (changed) continue;
    if (stop.stop_requested() || source_.has_notice()) break;
    for (Position& position : positions_) position.end_reported = false;
    return ask_each();
  }
  return std::optional<EventBatch>();
}

Result<std::optional<EventBatch>> PollCycle::ask_each() {
  for (std::size_t i = 0; i < positions_.size(); ++i) {
    const std::size_t at = (turn_ + i) % positions_.size();
    Position& position = positions_[at];
    if (!position.next) continue;
    CV_ASSIGN(EventBatch batch, source_.fetch(position.partition, *position.next));
    const bool moved = batch.next != *position.next;
    if (!moved && (!batch.at_end || position.end_reported)) continue;
    position.next = batch.next;
    position.end_reported = batch.at_end;
    turn_ = at + 1;
    return std::optional<EventBatch>(std::move(batch));
  }
  return std::optional<EventBatch>();
}

Result<bool> PollCycle::wait_for_change(std::int64_t mark, Duration deadline, const std::stop_token& stop) {
  while (true) {
    if (stop.stop_requested() || source_.has_notice()) return false;
    const Duration left{deadline.ms - clock_.steady().ms};
    if (left.ms <= 0) return false;
    if (!clock_.sleep(std::min(left, kLookInterval), stop)) return false;
    CV_ASSIGN(const std::int64_t now, source_.change_mark());
    if (now != mark) return true;
  }
}

}  // namespace changevault
