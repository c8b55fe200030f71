#include "archive/once_target.h"

#include <utility>

#include <fmt/core.h>

#include "archive/resume_point.h"

namespace changevault {
namespace {

constexpr Duration kAskEvery = milliseconds(200);

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
  if (!std::exchange(told_, true)) {
    context_.tell(fmt::format("waiting for partition {}, which another member of the group '{}' holds{}",
                              partition.value, context_.options.group,
                              point.owner.empty() ? "" : " (last written by " + point.owner + ")"));
  }
  return false;
}

}  // namespace changevault
