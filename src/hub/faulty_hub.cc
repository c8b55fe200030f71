#include "hub/faulty_hub.h"

#include <algorithm>
#include <deque>
#include <utility>

namespace changevault {
namespace {

std::string text(PartitionId partition) {
  return std::to_string(partition.value);
}

class FaultyConsumer final : public Consumer {
 public:
  FaultyConsumer(std::unique_ptr<Consumer> inner, const FaultyHub::Hook& hook)
      : inner_(std::move(inner)), hook_(hook) {}

  Result<Poll> poll(Duration timeout, std::stop_token stop) override {
    const Fault fault = hook_(HubOperation::kPoll, {});
    if (fault == Fault::kWrongAnswer) return Poll();
    if (fault == Fault::kFailBefore || fault == Fault::kPartial)
      return injected_error(fault, name(HubOperation::kPoll), {});
    CV_ASSIGN(Poll answer, next(timeout, std::move(stop)));
    if (fault == Fault::kNone) return answer;
    lost_.push_back(std::move(answer));
    return injected_error(fault, name(HubOperation::kPoll), {});
  }

  Result<void> seek(PartitionId partition, Sequence next) override {
    // What was on its way to the old position is not asked for any more.
    std::erase_if(lost_, [&](const Poll& poll) { return poll.batch && poll.batch->partition == partition; });
    return call_with(hook_(HubOperation::kSeek, text(partition)), name(HubOperation::kSeek), text(partition),
                     [&] { return inner_->seek(partition, next); });
  }

  Result<void> commit(PartitionId partition, Sequence next) override {
    return call_with(hook_(HubOperation::kCommit, text(partition)), name(HubOperation::kCommit),
                     text(partition), [&] { return inner_->commit(partition, next); });
  }

 private:
  Result<Poll> next(Duration timeout, std::stop_token stop) {
    if (lost_.empty()) return inner_->poll(timeout, std::move(stop));
    Poll answer = std::move(lost_.front());
    lost_.pop_front();
    return answer;
  }

  std::unique_ptr<Consumer> inner_;
  const FaultyHub::Hook& hook_;
  std::deque<Poll> lost_;  // answers that are given with later polls
};

class FaultyProducer final : public Producer {
 public:
  FaultyProducer(std::unique_ptr<Producer> inner, const FaultyHub::Hook& hook)
      : inner_(std::move(inner)), hook_(hook) {}

  Result<void> append(std::vector<Message> messages) override {
    const Fault fault = hook_(HubOperation::kAppend, {});
    if (fault == Fault::kPartial) {
      messages.resize(messages.size() / 2);
      if (!messages.empty()) ignore_error(inner_->append(std::move(messages)), "what is taken of it");
      return injected_error(fault, name(HubOperation::kAppend), {});
    }
    return call_with(fault, name(HubOperation::kAppend), {},
                     [&] { return inner_->append(std::move(messages)); });
  }
  std::size_t largest_payload() const override { return inner_->largest_payload(); }

 private:
  std::unique_ptr<Producer> inner_;
  const FaultyHub::Hook& hook_;
};

}  // namespace

const char* name(HubOperation operation) {
  switch (operation) {
    case HubOperation::kDescribe:
      return "describe";
    case HubOperation::kBounds:
      return "bounds";
    case HubOperation::kClock:
      return "clock";
    case HubOperation::kRead:
      return "read";
    case HubOperation::kAtTime:
      return "at time";
    case HubOperation::kJoin:
      return "join";
    case HubOperation::kPoll:
      return "poll";
    case HubOperation::kSeek:
      return "seek";
    case HubOperation::kCommit:
      return "commit";
    case HubOperation::kProducer:
      return "producer";
    case HubOperation::kAppend:
      return "append";
    case HubOperation::kGroups:
      return "groups";
    case HubOperation::kRaise:
      return "raise";
  }
  return "unknown";
}

template <typename Call>
auto FaultyHub::guarded(HubOperation operation, const std::string& object, Call call) -> decltype(call()) {
  return call_with(hook_(operation, object), name(operation), object, std::move(call));
}

Result<HubDescription> FaultyHub::describe() {
  return guarded(HubOperation::kDescribe, {}, [&] { return inner_.describe(); });
}

Result<std::vector<PartitionBounds>> FaultyHub::bounds() {
  return guarded(HubOperation::kBounds, {}, [&] { return inner_.bounds(); });
}

Result<HubClock> FaultyHub::clock() {
  return guarded(HubOperation::kClock, {}, [&] { return inner_.clock(); });
}

Result<std::optional<EventBatch>> FaultyHub::read(PartitionId partition, Sequence at) {
  return guarded(HubOperation::kRead, text(partition), [&] { return inner_.read(partition, at); });
}

Result<std::optional<EventBatch>> FaultyHub::read_from(PartitionId partition, Sequence at) {
  return guarded(HubOperation::kRead, text(partition), [&] { return inner_.read_from(partition, at); });
}

Result<Sequence> FaultyHub::at_time(PartitionId partition, Timestamp time) {
  return guarded(HubOperation::kAtTime, text(partition), [&] { return inner_.at_time(partition, time); });
}

Result<std::unique_ptr<Consumer>> FaultyHub::join(const std::string& group, const GroupOwner& owner) {
  CV_ASSIGN(std::unique_ptr<Consumer> consumer,
            guarded(HubOperation::kJoin, group, [&] { return inner_.join(group, owner); }));
  return std::unique_ptr<Consumer>(std::make_unique<FaultyConsumer>(std::move(consumer), hook_));
}

Result<std::unique_ptr<Producer>> FaultyHub::producer() {
  CV_ASSIGN(std::unique_ptr<Producer> producer,
            guarded(HubOperation::kProducer, {}, [&] { return inner_.producer(); }));
  return std::unique_ptr<Producer>(std::make_unique<FaultyProducer>(std::move(producer), hook_));
}

Result<std::vector<std::string>> FaultyHub::groups() {
  return guarded(HubOperation::kGroups, {}, [&] { return inner_.groups(); });
}

Result<GroupDescription> FaultyHub::describe_group(const std::string& group) {
  return guarded(HubOperation::kGroups, group, [&] { return inner_.describe_group(group); });
}

Result<void> FaultyHub::create_group(const std::string& group, const GroupPositions& positions) {
  return guarded(HubOperation::kGroups, group, [&] { return inner_.create_group(group, positions); });
}

Result<void> FaultyHub::reset_group(const std::string& group, const GroupPositions& positions) {
  return guarded(HubOperation::kGroups, group, [&] { return inner_.reset_group(group, positions); });
}

Result<void> FaultyHub::delete_group(const std::string& group) {
  return guarded(HubOperation::kGroups, group, [&] { return inner_.delete_group(group); });
}

Result<void> FaultyHub::raise_partitions(std::int32_t partitions) {
  return guarded(HubOperation::kRaise, {}, [&] { return inner_.raise_partitions(partitions); });
}

}  // namespace changevault
