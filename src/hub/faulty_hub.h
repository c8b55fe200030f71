// A hub that fails on demand, for tests of what is around it (base/fault.h).
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/fault.h"
#include "hub/hub.h"

namespace changevault {

enum class HubOperation {
  kDescribe,
  kBounds,
  kClock,
  kRead,
  kAtTime,
  kJoin,
  kPoll,
  kSeek,
  kCommit,
  kProducer,
  kAppend,
  kGroups,  // all that is asked of groups, or done to them
  kRaise,
};
const char* name(HubOperation operation);

// kPartial: an append takes the first half of its messages. kWrongAnswer: a poll brings nothing though there
// may be something, as a throttled one does. A poll whose answer is lost gives it with a later one, as the
// contract wants.
//
// Its consumers and producers fail by the same hook. Thread-safe as long as `hook` is. `inner` outlives it,
// it outlives its consumers and producers.
class FaultyHub final : public Hub {
 public:
  // Asked before every call; the object is the partition's number or the group's name, else empty.
  using Hook = FaultHook<HubOperation>;

  FaultyHub(Hub& inner, Hook hook) : inner_(inner), hook_(std::move(hook)) {}

  Result<HubDescription> describe() override;
  Result<std::vector<PartitionBounds>> bounds() override;
  Result<HubClock> clock() override;
  Result<std::vector<std::string>> advice() override { return inner_.advice(); }
  Result<std::optional<EventBatch>> read(PartitionId partition, Sequence at) override;
  Result<std::optional<EventBatch>> read_from(PartitionId partition, Sequence at) override;
  Result<Sequence> at_time(PartitionId partition, Timestamp time) override;
  Result<std::unique_ptr<Consumer>> join(const std::string& group, const GroupOwner& owner) override;
  using Hub::join;
  Result<std::unique_ptr<Producer>> producer() override;
  bool can_import() const override { return inner_.can_import(); }
  Result<std::vector<std::string>> groups() override;
  Result<GroupDescription> describe_group(const std::string& group) override;
  Result<void> create_group(const std::string& group, const GroupPositions& positions) override;
  Result<void> reset_group(const std::string& group, const GroupPositions& positions) override;
  Result<void> delete_group(const std::string& group) override;
  Result<void> raise_partitions(std::int32_t partitions) override;
  std::string url() const override { return inner_.url(); }

 private:
  template <typename Call>
  auto guarded(HubOperation operation, const std::string& object, Call call) -> decltype(call());

  Hub& inner_;
  Hook hook_;
};

}  // namespace changevault
