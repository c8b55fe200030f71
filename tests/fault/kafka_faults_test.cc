// Brokers that refuse, move, vanish and come back, under one consumer and one producer.
#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "codec/document_key.h"
#include "tests/support/expect.h"
#include "tests/support/kafka_hubs.h"
#include "tests/support/mock_kafka.h"

namespace changevault::testing {
namespace {

class KafkaFaults : public ::testing::Test {
 protected:
  void SetUp() override {
    brokers_.create_topic(topic_, 2);
    hub_ = value(open_kafka(brokers_.bootstrap(), topic_, std::nullopt,
                            {{"socket.timeout.ms", "2000"},
                             {"reconnect.backoff.max.ms", "200"},
                             {"message.timeout.ms", "5000"}}));
    producer_ = value(hub_->producer());
  }

  void append(int count) {
    std::vector<Message> messages;
    for (int i = 0; i < count; ++i, ++appended_)
      messages.push_back({std::to_string(appended_), std::to_string(appended_), std::nullopt});
    ASSERT_OK(producer_->append(std::move(messages)));
  }

  std::unique_ptr<Consumer> reader() {
    auto consumer = value(hub_->join("g"));
    std::size_t assigned = 0;
    while (assigned < 2) {
      const Poll poll = value(consumer->poll(milliseconds(100), {}));
      assigned += poll.assigned.size();
      for (const PartitionId partition : poll.assigned) EXPECT_OK(consumer->seek(partition, Sequence(0)));
    }
    return consumer;
  }

  // Reads until `count` events in all were seen; each once and in order. Errors that may pass are let pass.
  void read_until(Consumer& consumer, int count) {
    const Duration deadline = system_clock().steady();
    while (seen_ < count) {
      ASSERT_LT(system_clock().steady().ms, deadline.ms + 60'000) << seen_ << " of " << count;
      const Result<Poll> poll = consumer.poll(milliseconds(100), {});
      if (!poll) {
        ASSERT_TRUE(poll.error().retryable) << poll.error().to_string();
        continue;
      }
      for (const PartitionId partition : poll->assigned)
        ASSERT_OK(consumer.seek(partition, next_[partition]));  // lost to a silence, and given back
      if (!poll->batch) continue;
      for (const HubEvent& event : poll->batch->events) {
        EXPECT_EQ(event.sequence, next_[event.partition]);
        next_[event.partition] = event.sequence.next();
        ++seen_;
      }
    }
  }

  const std::string topic_ = "topic";
  MockKafka brokers_{3};
  std::unique_ptr<kafka::KafkaHub> hub_;
  std::unique_ptr<Producer> producer_;
  int appended_ = 0;
  int seen_ = 0;
  std::map<PartitionId, Sequence> next_;
};

TEST_F(KafkaFaults, FetchesThatAreRefusedForAWhileLoseNothing) {
  append(100);
  auto consumer = reader();
  brokers_.answer(KafkaRequest::kFetch,
                  {RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR__TRANSPORT,
                   RD_KAFKA_RESP_ERR_UNKNOWN, RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR});
  read_until(*consumer, 100);
  append(100);
  read_until(*consumer, 200);
}

TEST_F(KafkaFaults, QuestionsThatAreRefusedForAWhileAreAskedAgain) {
  append(10);
  brokers_.answer(KafkaRequest::kListOffsets,
                  {RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE});
  EXPECT_EQ(value(hub_->bounds()).size(), 2U);
  brokers_.answer(KafkaRequest::kOffsetFetch,
                  {RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, RD_KAFKA_RESP_ERR_NOT_COORDINATOR});
  auto consumer = reader();
  read_until(*consumer, 10);
}

TEST_F(KafkaFaults, WhatAProducerRepeatsIsStoredOnce) {
  brokers_.answer(KafkaRequest::kProduce,
                  {RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
                   RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND});
  append(500);
  std::int64_t stored = 0;
  for (const PartitionBounds& bounds : value(hub_->bounds())) stored += bounds.next.value;
  EXPECT_EQ(stored, 500);
}

TEST_F(KafkaFaults, AMessageThatIsRefusedForGoodIsSaid) {
  brokers_.answer(KafkaRequest::kProduce, {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE});
  const Result<void> refused = producer_->append({{"k", "v", std::nullopt}});
  EXPECT_ERROR(refused, ErrorCode::kUsage);
  EXPECT_NE(refused.error().message.find("0 of 1 messages"), std::string::npos) << refused.error().message;
  brokers_.answer(KafkaRequest::kProduce, {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED});
  const Result<void> forbidden = value(hub_->producer())->append({{"k", "v", std::nullopt}});
  EXPECT_ERROR(forbidden, ErrorCode::kUnreachable);
  EXPECT_FALSE(forbidden.error().retryable);
  EXPECT_NE(forbidden.error().hint.find("Basic tier"), std::string::npos) << forbidden.error().hint;
}

TEST_F(KafkaFaults, BrokersThatAreGoneAreSaidAndWaitedFor) {
  append(50);
  auto consumer = reader();
  read_until(*consumer, 50);
  for (const int broker : {1, 2, 3}) brokers_.down(broker);
  Result<Poll> poll = consumer->poll(milliseconds(100), {});
  const Duration begin = system_clock().steady();
  while (poll && system_clock().steady().ms < begin.ms + 60'000) poll = consumer->poll(milliseconds(100), {});
  EXPECT_ERROR(poll, ErrorCode::kUnreachable);
  EXPECT_TRUE(poll.error().retryable);
  for (const int broker : {1, 2, 3}) brokers_.up(broker);
  append(50);
  read_until(*consumer, 100);
}

TEST_F(KafkaFaults, ALeaderThatMovesLosesNothing) {
  append(100);
  auto consumer = reader();
  read_until(*consumer, 100);
  for (const int broker : {2, 3, 1}) {
    for (const int partition : {0, 1}) brokers_.leader(topic_, partition, broker);
    append(100);
  }
  read_until(*consumer, 400);
}

// What the hub deleted under a reader is an error with every poll, until the reader is told where to go on.
TEST_F(KafkaFaults, APositionThatTheHubDeletedIsNeverSkipped) {
  append(100);
  auto consumer = value(hub_->join("g"));
  Poll poll;
  while (poll.assigned.size() < 2) poll = value(consumer->poll(milliseconds(100), {}));
  const auto end = value(hub_->bounds())[0].next;
  ASSERT_GT(end.value, 10);
  ASSERT_OK(consumer->seek(PartitionId(0), Sequence(0)));
  brokers_.delete_records(topic_, 0, 10);
  Result<Poll> refused = consumer->poll(milliseconds(100), {});
  const Duration begin = system_clock().steady();
  while (refused && system_clock().steady().ms < begin.ms + 30'000) {
    ASSERT_FALSE(refused->batch && refused->batch->partition == PartitionId(0));
    refused = consumer->poll(milliseconds(100), {});
  }
  EXPECT_ERROR(refused, ErrorCode::kNotFound);
  EXPECT_NE(refused.error().message.find("the oldest is 10"), std::string::npos) << refused.error().message;
  EXPECT_ERROR(consumer->poll(milliseconds(100), {}), ErrorCode::kNotFound);
  ASSERT_OK(consumer->seek(PartitionId(0), Sequence(10)));
  std::int64_t seen = 10;
  while (seen < end.value) {
    const Poll next = value(consumer->poll(milliseconds(100), {}));
    if (!next.batch) continue;
    for (const HubEvent& event : next.batch->events) EXPECT_EQ(event.sequence.value, seen++);
  }
}

// After a seek the partition goes on there, whatever lay at hand of it: events, or an end that was seen
// before.
TEST_F(KafkaFaults, SeeksAtAnyMomentSkipNothing) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  append(200);
  auto consumer = reader();
  std::map<PartitionId, Sequence> ends;
  for (const PartitionBounds& bounds : value(hub_->bounds())) ends[bounds.partition] = bounds.next;
  std::map<PartitionId, bool> ended;
  const Duration begin = system_clock().steady();
  for (int i = 0; i < 300 || ended.size() < 2; ++i) {
    ASSERT_LT(system_clock().steady().ms, begin.ms + 60'000);
    if (i < 300 && random() % 3 == 0) {
      const PartitionId partition(static_cast<std::int32_t>(random() % 2));
      const Sequence to(
          static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(ends[partition].value + 1)));
      ASSERT_OK(consumer->seek(partition, to));
      next_[partition] = to;
    }
    const Poll poll = value(consumer->poll(milliseconds(random() % 10 == 0 ? 800 : random() % 30), {}));
    if (!poll.batch) continue;
    Sequence& next = next_[poll.batch->partition];
    for (const HubEvent& event : poll.batch->events) {
      ASSERT_EQ(event.sequence, next) << "after " << i;
      next = next.next();
    }
    ASSERT_EQ(poll.batch->next, next);
    if (poll.batch->at_end) {
      ASSERT_EQ(next, ends[poll.batch->partition]);
      ended[poll.batch->partition] = true;
    }
  }
}

TEST_F(KafkaFaults, AQuietPartitionSaysItsEndBesideABusyOne) {
  auto consumer = reader();
  std::string busy_key = "0";
  for (int i = 1; partition_of(busy_key, 2) != 0; ++i) busy_key = std::to_string(i);
  int quiet_ends = 0;
  const Duration begin = system_clock().steady();
  while (quiet_ends < 3) {
    ASSERT_LT(system_clock().steady().ms, begin.ms + 20'000);
    ASSERT_OK(producer_->append({{busy_key, "event", std::nullopt}}));
    const Poll poll = value(consumer->poll(milliseconds(100), {}));
    quiet_ends += poll.batch && poll.batch->at_end && poll.batch->partition == PartitionId(1);
  }
}

TEST_F(KafkaFaults, AFullQueueIsWaitedFor) {
  const auto hub = value(open_kafka(brokers_.bootstrap(), topic_, std::nullopt,
                                    {{"queue.buffering.max.messages", "10"}, {"linger.ms", "50"}}));
  const auto producer = value(hub->producer());
  std::vector<Message> messages;
  for (int i = 0; i < 500; ++i) messages.push_back({std::to_string(i), "x", std::nullopt});
  ASSERT_OK(producer->append(std::move(messages)));
  std::int64_t stored = 0;
  for (const PartitionBounds& bounds : value(hub->bounds())) stored += bounds.next.value;
  EXPECT_EQ(stored, 500);
}

TEST_F(KafkaFaults, ATopicThatIsNotKnownForAMomentIsNoLoss) {
  append(20);
  auto consumer = reader();
  read_until(*consumer, 20);
  brokers_.answer(KafkaRequest::kListOffsets,
                  std::vector<rd_kafka_resp_err_t>(8, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART));
  brokers_.answer(KafkaRequest::kFetch, {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART});
  append(20);
  read_until(*consumer, 40);
}

TEST_F(KafkaFaults, AGroupThatMayNotBeReadIsSaid) {
  const std::vector<rd_kafka_resp_err_t> refusals(100, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
  brokers_.answer(KafkaRequest::kJoinGroup, refusals);
  auto consumer = value(hub_->join("g"));
  Result<Poll> poll = consumer->poll(milliseconds(100), {});
  const Duration begin = system_clock().steady();
  while (poll && system_clock().steady().ms < begin.ms + 20'000) poll = consumer->poll(milliseconds(100), {});
  EXPECT_ERROR(poll, ErrorCode::kUnreachable);
  EXPECT_FALSE(poll.error().retryable);
}

}  // namespace
}  // namespace changevault::testing
