// What the decorators that fail on demand do where they do more than any other (base/fault.h).
#include <gtest/gtest.h>

#include "base/manual_clock.h"
#include "hub/faulty_hub.h"
#include "hub/memory/memory_hub.h"
#include "tests/support/expect.h"
#include "warehouse/faulty_warehouse.h"
#include "warehouse/memory/memory_warehouse.h"

namespace changevault {
namespace {

using testing::value;

class FaultyHubTest : public ::testing::Test {
 protected:
  Fault answer(HubOperation operation, const std::string& object) {
    seen_ += std::string(name(operation)) + " " + object + "\n";
    return operation == at_ ? std::exchange(fault_, Fault::kNone) : Fault::kNone;
  }
  void fail(HubOperation operation, Fault fault) {
    at_ = operation;
    fault_ = fault;
  }
  std::size_t events() { return static_cast<std::size_t>(value(inner_.bounds())[0].next.value); }

  ManualClock clock_{{1'000'000}};
  MemoryHub inner_{1, clock_};
  HubOperation at_{};
  Fault fault_ = Fault::kNone;
  std::string seen_;
  FaultyHub hub_{inner_, [this](HubOperation operation, const std::string& object) {
                   return answer(operation, object);
                 }};
};

TEST_F(FaultyHubTest, APollWhoseAnswerIsLostGivesItLater) {
  inner_.append(PartitionId(0), "{}", clock_.now());
  auto consumer = value(hub_.join("group"));
  fail(HubOperation::kPoll, Fault::kFailAfter);
  EXPECT_ERROR(consumer->poll(milliseconds(0), {}), ErrorCode::kUnreachable);
  EXPECT_EQ(value(consumer->poll(milliseconds(0), {})).assigned, (std::vector{PartitionId(0)}));
  ASSERT_OK(consumer->seek(PartitionId(0), Sequence(0)));
  fail(HubOperation::kPoll, Fault::kFailAfter);
  EXPECT_ERROR(consumer->poll(milliseconds(0), {}), ErrorCode::kUnreachable);
  const Poll poll = value(consumer->poll(milliseconds(0), {}));
  ASSERT_TRUE(poll.batch);
  EXPECT_EQ(poll.batch->events.size(), 1U);
}

TEST_F(FaultyHubTest, AThrottledPollBringsNothing) {
  inner_.append(PartitionId(0), "{}", clock_.now());
  auto consumer = value(hub_.join("group"));
  fail(HubOperation::kPoll, Fault::kWrongAnswer);
  EXPECT_TRUE(value(consumer->poll(milliseconds(0), {})).idle());
  EXPECT_FALSE(value(consumer->poll(milliseconds(0), {})).idle());
}

TEST_F(FaultyHubTest, AnAppendMayBeTakenInPart) {
  auto producer = value(hub_.producer());
  const std::vector<Message> messages(4, Message{"k", "{}", std::nullopt});
  fail(HubOperation::kAppend, Fault::kPartial);
  EXPECT_ERROR(producer->append(messages), ErrorCode::kUnreachable);
  EXPECT_EQ(events(), 2U);
  fail(HubOperation::kAppend, Fault::kFailAfter);
  EXPECT_ERROR(producer->append(messages), ErrorCode::kUnreachable);
  EXPECT_EQ(events(), 6U);
}

TEST_F(FaultyHubTest, TheHookSeesEveryOperationAndItsObject) {
  ASSERT_OK(hub_.describe());
  ASSERT_OK(hub_.bounds());
  ASSERT_OK(hub_.clock());
  ASSERT_OK(hub_.read(PartitionId(0), Sequence(0)));
  ASSERT_OK(hub_.at_time(PartitionId(0), clock_.now()));
  auto consumer = value(hub_.join("group"));
  value(consumer->poll(milliseconds(0), {}));
  ASSERT_OK(consumer->seek(PartitionId(0), Sequence(0)));
  ASSERT_OK(consumer->commit(PartitionId(0), Sequence(0)));
  ASSERT_OK(hub_.describe_group("group"));
  ASSERT_OK(hub_.raise_partitions(2));
  EXPECT_EQ(
      seen_,
      "describe \nbounds \nclock \nread 0\nat time 0\njoin group\npoll \nseek 0\ncommit 0\ngroups group\n"
      "raise \n");
}

class NoRecords final : public RecordFeed {
 public:
  Result<void> read(const SegmentRef&, const EachRecord&) override { return {}; }
};

TEST(FaultyWarehouse, ALoadMayBeDoneInPart) {
  ManualClock clock({1'000'000});
  MemoryWarehouse inner(clock);
  ASSERT_OK(inner.prepare());
  Fault fault = Fault::kPartial;
  FaultyWarehouse warehouse(inner, [&](WarehouseOperation operation, const std::string&) {
    return operation == WarehouseOperation::kLoad ? fault : Fault::kNone;
  });
  const std::vector<SegmentRef> segments{{"a", "1", {}, {}, 0}, {"b", "2", {}, {}, 0}};
  NoRecords feed;
  EXPECT_ERROR(warehouse.load(segments, feed), ErrorCode::kUnreachable);
  EXPECT_EQ(value(inner.live_loads()).size(), 1U);
  fault = Fault::kFailAfter;
  EXPECT_ERROR(warehouse.load(segments, feed), ErrorCode::kUnreachable);
  EXPECT_EQ(value(warehouse.live_loads()).size(), 2U);
}

TEST(FaultyWarehouse, WhatASideTableHoldsMayBeToldWrongly) {
  ManualClock clock({1'000'000});
  MemoryWarehouse inner(clock);
  ASSERT_OK(inner.prepare());
  NoRecords feed;
  ASSERT_OK(inner.stage("id", {}, feed, StageContent::kFacts));
  FaultyWarehouse warehouse(inner, [](WarehouseOperation, const std::string& id) {
    return id == "id" ? Fault::kWrongAnswer : Fault::kNone;
  });
  EXPECT_NE(value(warehouse.stage_facts("id")).digest, value(inner.stage_facts("id")).digest);
}

}  // namespace
}  // namespace changevault
