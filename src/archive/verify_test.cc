#include "archive/verify.h"

#include <random>

#include <gtest/gtest.h>

#include "tests/support/archive_fixture.h"

namespace changevault {
namespace {

using testing::ArchiveFixture;
using testing::at;
using testing::event;
using testing::value;

class VerifyTest : public ::testing::Test, protected ArchiveFixture {
 protected:
  void SetUp() override {
    init();
    for (int i = 0; i < 300; ++i) {
      hub.append(PartitionId(i % 2), event("shop", i % 3 == 0 ? "orders" : "users", i),
                 at(8 + i / 100, i % 60), false);
    }
    hub.append(PartitionId(0), "broken", at(11, 0), false);
    ASSERT_OK(archive(ArchiveMode::kOnceAndClose));
    ASSERT_EQ(verify().verdict, Verdict::kPass);
  }
  bool names(const VerifyReport& report, const std::string& key) const {
    for (const VerifyProblem& problem : report.problems) {
      if (problem.key == key) return true;
    }
    return false;
  }
};

TEST_F(VerifyTest, NoLedgerIsNoProof) {
  const MemoryStore empty;
  const VerifyReport report =
      value(verify_archive(*std::make_unique<MemoryStore>(), layout, {}, nullptr, {}));
  EXPECT_EQ(report.verdict, Verdict::kIndeterminate);
  EXPECT_FALSE(report.reason.empty());
}

TEST_F(VerifyTest, AnUnknownScopeIsNoProof) {
  Scope scope;
  scope.database = "nobody";
  EXPECT_EQ(verify(scope).verdict, Verdict::kIndeterminate);
}

TEST_F(VerifyTest, ASealedQuietHourIsProof) {
  hub.append(PartitionId(0), event("shop", "users", 999), at(15, 0), false);
  ASSERT_OK(archive(ArchiveMode::kOnceAndClose));
  Scope scope;
  scope.database = "shop";
  scope.time = {at(13, 0), at(14, 0)};
  EXPECT_EQ(verify(scope).verdict, Verdict::kPass);
  scope.time = {at(16, 0), at(17, 0)};
  EXPECT_EQ(verify(scope).verdict, Verdict::kIndeterminate);
}

// T19, T21: whatever happens to any object below the root, it is found and named.
TEST_F(VerifyTest, EveryDamageToAnyObjectIsNamed) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 generator(seed);
  for (const std::string& key : keys()) {
    const std::string bytes = value(store.get(key));
    for (int round = 0; round < 12; ++round) {
      std::string damaged = bytes;
      if (round % 3 == 0) {
        damaged.resize(generator() % bytes.size());
      } else {
        damaged[generator() % bytes.size()] ^= static_cast<char>(1U << (generator() % 8));
      }
      store.corrupt(key, damaged);
      const VerifyReport report = verify();
      EXPECT_EQ(report.verdict, Verdict::kFail) << key << " round " << round;
      EXPECT_TRUE(names(report, key)) << key << " round " << round;
    }
    ASSERT_OK(store.remove(key));
    const bool of_the_ledger = key.find("/_ledger/") != std::string::npos;
    EXPECT_TRUE(of_the_ledger || names(verify(), key)) << key << " removed";
    ASSERT_OK(store.put_if_absent(key, bytes));
  }
  EXPECT_EQ(verify().verdict, Verdict::kPass);
}

TEST_F(VerifyTest, ARemovedLedgerSlotIsNamedUnlessNothingSpeaksOfIt) {
  for (const std::string& key : keys(layout.ledger_prefix())) {
    const std::string bytes = value(store.get(key));
    ASSERT_OK(store.remove(key));
    const VerifyReport report = verify();
    const bool newest_seal =
        key == keys(layout.seal_chain()).back() || keys(layout.seal_chain()).back() < key;
    if (!(key.starts_with(layout.seal_chain()) && newest_seal)) {
      EXPECT_EQ(report.verdict, Verdict::kFail) << key;
      EXPECT_TRUE(names(report, key)) << key;
    }
    ASSERT_OK(store.put_if_absent(key, bytes));
  }
}

TEST_F(VerifyTest, AnUnlistedObjectIsALeftover) {
  const std::string key = layout.segment({"shop", "users"}, hour_of(at(9, 0)),
                                         {PartitionId(0), Sequence(0), Sequence(1), Slot(0)});
  ASSERT_OK(store.put_if_absent(key, "anything"));
  const VerifyReport report = verify();
  EXPECT_EQ(report.verdict, Verdict::kPass);
  EXPECT_EQ(report.leftovers, std::vector<std::string>{key});
}

}  // namespace
}  // namespace changevault
