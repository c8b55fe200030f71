#include "hub/memory/memory_hub.h"

#include <algorithm>

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
    const std::lock_guard lock(state_->mutex);
    const Timestamp now = clock_.now();
    for (Message& message : messages) {
      const PartitionId partition(
          partition_of(message.key, static_cast<std::int32_t>(state_->partitions.size())));
      state_->append(partition, std::move(message.payload), std::min(message.time.value_or(now), now),
                     !message.time);
    }
    return {};
  }

 private:
  std::shared_ptr<MemoryHubState> state_;
  Clock& clock_;
};

void notify(MemoryHubState& state, const std::string& group, AssignmentNotice notice) {
  const std::lock_guard lock(state.mutex);
  for (const auto& member : state.groups[group].members) {
    if (const auto notices = member.lock()) notices->push_back(notice);
  }
}

}  // namespace

MemoryHub::MemoryHub(std::int32_t partitions, Clock& clock, std::string identity)
    : state_(std::make_shared<MemoryHubState>()), clock_(clock) {
  state_->identity = std::move(identity);
  state_->partitions.resize(static_cast<std::size_t>(partitions));
}

Result<HubDescription> MemoryHub::describe() {
  const std::lock_guard lock(state_->mutex);
  return HubDescription{"memory", state_->identity, "memory",
                        static_cast<std::int32_t>(state_->partitions.size())};
}

Result<std::vector<PartitionBounds>> MemoryHub::bounds() {
  const std::lock_guard lock(state_->mutex);
  std::vector<PartitionBounds> bounds;
  for (std::size_t i = 0; i < state_->partitions.size(); ++i) {
    bounds.push_back(state_->bounds(PartitionId(static_cast<std::int32_t>(i))));
  }
  return bounds;
}

Result<HubClock> MemoryHub::clock() {
  const Timestamp now = clock_.now();
  const std::lock_guard lock(state_->mutex);
  return state_->clock(now);
}

Result<std::optional<EventBatch>> MemoryHub::read(PartitionId partition, Sequence at) {
  const Timestamp now = clock_.now();
  const std::lock_guard lock(state_->mutex);
  if (state_->has(partition)) {
    const PartitionBounds bounds = state_->bounds(partition);
    if (at < bounds.first || at >= bounds.next) return std::optional<EventBatch>();
  }
  CV_ASSIGN(EventBatch batch, fetch_from_memory(*state_, partition, at, now, 1));
  if (batch.events.empty() || batch.events.front().sequence != at) return std::optional<EventBatch>();
  return std::optional<EventBatch>(std::move(batch));
}

Result<std::unique_ptr<Consumer>> MemoryHub::join(const std::string& group) {
  return join_memory_hub(state_, group, clock_);
}

Result<std::unique_ptr<Producer>> MemoryHub::producer() {
  return std::unique_ptr<Producer>(std::make_unique<MemoryProducer>(state_, clock_));
}

Result<std::vector<std::string>> MemoryHub::groups() {
  const std::lock_guard lock(state_->mutex);
  std::vector<std::string> names;
  for (const auto& [name, group] : state_->groups) names.push_back(name);
  return names;
}

Result<GroupDescription> MemoryHub::describe_group(const std::string& group) {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->groups.find(group);
  if (found == state_->groups.end()) return no_such_group(group, url());
  GroupDescription description{group, {}};
  for (std::size_t i = 0; i < state_->partitions.size(); ++i) {
    const PartitionId id(static_cast<std::int32_t>(i));
    const auto position = found->second.positions.find(id);
    const bool committed = position != found->second.positions.end();
    description.positions.push_back(
        {id, committed ? std::optional(position->second) : std::nullopt, state_->bounds(id)});
  }
  return description;
}

Sequence MemoryHub::append(PartitionId partition, std::string payload, Timestamp broker_time, bool live) {
  const std::lock_guard lock(state_->mutex);
  return state_->append(partition, std::move(payload), broker_time, live);
}

void MemoryHub::skip(PartitionId partition, std::int64_t positions) {
  const std::lock_guard lock(state_->mutex);
  MemoryPartition& in = state_->partition(partition);
  in.next = in.next.next(positions);
  ++state_->changes;
}

void MemoryHub::trim(PartitionId partition, Sequence first) {
  const std::lock_guard lock(state_->mutex);
  MemoryPartition& in = state_->partition(partition);
  in.first = std::clamp(first, in.first, in.next);
  while (!in.events.empty() && in.events.front().sequence < in.first) in.events.pop_front();
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
  const std::lock_guard lock(state_->mutex);
  const std::size_t partitions = state_->partitions.size();
  state_->identity = std::move(identity);
  state_->partitions.assign(partitions, MemoryPartition());
  state_->newest.reset();
  state_->live = false;
  ++state_->changes;
}

}  // namespace changevault
