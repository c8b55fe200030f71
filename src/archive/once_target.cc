#include "archive/once_target.h"

#include <utility>

#include <fmt/core.h>

#include "archive/resume_point.h"

namespace changevault {
namespace {

constexpr Duration kAskEvery = milliseconds(200);
// Beside two flush intervals: for a slow upload, and a store that answers late.
constexpr Duration kSlack = seconds(30);

}  // namespace

Result<void> OnceTarget::look() {
  CV_ASSIGN(const std::vector<PartitionBounds> bounds, context_.parts.hub.bounds());
  for (const PartitionBounds& b : bounds) ends_[b.partition] = b;
  reached_.clear();
  return {};
}

Result<bool> OnceTarget::reached_by_others(PartitionId partition) {
  if (reached_.contains(partition)) return true;
  const Archiver::Parts& parts = context_.parts;
  const Duration now = parts.clock.steady();
  if (now.ms - asked_at_.ms < kAskEvery.ms) return false;
  Chain chain(parts.store, parts.layout.partition_chain(partition));
  CV_ASSIGN(const ResumePoint point, read_resume_point(chain, sealer_.promised_end(partition)));
  const PartitionBounds& end = ends_.at(partition);
  const bool archived = point.next && point.epoch == context_.identity.epoch && *point.next >= end.next;
  if (archived || end.next == end.first) {
    reached_.insert(partition);
    return true;
  }
  asked_at_ = now;
  const auto sighting = sightings_.try_emplace(partition, Sighting{point.end, now}).first;
  if (sighting->second.end != point.end) sighting->second = {point.end, now};
  const std::int64_t patience = 2 * context_.options.flush_interval.ms + kSlack.ms;
  if (now.ms - sighting->second.since.ms >= patience) return gives_up(partition, point.owner);
  if (!std::exchange(told_, true)) {
    context_.tell(fmt::format("waiting for partition {}, which another member of the group '{}' holds{}",
                              partition.value, context_.options.group,
                              point.owner.empty() ? "" : " (last written by " + point.owner + ")"));
  }
  return false;
}

Error OnceTarget::gives_up(PartitionId partition, const std::string& last_owner) const {
  const std::string& group = context_.options.group;
  return Error(
      ErrorCode::kBusy,
      fmt::format("partition {} is held by another member of the group '{}', which archives nothing of it{}",
                  partition.value, group,
                  last_owner.empty() ? std::string() : " (last written by " + last_owner + ")"),
      context_.parts.hub.url(),
      fmt::format("what this run archived is listed. See who reads what with: changevault groups describe "
                  "'{}'; stop that one, then run the command again",
                  group));
}

}  // namespace changevault
