#include "archive/chain.h"

#include <gtest/gtest.h>

#include "store/faulty_store.h"
#include "store/memory/memory_store.h"
#include "store/metered_store.h"
#include "tests/support/expect.h"

namespace changevault {
namespace {

using testing::value;

class ChainTest : public ::testing::Test {
 protected:
  void fill(std::int64_t slots) {
    for (std::int64_t i = 0; i < slots; ++i) {
      ASSERT_EQ(value(chain_.create(Slot(i), "slot " + std::to_string(i))), Chain::CreateOutcome::kCreated);
    }
  }
  MemoryStore store_;
  Chain chain_{store_, "root/_ledger/p000/"};
};

TEST_F(ChainTest, FindsTheEndAtEveryLength) {
  for (std::int64_t n = 0; n < 70; ++n) {
    EXPECT_EQ(value(chain_.find_end()), Slot(n));
    for (std::int64_t known = 0; known <= n; ++known)
      EXPECT_EQ(value(chain_.find_end(Slot(known))), Slot(n)) << known;
    ASSERT_OK(chain_.create(Slot(n), "slot"));
  }
}

TEST_F(ChainTest, FindsTheEndWithFewRequests) {
  fill(5000);
  std::int64_t requests = 0;
  FaultyStore counting(store_, [&](StoreOperation operation, const std::string&) {
    EXPECT_NE(operation, StoreOperation::kList);
    ++requests;
    return Fault::kNone;
  });
  EXPECT_EQ(value(Chain(counting, chain_.folder()).find_end()), Slot(5000));
  EXPECT_LT(requests, 40);
}

TEST_F(ChainTest, ATakenSlotIsNotOurs) {
  EXPECT_EQ(value(chain_.create(Slot(0), "mine")), Chain::CreateOutcome::kCreated);
  EXPECT_EQ(value(chain_.create(Slot(0), "other")), Chain::CreateOutcome::kTaken);
  EXPECT_EQ(value(chain_.read(Slot(0))).bytes, "mine");
}

TEST_F(ChainTest, ALostAnswerIsKnownAgain) {
  int calls = 0;
  FaultyStore faulty(store_, [&](StoreOperation operation, const std::string&) {
    return operation == StoreOperation::kPut && ++calls == 1 ? Fault::kFailAfter : Fault::kNone;
  });
  EXPECT_EQ(value(Chain(faulty, chain_.folder()).create(Slot(0), "mine")), Chain::CreateOutcome::kCreated);
}

TEST_F(ChainTest, SlotsTakenAwayStopEverything) {
  fill(20);
  ASSERT_OK(store_.remove(chain_.key(Slot(0))));
  EXPECT_ERROR(chain_.find_end(), ErrorCode::kCorrupt);
}

// Between the question for the first slot and the listing another writer may begin the chain.
TEST_F(ChainTest, AChainThatBeginsMeanwhileIsNotDamaged) {
  FaultyStore busy(store_, [&](StoreOperation operation, const std::string&) {
    if (operation == StoreOperation::kList) fill(3);
    return Fault::kNone;
  });
  EXPECT_EQ(value(Chain(busy, chain_.folder()).find_end()), Slot(3));
}

TEST_F(ChainTest, AHoleNearTheEndIsFound) {
  fill(20);
  ASSERT_OK(store_.remove(chain_.key(Slot(18))));
  EXPECT_ERROR(chain_.find_end(Slot(18)), ErrorCode::kCorrupt);
}

TEST_F(ChainTest, AnEndBelowWhatIsPromisedIsFound) {
  fill(3);
  EXPECT_ERROR(chain_.find_end(Slot(9)), ErrorCode::kCorrupt);
}

// "Not there" and "did not answer" are two things.
TEST_F(ChainTest, AnErrorIsNotAnAbsence) {
  fill(3);
  FaultyStore faulty(store_, [](StoreOperation, const std::string&) { return Fault::kFailBefore; });
  const auto end = Chain(faulty, chain_.folder()).find_end();
  ASSERT_FALSE(end);
  EXPECT_NE(end.error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace changevault
