#include "archive/verify.h"

#include <algorithm>
#include <functional>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "archive/verify_segment.h"
#include "store/faulty_store.h"
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
  bool names_kind(const VerifyReport& report, const std::string& kind) const {
    return std::any_of(report.problems.begin(), report.problems.end(),
                       [&](const VerifyProblem& problem) { return problem.kind == kind; });
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

// Whole chains that change places are each in order by themselves.
TEST_F(VerifyTest, TheChainOfAnotherPartitionIsNamed) {
  const std::size_t whole = catalog().segments().size();
  const std::string chain = layout.partition_chain(PartitionId(0));
  const std::string other = layout.partition_chain(PartitionId(1));
  std::map<std::string, std::string> slots;
  for (const std::string& key : keys(chain)) slots[other + key.substr(chain.size())] = value(store.get(key));
  for (const std::string& key : keys(other)) slots[chain + key.substr(other.size())] = value(store.get(key));
  for (const std::string& folder : {chain, other}) {
    for (const std::string& key : keys(folder)) ASSERT_OK(store.remove(key));
  }
  for (const auto& [key, bytes] : slots) ASSERT_OK(store.put_if_absent(key, bytes));
  EXPECT_EQ(verify().verdict, Verdict::kFail);
  EXPECT_TRUE(names_kind(verify(), "chain"));
  const Catalog read = catalog();
  EXPECT_FALSE(read.problems().empty());
  EXPECT_EQ(read.segments().size(), whole) << "the seals prove them";
}

// A seal that was written with a right checksum, but does not say what the commits say.
TEST_F(VerifyTest, EverythingThatASealSaysIsCompared) {
  const std::string key = keys(layout.seal_chain()).back();
  const std::string bytes = value(store.get(key));
  const auto forged = [&](const std::function<void(SealEntry&)>& change) {
    Entry entry = value(decode_entry(bytes, key));
    change(std::get<SealEntry>(entry.body));
    store.corrupt(key, encode_entry(entry));
    return names(verify(), key);
  };
  EXPECT_FALSE(forged([](SealEntry&) {}));
  EXPECT_TRUE(forged([](SealEntry& seal) { seal.cells.pop_back(); }));
  EXPECT_TRUE(forged([](SealEntry& seal) { seal.dead_letters.front().objects.front().sha256[0] ^= 1; }));
  EXPECT_TRUE(forged([](SealEntry& seal) { seal.through.erase(PartitionId(1)); }));
  EXPECT_TRUE(forged([](SealEntry& seal) { seal.through[PartitionId(1)] = Slot(0); }));  // a claim
  EXPECT_TRUE(forged([](SealEntry& seal) {  // an hour with segments that no seal is about
    const Hour first = seal.from;
    seal.from = Hour{first.index + 1};
    std::erase_if(seal.cells, [&](const SealedCell& cell) { return cell.hour == first; });
  }));
}

TEST_F(VerifyTest, TheBlockIndexIsComparedWithTheRecords) {
  options.segment.block_text_bytes = 2'000;
  for (int i = 1000; i < 1100; ++i) hub.append(PartitionId(0), event("shop", "more", i), at(13, 0), false);
  ASSERT_OK(archive(ArchiveMode::kOnceAndClose));
  const Catalog c = catalog();
  const auto of_more = std::find_if(c.segments().begin(), c.segments().end(),
                                    [](const ListedSegment& s) { return s.facts.ns.collection == "more"; });
  ASSERT_NE(of_more, c.segments().end());
  ASSERT_GT(of_more->facts.blocks.size(), 3U);
  const auto found = [&](const std::function<void(std::vector<BlockFacts>&)>& change) {
    SegmentFacts facts = of_more->facts;
    change(facts.blocks);
    std::atomic<std::int64_t> bytes_read{0};
    const RecordIdentity identity{c.hub()->source_id, c.hub()->identity, c.hub()->epoch};
    return !value(verify_segment({store, layout, identity, bytes_read, {}}, facts, false)).problems.empty();
  };
  EXPECT_FALSE(found([](auto&) {}));
  EXPECT_TRUE(found([](auto& blocks) { blocks[1].first = Sequence(0); }));
  EXPECT_TRUE(found([](auto& blocks) { blocks[1].min_time = at(12, 0); }));
  EXPECT_TRUE(found([](auto& blocks) { blocks[2].max_time = at(13, 1); }));
  EXPECT_TRUE(found([](auto& blocks) { ++blocks[1].digest, --blocks[2].digest; }));
  EXPECT_TRUE(found([](auto& blocks) { ++blocks[1].records, --blocks[2].records; }));
  EXPECT_TRUE(
      found([](auto& blocks) { ++blocks[1].text_bytes, ++blocks[2].text_offset, --blocks[2].text_bytes; }));
  EXPECT_TRUE(found([](auto& blocks) { blocks.front().byte_offset += 1, blocks.front().bytes -= 1; }));
}

// No seal speaks of the partition yet; its objects do.
TEST_F(VerifyTest, AChainThatIsGoneAltogetherIsNamedByItsObjects) {
  ArchiveFixture young;
  young.init();
  for (int i = 0; i < 4; ++i) young.hub.append(PartitionId(i % 2), event("shop", "users", i), at(23, 58));
  ASSERT_OK(young.archive());
  ASSERT_TRUE(young.catalog().seals().empty());
  for (const std::string& key : young.keys(layout.partition_chain(PartitionId(1))))
    ASSERT_OK(young.store.remove(key));
  EXPECT_EQ(young.verify().verdict, Verdict::kFail);
  EXPECT_TRUE(names_kind(young.verify(), "chain-missing"));
}

// An archiver that starts while we read writes a claim behind what we saw, and objects under it.
TEST_F(VerifyTest, AnArchiverThatStartsMeanwhileIsNoDamage) {
  bool started = false;
  FaultyStore busy(store, [&](StoreOperation operation, const std::string& key) {
    if (!started && operation == StoreOperation::kList && key == layout.archive_prefix()) {
      started = true;
      hub.append(PartitionId(0), event("shop", "users", 5000), at(23, 58));
      EXPECT_OK(archive());
    }
    return Fault::kNone;
  });
  const VerifyReport report = value(verify_archive(busy, layout, {}, nullptr, {}));
  EXPECT_TRUE(started);
  EXPECT_EQ(report.verdict, Verdict::kPass);
  EXPECT_EQ(report.leftovers.size(), 1U);
}

TEST_F(VerifyTest, AnObjectThatTheStoreDoesNotGiveIsNamedAndNoProof) {
  const std::string unreadable = catalog().segments().front().facts.key;
  FaultyStore refusing(store, [&](StoreOperation operation, const std::string& key) {
    return operation == StoreOperation::kGet && key == unreadable ? Fault::kFailBefore : Fault::kNone;
  });
  const VerifyReport report = value(verify_archive(refusing, layout, {}, nullptr, {}));
  EXPECT_EQ(report.verdict, Verdict::kIndeterminate);
  EXPECT_TRUE(names(report, unreadable));
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
