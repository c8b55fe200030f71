#include "hub/memory/memory_hub.h"

#include <algorithm>

#include "base/mutex.h"
#include "codec/document_key.h"
#include "hub/hub_checks.h"
#include "hub/memory/memory_state.h"

namespace changevault {
namespace {

class MemoryProducer final : public Producer {
 public:
  MemoryProducer(std::shared_ptr<MemoryHubState> state, Clock& clock)
      : state_(std::move(state)), clock_(clock) {}

  Result<void> append(std::vector<Message> messages) override {
    const MutexLock lock(state_->mutex);
    const Timestamp now = clock_.now();
    for (Message& message : messages) {
      if (message.payload.size() > state_->largest_payload)
        return Error(ErrorCode::kUsage, "a payload is larger than the hub takes", "memory:");
      const PartitionId partition(
          partition_of(message.key, static_cast<std::int32_t>(state_->partitions.size())));
      state_->append(partition, std::move(message.payload), std::min(message.time.value_or(now), now),
                     !message.time);
    }
    return {};
  }
  std::size_t largest_payload() const override {
    const MutexLock lock(state_->mutex);
    return state_->largest_payload;
  }

 private:
  std::shared_ptr<MemoryHubState> state_;
  Clock& clock_;
};

void notify(MemoryHubState& state, const std::string& group, AssignmentNotice notice) {
  const MutexLock lock(state.mutex);
  for (const auto& member : state.groups[group].members) {
    if (const auto held = member.lock()) held->notices.push_back(notice);
  }
}

// All or nothing.
Result<void> set_positions(MemoryHubState& state, const std::string& group, const GroupPositions& positions)
    CV_REQUIRES(state.mutex) {
  for (const auto& [partition, next] : positions) {
    if (!state.has(partition))
      return no_such_partition(partition, static_cast<std::int32_t>(state.partitions.size()), "memory:");
    CV_TRY(check_commit(state.bounds(partition), next, "memory:"));
  }
  for (const auto& [partition, next] : positions) state.groups[group].positions[partition] = next;
  return {};
}

}  // namespace

MemoryHub::MemoryHub(std::int32_t partitions, Clock& clock, std::string identity)
    : state_(std::make_shared<MemoryHubState>()), clock_(clock) {
  const MutexLock lock(state_->mutex);
  state_->identity = std::move(identity);
  state_->partitions.resize(static_cast<std::size_t>(partitions));
}

Result<HubDescription> MemoryHub::describe() {
  const MutexLock lock(state_->mutex);
  return HubDescription{"memory", state_->identity, "memory",
                        static_cast<std::int32_t>(state_->partitions.size()), true};
}

Result<std::vector<PartitionBounds>> MemoryHub::bounds() {
  const MutexLock lock(state_->mutex);
  std::vector<PartitionBounds> bounds;
  for (std::size_t i = 0; i < state_->partitions.size(); ++i) {
    bounds.push_back(state_->bounds(PartitionId(static_cast<std::int32_t>(i))));
  }
  return bounds;
}

Result<HubClock> MemoryHub::clock() {
  const Timestamp now = clock_.now();
  const MutexLock lock(state_->mutex);
  return state_->clock(now);
}

Result<std::optional<EventBatch>> MemoryHub::read(PartitionId partition, Sequence at) {
  const Timestamp now = clock_.now();
  const MutexLock lock(state_->mutex);
  if (state_->has(partition)) {
    const PartitionBounds bounds = state_->bounds(partition);
    if (at < bounds.first || at >= bounds.next) return std::optional<EventBatch>();
  }
  CV_ASSIGN(EventBatch batch, fetch_from_memory(*state_, partition, at, now, 1));
  if (batch.events.empty() || batch.events.front().sequence != at) return std::optional<EventBatch>();
  return std::optional<EventBatch>(std::move(batch));
}

Result<Sequence> MemoryHub::at_time(PartitionId partition, Timestamp time) {
  const MutexLock lock(state_->mutex);
  if (!state_->has(partition))
    return no_such_partition(partition, static_cast<std::int32_t>(state_->partitions.size()), url());
  const MemoryPartition& in = state_->partition(partition);
  const auto found = std::ranges::find_if(in.events, [&](const auto& event) { return event.time >= time; });
  return found == in.events.end() ? in.next : found->sequence;
}

Result<std::unique_ptr<Consumer>> MemoryHub::join(const std::string& group, const GroupOwner& owner) {
  return join_memory_hub(state_, group, owner, clock_);
}

Result<std::unique_ptr<Producer>> MemoryHub::producer() {
  return std::unique_ptr<Producer>(std::make_unique<MemoryProducer>(state_, clock_));
}

Result<std::vector<std::string>> MemoryHub::groups() {
  const MutexLock lock(state_->mutex);
  std::vector<std::string> names;
  for (const auto& [name, group] : state_->groups) names.push_back(name);
  return names;
}

Result<GroupDescription> MemoryHub::describe_group(const std::string& group) {
  const MutexLock lock(state_->mutex);
  const auto found = state_->groups.find(group);
  if (found == state_->groups.end()) return no_such_group(group, url());
  GroupDescription description{group, {}, state_->members(group), found->second.owner};
  for (std::size_t i = 0; i < state_->partitions.size(); ++i) {
    const PartitionId id(static_cast<std::int32_t>(i));
    const auto position = found->second.positions.find(id);
    const bool committed = position != found->second.positions.end();
    description.positions.push_back(
        {id, committed ? std::optional(position->second) : std::nullopt, state_->bounds(id)});
  }
  return description;
}

Result<void> MemoryHub::create_group(const std::string& group, const GroupPositions& positions) {
  CV_TRY(check_group_name(group));
  const MutexLock lock(state_->mutex);
  if (state_->groups.contains(group)) return group_exists(group, url());
  CV_TRY(set_positions(*state_, group, positions));
  state_->groups[group];
  return {};
}

Result<void> MemoryHub::reset_group(const std::string& group, const GroupPositions& positions) {
  const MutexLock lock(state_->mutex);
  if (!state_->groups.contains(group)) return no_such_group(group, url());
  const auto members = state_->members(group);
  if (!members.empty()) return group_is_busy(group, members, url());
  return set_positions(*state_, group, positions);
}

Result<void> MemoryHub::delete_group(const std::string& group) {
  CV_TRY(check_not_default(group, url()));
  const MutexLock lock(state_->mutex);
  if (!state_->groups.contains(group)) return no_such_group(group, url());
  const auto members = state_->members(group);
  if (!members.empty()) return group_is_busy(group, members, url());
  state_->groups.erase(group);
  return {};
}

Result<void> MemoryHub::raise_partitions(std::int32_t partitions) {
  const MutexLock lock(state_->mutex);
  const auto has = static_cast<std::int32_t>(state_->partitions.size());
  CV_TRY(check_raise(has, partitions, url()));
  state_->partitions.resize(static_cast<std::size_t>(partitions));
  for (auto& [name, group] : state_->groups) {
    for (const auto& member : group.members) {
      const auto held = member.lock();
      for (std::int32_t i = has; held && i < partitions; ++i)
        held->notices.push_back({AssignmentNotice::Kind::kAssigned, PartitionId(i)});
    }
  }
  return {};
}

Sequence MemoryHub::append(PartitionId partition, std::string payload, Timestamp broker_time, bool live) {
  const MutexLock lock(state_->mutex);
  return state_->append(partition, std::move(payload), broker_time, live);
}

void MemoryHub::skip(PartitionId partition, std::int64_t positions) {
  const MutexLock lock(state_->mutex);
  MemoryPartition& in = state_->partition(partition);
  in.next = in.next.next(positions);
  ++state_->changes;
}

void MemoryHub::limit_payload(std::size_t bytes) {
  const MutexLock lock(state_->mutex);
  state_->largest_payload = bytes;
}

void MemoryHub::trim(PartitionId partition, Sequence first) {
  const MutexLock lock(state_->mutex);
  MemoryPartition& in = state_->partition(partition);
  in.first = std::clamp(first, in.first, in.next);
  for (; !in.events.empty() && in.events.front().sequence < in.first; in.events.pop_front()) {
    in.gone = std::max(in.gone.value_or(in.events.front().time), in.events.front().time);
  }
  ++state_->changes;
}

void MemoryHub::assign(const std::string& group, PartitionId partition) {
  notify(*state_, group, {AssignmentNotice::Kind::kAssigned, partition});
}

void MemoryHub::revoke(const std::string& group, PartitionId partition) {
  notify(*state_, group, {AssignmentNotice::Kind::kRevoked, partition});
}

void MemoryHub::lose(const std::string& group, PartitionId partition) {
  notify(*state_, group, {AssignmentNotice::Kind::kLost, partition});
}

void MemoryHub::replace(std::string identity) {
  const MutexLock lock(state_->mutex);
  const std::size_t partitions = state_->partitions.size();
  state_->identity = std::move(identity);
  state_->partitions.assign(partitions, MemoryPartition());
  state_->newest.reset();
  state_->live = false;
  ++state_->changes;
}

}  // namespace changevault
