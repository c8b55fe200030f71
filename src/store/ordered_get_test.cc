#include "store/ordered_get.h"

#include <atomic>

#include <gtest/gtest.h>

#include "store/faulty_store.h"
#include "store/memory/memory_store.h"
#include "store/metered_store.h"
#include "tests/support/expect.h"

namespace changevault {
namespace {

using testing::value;

std::string some_bytes(std::size_t n) {
  std::string out;
  for (std::size_t i = 0; i < n; ++i) out += static_cast<char>(i * 131 + i / 251);
  return out;
}

Result<std::string> whole(ObjectStore& store, const OrderedGet& options) {
  std::string out;
  const auto done = get_in_order(store, "o", options, [&](std::string_view piece) -> Result<void> {
    out += piece;
    return {};
  });
  if (!done) return done.error();
  return out;
}

TEST(OrderedGetTest, EverySizeComesWholeHoweverItIsCut) {
  for (const std::size_t size : {0U, 1U, 99U, 100U, 101U, 999U, 1000U}) {
    MemoryStore store;
    const std::string bytes = some_bytes(size);
    value(store.put_if_absent("o", bytes));
    for (const int at_once : {1, 2, 3, 7, 64}) {
      for (const std::int64_t known : {std::int64_t{-1}, static_cast<std::int64_t>(size)}) {
        OrderedGet options{100, at_once, known, {}};
        EXPECT_EQ(value(whole(store, options)), bytes) << size << " " << at_once << " " << known;
      }
    }
  }
}

TEST(OrderedGetTest, AKnownSmallObjectIsOneRequest) {
  MemoryStore memory;
  MeteredStore store(memory);
  value(store.put_if_absent("o", "small"));
  store.reset();
  EXPECT_EQ(value(whole(store, {100, 8, 5, {}})), "small");
  EXPECT_EQ(store.requests(), 1);
}

TEST(OrderedGetTest, AnObjectThatIsReplacedMeanwhileIsRefused) {
  MemoryStore memory;
  value(memory.put_if_absent("o", some_bytes(1000)));
  std::atomic<int> gets{0};
  FaultyStore store(memory, [&](StoreOperation operation, const std::string&) {
    if (operation == StoreOperation::kGet && gets++ == 4) memory.corrupt("o", some_bytes(1000));
    return Fault::kNone;
  });
  EXPECT_ERROR(whole(store, {100, 3, -1, {}}), ErrorCode::kCorrupt);
}

TEST(OrderedGetTest, TheFirstErrorInOrderIsToldAndItEnds) {
  MemoryStore memory;
  value(memory.put_if_absent("o", some_bytes(10'000)));
  std::atomic<int> gets{0};
  FaultyStore store(memory, [&](StoreOperation operation, const std::string&) {
    return operation == StoreOperation::kGet && gets++ >= 5 ? Fault::kFailBefore : Fault::kNone;
  });
  EXPECT_ERROR(whole(store, {100, 4, -1, {}}), ErrorCode::kUnreachable);
  EXPECT_LT(gets, 12) << "the rest is not asked for";
  EXPECT_ERROR(
      get_in_order(memory, "o", {100, 4, -1, {}},
                   [](std::string_view) -> Result<void> { return Error(ErrorCode::kUsage, "enough"); }),
      ErrorCode::kUsage);
  EXPECT_ERROR(
      get_in_order(memory, "missing", {100, 4, -1, {}}, [](std::string_view) -> Result<void> { return {}; }),
      ErrorCode::kNotFound);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_ERROR(whole(memory, {100, 4, -1, stop.get_token()}), ErrorCode::kCancelled);
}

TEST(OrderedGetTest, NoMoreThanTheWindowIsFetchedAhead) {
  MemoryStore memory;
  value(memory.put_if_absent("o", some_bytes(10'000)));
  std::atomic<int> gets{0};
  FaultyStore store(memory, [&](StoreOperation operation, const std::string&) {
    gets += operation == StoreOperation::kGet ? 1 : 0;
    return Fault::kNone;
  });
  int taken = 0;
  EXPECT_OK(get_in_order(store, "o", {100, 3, -1, {}}, [&](std::string_view) -> Result<void> {
    ++taken;
    EXPECT_LE(gets, taken + 3);
    return {};
  }));
  EXPECT_EQ(taken, 100);
}

}  // namespace
}  // namespace changevault
