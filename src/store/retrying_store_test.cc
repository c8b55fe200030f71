#include "store/retrying_store.h"

#include <vector>

#include <gtest/gtest.h>

#include "base/manual_clock.h"
#include "store/faulty_store.h"
#include "store/memory/memory_store.h"
#include "tests/support/expect.h"

namespace changevault {
namespace {

using testing::value;

class RetryingStoreTest : public ::testing::Test {
 protected:
  // The next requests have these faults, then none.
  void fail(std::vector<Fault> faults) { faults_ = std::move(faults); }

  MemoryStore memory_;
  ManualClock clock_{Timestamp{0}};
  std::vector<Fault> faults_;
  int requests_ = 0;
  std::function<void()> before_;  // each request
  std::stop_source stop_;
  std::vector<std::string> told_;
  RetryingStore store_{
      std::make_unique<FaultyStore>(memory_,
                                    [this](StoreOperation, const std::string&) {
                                      ++requests_;
                                      if (before_) before_();
                                      if (faults_.empty()) return Fault::kNone;
                                      const Fault fault = faults_.front();
                                      faults_.erase(faults_.begin());
                                      return fault;
                                    }),
      clock_,
      system_random(),
      {.stop = stop_.get_token(), .on_wait = [this](const std::string& line) { told_.push_back(line); }}};
};

TEST_F(RetryingStoreTest, EveryQuestionIsAskedAgain) {
  ASSERT_OK(store_.put_if_absent("k", "bytes"));
  fail({Fault::kFailBefore, Fault::kFailBefore});
  EXPECT_EQ(value(store_.get("k")), "bytes");
  fail({Fault::kFailBefore});
  EXPECT_EQ(value(store_.get("k", ByteRange{1, 2})), "yt");
  fail({Fault::kFailBefore});
  EXPECT_EQ(value(store_.head("k")).bytes, 5);
  fail({Fault::kFailBefore});
  EXPECT_EQ(value(store_.list("")).objects.size(), 1U);
  fail({Fault::kFailBefore});
  EXPECT_OK(store_.clock());
  EXPECT_EQ(requests_, 1 + 3 + 4 * 2);
  EXPECT_TRUE(told_.empty());
}

TEST_F(RetryingStoreTest, AnObjectWhoseAnswerWasLostIsKnownAsOurs) {
  fail({Fault::kFailAfter});
  EXPECT_EQ(value(store_.put_if_absent("k", "ours")), PutOutcome::kCreated);
  EXPECT_EQ(value(memory_.get("k")), "ours");
  // The same bytes without a lost answer are another's.
  EXPECT_EQ(value(store_.put_if_absent("k", "ours")), PutOutcome::kExists);
}

TEST_F(RetryingStoreTest, AnotherWhoCameBetweenTwoAttemptsHasTheName) {
  fail({Fault::kFailBefore});
  before_ = [&] {
    if (requests_ == 2) ASSERT_OK(memory_.put_if_absent("k", "another's"));
  };
  EXPECT_EQ(value(store_.put_if_absent("k", "ours")), PutOutcome::kExists);
  EXPECT_EQ(value(memory_.get("k")), "another's");
}

TEST_F(RetryingStoreTest, NothingIsRemovedTwice) {
  ASSERT_OK(store_.put_if_absent("k", "old"));
  fail({Fault::kFailAfter});
  EXPECT_ERROR(store_.remove("k"), ErrorCode::kUnreachable);
  EXPECT_EQ(requests_, 2);
}

TEST_F(RetryingStoreTest, AnAnswerIsNoReasonToAskAgain) {
  EXPECT_ERROR(store_.get("k"), ErrorCode::kNotFound);
  EXPECT_ERROR(store_.get("../k"), ErrorCode::kUsage);
  EXPECT_EQ(requests_, 2);
}

TEST_F(RetryingStoreTest, ItGivesUpAndSaysWhatItWaitedFor) {
  fail(std::vector<Fault>(1000, Fault::kFailBefore));
  EXPECT_ERROR(store_.get("k"), ErrorCode::kUnreachable);
  EXPECT_LE(clock_.steady().ms, seconds(10).ms);
  EXPECT_GE(clock_.steady().ms, seconds(4).ms);
  EXPECT_LT(requests_, 20);
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_TRUE(told_[0].starts_with("waiting for the store: ")) << told_[0];
}

// Eight uploads that wait for room say so once, not twenty times.
TEST_F(RetryingStoreTest, TheSameIsSaidOnceAMinute) {
  for (int request = 0; request < 3; ++request) {
    fail(std::vector<Fault>(100, Fault::kFailBefore));
    EXPECT_ERROR(store_.get("k"), ErrorCode::kUnreachable);
  }
  EXPECT_EQ(told_.size(), 1U);
  clock_.advance(minutes(1));
  EXPECT_ERROR(store_.get("k"), ErrorCode::kUnreachable);
  EXPECT_EQ(told_.size(), 2U);
}

TEST_F(RetryingStoreTest, AStopEndsTheWaiting) {
  fail(std::vector<Fault>(1000, Fault::kFailBefore));
  before_ = [&] {
    if (requests_ == 3) stop_.request_stop();
  };
  EXPECT_ERROR(store_.get("k"), ErrorCode::kUnreachable);
  EXPECT_EQ(requests_, 3);
}

}  // namespace
}  // namespace changevault
