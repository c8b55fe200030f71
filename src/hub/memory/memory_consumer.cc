#include <algorithm>
#include <utility>

#include "base/mutex.h"
#include "hub/batch_builder.h"
#include "hub/hub_checks.h"
#include "hub/memory/memory_state.h"
#include "hub/poll_cycle.h"

namespace changevault {
namespace {

class MemoryConsumer final : public Consumer, private FetchSource {
 public:
  MemoryConsumer(std::shared_ptr<MemoryHubState> state, std::string group,
                 std::shared_ptr<MemoryHubState::Member> member, Clock& clock)
      : state_(std::move(state)),
        group_(std::move(group)),
        member_(std::move(member)),
        clock_(clock),
        cycle_(*this, clock) {}

  Result<Poll> poll(Duration timeout, std::stop_token stop) override {
    Poll poll;
    give_back();
    if (take_notices(poll)) return poll;
    CV_ASSIGN(poll.batch, cycle_.next(timeout, std::move(stop)));
    if (!poll.batch) take_notices(poll);
    return poll;
  }

  Result<void> seek(PartitionId partition, Sequence next) override {
    const MutexLock lock(state_->mutex);
    CV_TRY(check_partition(partition));
    CV_TRY(check_position(state_->bounds(partition), next, "memory:"));
    CV_TRY(check_assigned(cycle_.has(partition), partition));
    cycle_.seek(partition, next);
    return {};
  }

  Result<void> commit(PartitionId partition, Sequence next) override {
    const MutexLock lock(state_->mutex);
    CV_TRY(check_partition(partition));
    CV_TRY(check_commit(state_->bounds(partition), next, "memory:"));
    if (!member_->partitions.contains(partition)) return not_the_reader(partition, group_, "memory:");
    state_->groups[group_].positions[partition] = next;
    return {};
  }

 private:
  Result<void> check_partition(PartitionId partition) const CV_REQUIRES(state_->mutex) {
    if (state_->has(partition)) return {};
    return no_such_partition(partition, static_cast<std::int32_t>(state_->partitions.size()), "memory:");
  }

  void give_back() {
    const MutexLock lock(state_->mutex);
    for (const PartitionId partition : std::exchange(giving_up_, {})) member_->partitions.erase(partition);
  }

  bool take_notices(Poll& poll) {
    const MutexLock lock(state_->mutex);
    for (const AssignmentNotice& notice : member_->notices) {
      switch (notice.kind) {
        case AssignmentNotice::Kind::kAssigned:
          cycle_.add(notice.partition);
          member_->partitions.insert(notice.partition);
          poll.assigned.push_back(notice.partition);
          break;
        case AssignmentNotice::Kind::kRevoked:
          cycle_.remove(notice.partition);
          giving_up_.push_back(notice.partition);
          poll.revoked.push_back(notice.partition);
          break;
        case AssignmentNotice::Kind::kLost:
          cycle_.remove(notice.partition);
          member_->partitions.erase(notice.partition);
          poll.lost.push_back(notice.partition);
          break;
      }
    }
    const bool any = !member_->notices.empty();
    member_->notices.clear();
    return any;
  }

  Result<EventBatch> fetch(PartitionId partition, Sequence at) override {
    const Timestamp now = clock_.now();
    const MutexLock lock(state_->mutex);
    return fetch_from_memory(*state_, partition, at, now, FetchLimits().events);
  }

  Result<std::int64_t> change_mark() override {
    const MutexLock lock(state_->mutex);
    return state_->changes;
  }

  bool has_notice() override {
    const MutexLock lock(state_->mutex);
    return !member_->notices.empty();
  }

  std::shared_ptr<MemoryHubState> state_;
  std::string group_;
  std::shared_ptr<MemoryHubState::Member> member_;
  std::vector<PartitionId> giving_up_;  // revoked with the poll before
  Clock& clock_;
  PollCycle cycle_;
};

}  // namespace

Sequence MemoryHubState::append(PartitionId id, std::string payload, Timestamp time, bool is_live) {
  MemoryPartition& to = partition(id);
  to.events.push_back({to.next, time, std::move(payload)});
  newest = std::max(newest.value_or(time), time);
  live = is_live;
  ++changes;
  return std::exchange(to.next, to.next.next());
}

std::vector<MemberDescription> MemoryHubState::members(const std::string& group) {
  std::vector<MemberDescription> out;
  for (const auto& entry : groups[group].members) {
    const auto member = entry.lock();
    if (!member) continue;
    out.push_back({member->name, {member->partitions.begin(), member->partitions.end()}});
  }
  return out;
}

Result<EventBatch> fetch_from_memory(MemoryHubState& state, PartitionId partition, Sequence at, Timestamp now,
                                     std::size_t max_events) {
  if (!state.has(partition)) {
    return no_such_partition(partition, static_cast<std::int32_t>(state.partitions.size()), "memory:");
  }
  const MemoryPartition& from = state.partition(partition);
  CV_TRY(check_position(state.bounds(partition), at, "memory:"));
  BatchBuilder batch(partition, at, {.events = max_events});
  auto event = std::ranges::lower_bound(from.events, at, {}, &StoredEvent::sequence);
  for (; event != from.events.end() && !batch.full(); ++event)
    batch.add(event->sequence, event->time, event->payload);
  const bool at_end = event == from.events.end();
  // Behind the last event there may be positions without one: the batch takes them along.
  EventBatch result = batch.finish(at_end, state.clock(now));
  if (at_end) result.next = from.next;
  return result;
}

Result<std::unique_ptr<Consumer>> join_memory_hub(const std::shared_ptr<MemoryHubState>& state,
                                                  const std::string& group, const GroupOwner& owner,
                                                  Clock& clock) {
  CV_TRY(check_group_name(group));
  auto member = std::make_shared<MemoryHubState::Member>();
  const MutexLock lock(state->mutex);
  CV_TRY(check_owner(group, state->groups[group].owner, owner, "memory:"));
  state->groups[group].owner = owner;
  member->name = "member " + std::to_string(state->joined++);
  for (std::size_t i = 0; i < state->partitions.size(); ++i) {
    member->notices.push_back({AssignmentNotice::Kind::kAssigned, PartitionId(static_cast<std::int32_t>(i))});
  }
  state->groups[group].members.push_back(member);
  return std::unique_ptr<Consumer>(std::make_unique<MemoryConsumer>(state, group, member, clock));
}

}  // namespace changevault
