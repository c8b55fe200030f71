#include "service/event_ages.h"

#include <algorithm>

namespace changevault {

std::optional<EventAge> EventAges::of(PartitionId partition, Sequence at) {
  if (failed_) return std::nullopt;
  if (!clock_) {
    const Result<HubClock> clock = hub_.clock();
    failed_ = !clock.has_value();
    if (failed_) return std::nullopt;
    clock_ = *clock;
  }
  const Result<std::optional<EventBatch>> read = hub_.read_from(partition, at);
  failed_ = !read.has_value();
  if (failed_ || !*read || (*read)->events.empty()) return std::nullopt;
  const Timestamp time = (*read)->events.front().broker_time;
  return EventAge{time, std::max(Duration{}, clock_->now - time)};
}

std::optional<Duration> EventAges::lag_of(const GroupPosition& position) {
  if (position.lag() <= 0) return Duration{};
  const Sequence next = position.next.value_or(position.bounds.first);
  if (next < position.bounds.first) return std::nullopt;
  const std::optional<EventAge> oldest = of(position.partition, next);
  if (oldest) return oldest->age;
  // Numbers without events: nothing waits there.
  return answered() ? std::optional(Duration{}) : std::nullopt;
}

}  // namespace changevault
