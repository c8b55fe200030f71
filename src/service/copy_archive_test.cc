// A copy is the archive again, whoever dies on the way and whatever stands at the destination.
#include "service/copy_archive.h"

#include <algorithm>
#include <atomic>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "archive/verify.h"
#include "store/faulty_store.h"
#include "store/memory/memory_store.h"
#include "tests/support/archive_fixture.h"
#include "tests/support/expect.h"

namespace changevault {
namespace {

using testing::ArchiveFixture;
using testing::value;

std::map<std::string, std::string> content(ObjectStore& store) {
  std::map<std::string, std::string> out;
  EXPECT_OK(for_each_object(store, "", [&](const ObjectInfo& object) -> Result<void> {
    out[object.key] = value(store.get(object.key));
    return {};
  }));
  return out;
}

class CopyArchiveTest : public ::testing::Test, protected ArchiveFixture {
 protected:
  void SetUp() override {
    init();
    fill(0);
  }
  void fill(int from) {
    const int hour = from / 100;
    for (int n = from; n < from + 12; ++n)
      hub.append(PartitionId(n % 2), testing::event("shop", n % 3 == 0 ? "orders" : "users", n),
                 testing::at(9 + hour + n % 3, n % 60), false);
    hub.append(PartitionId(0), "no event", testing::at(12 + hour, 0), false);
    EXPECT_OK(archive());
  }
  CopyReport copy() { return value(copy_archive(store, to_, layout, {})); }

  MemoryStore to_;
};

TEST_F(CopyArchiveTest, IsTheArchiveAgain) {
  const CopyReport report = copy();
  EXPECT_TRUE(report.complete);
  EXPECT_TRUE(report.by_ledger);
  EXPECT_TRUE(report.problems.empty());
  EXPECT_GT(report.proven, 0);
  EXPECT_EQ(content(to_), content(store));
  const CopyReport again = copy();
  EXPECT_EQ(again.copied, 0);
  EXPECT_EQ(again.already_there, report.copied);
}

// Their events may not be archived yet: whoever goes on at the destination needs them.
TEST_F(CopyArchiveTest, BodiesOfOversizeEventsComeAlongEvenDamagedOnes) {
  const std::string name = layout.oversize(std::string(64, 'a'));
  ASSERT_OK(store.put_if_absent(name, "not what its name says"));
  EXPECT_TRUE(copy().complete);
  EXPECT_EQ(value(to_.get(name)), "not what its name says");
}

TEST_F(CopyArchiveTest, BringsWhatCameSince) {
  copy();
  fill(100);
  const CopyReport report = copy();
  EXPECT_GT(report.copied, 0);
  EXPECT_EQ(content(to_), content(store));
}

// It dies at every request to the destination; until all is there, the destination has no first seal.
TEST_F(CopyArchiveTest, ADeathAnywhereLeavesNoHalfArchive) {
  const std::string first = layout.seal_chain() + KeyLayout::slot_name(Slot(0));
  for (int death = 1; death < 1000; ++death) {
    MemoryStore to;
    std::atomic<int> calls{0};
    FaultyStore dying(to, [&](StoreOperation operation, const std::string&) {
      if (operation != StoreOperation::kPut) return Fault::kNone;
      return ++calls == death ? Fault::kFailAfter : calls > death ? Fault::kFailBefore : Fault::kNone;
    });
    const auto died = copy_archive(store, dying, layout, {});
    if (died.has_value()) {
      EXPECT_GT(death, 5);
      return;
    }
    const bool whole = content(to) == content(store);
    EXPECT_EQ(to.head(first).has_value(), whole) << "death " << death;
    EXPECT_TRUE(value(copy_archive(store, to, layout, {})).complete);
    EXPECT_EQ(content(to), content(store)) << "death " << death;
  }
  FAIL() << "it never ends";
}

// What was copied once grows slot by slot: a reader in between sees an older state of it, never a hole.
TEST_F(CopyArchiveTest, ADeathInASecondCopyLeavesAnOlderArchive) {
  copy();
  const auto before = content(to_);
  fill(100);
  for (int death = 1; death < 1000; ++death) {
    MemoryStore to;
    for (const auto& [key, bytes] : before) value(to.put_if_absent(key, bytes));
    std::atomic<int> calls{0};
    FaultyStore dying(to, [&](StoreOperation operation, const std::string&) {
      return operation == StoreOperation::kPut && ++calls >= death ? Fault::kFailBefore : Fault::kNone;
    });
    if (copy_archive(store, dying, layout, {}).has_value()) {
      EXPECT_GT(death, 2);
      return;
    }
    const Catalog catalog = value(Catalog::read(to, layout));
    EXPECT_TRUE(catalog.problems().empty()) << "death " << death;
    for (const ListedSegment& segment : catalog.segments()) EXPECT_OK(to.head(segment.facts.key));
  }
  FAIL() << "it never ends";
}

TEST_F(CopyArchiveTest, DamageIsNotCopiedAndTheLedgerStaysBehind) {
  const Catalog catalog = value(Catalog::read(store, layout));
  const std::string damaged = catalog.segments().at(0).facts.key;
  std::string bytes = value(store.get(damaged));
  bytes[bytes.size() / 2] ^= 1;
  store.corrupt(damaged, bytes);
  const CopyReport report = copy();
  EXPECT_FALSE(report.complete);
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_EQ(report.problems[0].key, damaged);
  EXPECT_ERROR(to_.head(damaged), ErrorCode::kNotFound);
  EXPECT_ERROR(to_.head(layout.seal_chain() + KeyLayout::slot_name(Slot(0))), ErrorCode::kNotFound);
}

TEST_F(CopyArchiveTest, AMissingFileIsNamed) {
  const std::string gone = value(Catalog::read(store, layout)).segments().back().facts.key;
  EXPECT_OK(store.remove(gone));
  const CopyReport report = copy();
  EXPECT_FALSE(report.complete);
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_EQ(report.problems[0].key, gone);
}

TEST_F(CopyArchiveTest, OtherBytesAtTheDestinationAreNotOverwritten) {
  const std::string taken = value(Catalog::read(store, layout)).segments().at(0).facts.key;
  value(to_.put_if_absent(taken, "something else"));
  const CopyReport report = copy();
  EXPECT_FALSE(report.complete);
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_EQ(value(to_.get(taken)), "something else");
}

// A life-cycle rule took the first seal: that is a damaged ledger, not an archive without one.
TEST_F(CopyArchiveTest, ALedgerWithoutItsFirstSealIsNotCopied) {
  EXPECT_OK(store.remove(layout.seal_chain() + KeyLayout::slot_name(Slot(0))));
  EXPECT_ERROR(copy_archive(store, to_, layout, {}), ErrorCode::kCorrupt);
  EXPECT_TRUE(content(to_).empty());
}

// Hierarchical accounts list folder by folder: a-b/x behind a/x.
TEST_F(CopyArchiveTest, NoOrderOfListingsIsReliedOn) {
  struct Backwards final : ObjectStore {
    explicit Backwards(ObjectStore& store) : inner(store) {}
    Result<PutOutcome> put_if_absent(const std::string& k, std::string_view b, const PutOptions& o) override {
      return inner.put_if_absent(k, b, o);
    }
    Result<std::string> get(const std::string& k, std::optional<ByteRange> r, const std::string& e) override {
      return inner.get(k, r, e);
    }
    Result<ObjectInfo> head(const std::string& k) override { return inner.head(k); }
    Result<ListPage> list(const std::string& p, std::optional<char> d, const std::string& c,
                          std::size_t n) override {
      CV_ASSIGN(ListPage page, inner.list(p, d, c, n));
      std::ranges::reverse(page.objects);
      return page;
    }
    Result<void> remove(const std::string& k) override { return inner.remove(k); }
    Result<std::optional<Timestamp>> clock() override { return inner.clock(); }
    std::string url() const override { return inner.url(); }
    ObjectStore& inner;
  } backwards(store);
  EXPECT_TRUE(value(copy_archive(backwards, to_, layout, {})).complete);
  EXPECT_EQ(content(to_), content(store));
  const CopyReport again = value(copy_archive(backwards, to_, layout, {}));
  EXPECT_EQ(again.copied, 0);
  EXPECT_TRUE(again.complete);
}

TEST_F(CopyArchiveTest, AnotherArchiveIsRefused) {
  value(to_.put_if_absent(layout.seal_chain() + KeyLayout::slot_name(Slot(0)), "{}"));
  EXPECT_ERROR(copy_archive(store, to_, layout, {}), ErrorCode::kFenced);
  EXPECT_EQ(content(to_).size(), 1U);
}

// Whether the source stood still meanwhile or went on, too: nothing is added to either history.
TEST_F(CopyArchiveTest, ACopyThatWentOnByItselfIsRefused) {
  copy();
  const Catalog before = value(Catalog::read(store, layout));
  const PartitionState& last = before.partitions().back();
  value(to_.put_if_absent(layout.partition_chain(last.partition) + KeyLayout::slot_name(last.end), "{}"));
  const auto standing = content(to_);
  EXPECT_ERROR(copy_archive(store, to_, layout, {}), ErrorCode::kFenced);
  fill(100);
  EXPECT_ERROR(copy_archive(store, to_, layout, {}), ErrorCode::kFenced);
  for (const auto& [key, bytes] : content(to_)) {
    if (key.starts_with(layout.ledger_prefix())) {
      EXPECT_TRUE(standing.contains(key)) << key;
    }
  }
}

TEST_F(CopyArchiveTest, FilesWithoutALedgerAreCopiedAsTheyAre) {
  MemoryStore foreign;
  for (const auto& [key, bytes] : content(store)) {
    if (!key.starts_with(layout.ledger_prefix())) value(foreign.put_if_absent(key, bytes));
  }
  const CopyReport report = value(copy_archive(foreign, to_, layout, {}));
  EXPECT_FALSE(report.by_ledger);
  EXPECT_EQ(report.proven, 0);
  EXPECT_EQ(content(to_), content(foreign));
}

}  // namespace
}  // namespace changevault
