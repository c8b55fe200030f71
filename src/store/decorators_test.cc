#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/manual_clock.h"
#include "store/faulty_store.h"
#include "store/memory/memory_store.h"
#include "store/metered_store.h"
#include "tests/support/expect.h"

namespace changevault {
namespace {

using testing::value;

TEST(FaultyStore, ARequestThatNeverArrivedHasNoEffect) {
  MemoryStore inner;
  FaultyStore store(inner, [](StoreOperation operation, const std::string&) {
    return operation == StoreOperation::kPut ? Fault::kFailBefore : Fault::kNone;
  });
  const auto failed = store.put_if_absent("a", "x");
  EXPECT_ERROR(failed, ErrorCode::kUnreachable);
  EXPECT_TRUE(failed.error().retryable);
  EXPECT_ERROR(store.get("a"), ErrorCode::kNotFound);
}

TEST(FaultyStore, ALostAnswerHasItsEffect) {
  MemoryStore inner;
  Fault fault = Fault::kFailAfter;
  FaultyStore store(inner, [&](StoreOperation, const std::string&) { return fault; });
  EXPECT_ERROR(store.put_if_absent("a", "x"), ErrorCode::kUnreachable);
  EXPECT_EQ(value(inner.get("a")), "x");
  EXPECT_ERROR(store.get("a"), ErrorCode::kUnreachable);
  EXPECT_ERROR(store.head("a"), ErrorCode::kUnreachable);
  EXPECT_ERROR(store.list(""), ErrorCode::kUnreachable);
  EXPECT_ERROR(store.clock(), ErrorCode::kUnreachable);
  EXPECT_ERROR(store.remove("a"), ErrorCode::kUnreachable);
  fault = Fault::kNone;
  EXPECT_ERROR(store.get("a"), ErrorCode::kNotFound);
  EXPECT_EQ(value(store.put_if_absent("a", "y")), PutOutcome::kCreated);
}

TEST(FaultyStore, APutMayLeaveHalfAndAGetMayLie) {
  MemoryStore inner;
  Fault fault = Fault::kPartial;
  FaultyStore store(inner, [&](StoreOperation, const std::string&) { return fault; });
  EXPECT_ERROR(store.put_if_absent("a", "1234"), ErrorCode::kUnreachable);
  EXPECT_EQ(value(inner.get("a")), "12");
  fault = Fault::kWrongAnswer;
  EXPECT_EQ(value(store.put_if_absent("b", "1234")), PutOutcome::kCreated);
  EXPECT_EQ(value(store.get("b")), "1224");
  EXPECT_EQ(value(inner.get("b")), "1234");
}

TEST(FaultyStore, TheHookSeesOperationAndKey) {
  MemoryStore inner;
  std::string seen;
  FaultyStore store(inner, [&](StoreOperation operation, const std::string& key) {
    seen += std::string(name(operation)) + " " + key + "\n";
    return Fault::kNone;
  });
  ASSERT_OK(store.put_if_absent("k", "x"));
  ASSERT_OK(store.get("k"));
  ASSERT_OK(store.head("k"));
  ASSERT_OK(store.list("k"));
  ASSERT_OK(store.remove("k"));
  ASSERT_OK(store.clock());
  EXPECT_EQ(seen, "put k\nget k\nhead k\nlist k\nremove k\nclock \n");
}

TEST(MeteredStore, CountsRequestsErrorsAndBytes) {
  MemoryStore inner;
  MeteredStore store(inner);
  ASSERT_OK(store.put_if_absent("a", "12345"));
  ASSERT_OK(store.put_if_absent("a", "12345"));
  ASSERT_OK(store.get("a", ByteRange{1, 2}));
  ASSERT_OK(store.get("a"));
  EXPECT_ERROR(store.get("b"), ErrorCode::kNotFound);
  EXPECT_ERROR(store.get("../b"), ErrorCode::kUsage);
  EXPECT_EQ(store.usage(StoreOperation::kPut), (StoreUsage{2, 0, 5}));
  EXPECT_EQ(store.usage(StoreOperation::kGet), (StoreUsage{4, 1, 7}));
  EXPECT_EQ(store.requests(), 6);
  store.reset();
  EXPECT_EQ(store.requests(), 0);
}

TEST(MemoryStore, StampsWithTheClockItWasGiven) {
  ManualClock clock({1000});
  MemoryStore store(clock);
  ASSERT_OK(store.put_if_absent("a", "x"));
  EXPECT_EQ(value(store.head("a")).modified, Timestamp{1000});
}

TEST(MemoryStore, ChecksAGivenMd5) {
  MemoryStore store;
  const Md5 hash = md5("right");
  const std::string hex = to_hex({reinterpret_cast<const char*>(hash.data()), hash.size()});
  EXPECT_ERROR(store.put_if_absent("a", "wrong", {.md5_hex = hex}), ErrorCode::kCorrupt);
  EXPECT_OK(store.put_if_absent("a", "right", {.md5_hex = hex}));
}

TEST(MemoryStore, BytesCanRot) {
  MemoryStore store;
  ASSERT_OK(store.put_if_absent("a", "right"));
  const std::string etag = value(store.head("a")).etag;
  store.corrupt("a", "wrong");
  EXPECT_EQ(value(store.get("a")), "wrong");
  EXPECT_NE(value(store.head("a")).etag, etag);
}

}  // namespace
}  // namespace changevault
