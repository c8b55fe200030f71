#include "archive/hour_catalog.h"

#include <algorithm>
#include <atomic>
#include <set>

#include <gtest/gtest.h>

#include "base/hash.h"
#include "store/faulty_store.h"
#include "tests/support/archive_fixture.h"
#include "tests/support/clocked_store.h"

namespace changevault {
namespace {

using testing::ArchiveFixture;
using testing::at;
using testing::event;
using testing::value;

class HourCatalogTest : public ::testing::Test, protected ArchiveFixture {
 protected:
  void SetUp() override { init(); }

  // One commit and one seal for each hour from `first` to `last`; the hour `last` itself stays open.
  void archive_hours(int first, int last) {
    for (int hour = first; hour <= last; ++hour) {
      for (int n = 0; n < 4; ++n) {
        const std::string collection = n % 2 == 0 ? "orders" : "users";
        hub.append(PartitionId(n / 2), event("shop", collection, hour * 10 + n), at(hour, n), false);
      }
      value(archive());
    }
  }
  HourCatalog hours() { return value(HourCatalog::read(store, layout)); }
  HourCatalog hours_of(ObjectStore& other) { return value(HourCatalog::read(other, layout)); }

  // What the whole ledger says, cell by cell: the hour catalog has to say the same.
  void expect_all_cells(HourCatalog& found) {
    const Catalog whole = catalog();
    const std::vector<ArchiveCell> wanted = whole.cells({});
    ASSERT_EQ(found.cells().size(), wanted.size());
    for (std::size_t n = 0; n < wanted.size(); ++n) {
      const HourCell& cell = found.cells()[n];
      EXPECT_EQ(cell.hour, wanted[n].hour);
      EXPECT_EQ(found.namespaces()[cell.ns], wanted[n].ns);
      EXPECT_EQ(cell.digest, wanted[n].digest);
      EXPECT_GE(cell.listed_by, wanted[n].newest_listing);
      std::vector<std::string> keys;
      for (const SealedSegment& object : value(found.objects_of(cell))) keys.push_back(object.key);
      std::vector<std::string> wanted_keys;
      for (const ListedSegment* segment : wanted[n].segments) wanted_keys.push_back(segment->facts.key);
      EXPECT_EQ(keys, wanted_keys);
    }
    EXPECT_EQ(found.first_hour(), whole.first_hour());
    EXPECT_EQ(found.sealed_from(), whole.sealed_from());
  }

  std::string seal_key(int slot) { return layout.seal_chain() + KeyLayout::slot_name(Slot(slot)); }
  void flip(const std::string& key) {
    std::string bytes = value(store.get(key));
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    store.corrupt(key, bytes);
  }
};

TEST_F(HourCatalogTest, WithoutAnArchiveItSaysSo) {
  MemoryStore empty(clock);
  EXPECT_ERROR(HourCatalog::read(empty, layout), ErrorCode::kNotFound);
  HourCatalog found = hours();
  EXPECT_TRUE(found.cells().empty());
  EXPECT_EQ(found.first_hour(), std::nullopt);
}

TEST_F(HourCatalogTest, SealedAndOpenHoursAreThoseOfTheWholeLedger) {
  archive_hours(8, 14);
  HourCatalog found = hours();
  EXPECT_EQ(found.sealed_to(), hour_of(at(14, 0)));
  EXPECT_EQ(found.end(), hour_of(at(15, 0)));
  EXPECT_TRUE(found.problems().empty());
  expect_all_cells(found);
}

TEST_F(HourCatalogTest, OfPartitionsOnlyTheEndIsRead) {
  archive_hours(2, 22);
  std::atomic<int> read{0};
  FaultyStore counted(store, [&](StoreOperation operation, const std::string& key) {
    if (operation == StoreOperation::kGet && key.find("/_ledger/p") != std::string::npos) ++read;
    return Fault::kNone;
  });
  hours_of(counted);
  EXPECT_LE(read.load(), 2 * 4) << "two partitions: the slot that the newest seal names and those behind it";
}

TEST_F(HourCatalogTest, ListingsAreThoseOfTheCommits) {
  archive_hours(8, 14);
  HourCatalog found = hours();
  const Catalog whole = catalog();
  const std::vector<ListedSegment> listings = value(found.listings_of(found.cells()));
  const std::vector<const ListedSegment*> wanted = whole.select({});
  ASSERT_EQ(listings.size(), wanted.size());
  for (std::size_t n = 0; n < wanted.size(); ++n) {
    SegmentFacts facts = wanted[n]->facts;
    facts.blocks.clear();
    EXPECT_EQ(listings[n].facts, facts);
    EXPECT_EQ(listings[n].slot, wanted[n]->slot);
    EXPECT_EQ(listings[n].listed_at, wanted[n]->listed_at);
  }
  // Of one cell in the middle: nothing else.
  const std::vector<HourCell> one{found.cells()[4]};
  for (const ListedSegment& segment : value(found.listings_of(one))) {
    EXPECT_EQ(segment.facts.hour, one[0].hour);
    EXPECT_EQ(segment.facts.ns, found.namespaces()[one[0].ns]);
  }
}

// The hours of a damaged seal are told by the partitions' chains; nothing is lost by it.
TEST_F(HourCatalogTest, ADamagedSealIsReplacedByTheCommits) {
  archive_hours(8, 14);
  const HourCatalog before = hours();
  for (const int slot : {1, 3, 5}) {
    const std::string bytes = value(store.get(seal_key(slot)));
    flip(seal_key(slot));
    HourCatalog found = hours();
    ASSERT_EQ(found.problems().size(), 1U) << slot;
    EXPECT_EQ(found.problems()[0].error.object, seal_key(slot));
    EXPECT_EQ(found.problems()[0].from, found.problems()[0].to);
    ASSERT_EQ(found.cells().size(), before.cells().size()) << slot;
    for (std::size_t n = 0; n < before.cells().size(); ++n) {
      EXPECT_EQ(found.cells()[n].hour, before.cells()[n].hour);
      EXPECT_EQ(found.cells()[n].digest, before.cells()[n].digest);
    }
    EXPECT_EQ(found.sealed_from(), before.sealed_from());
    EXPECT_EQ(found.sealed_to(), before.sealed_to());
    store.corrupt(seal_key(slot), bytes);
  }
}

TEST_F(HourCatalogTest, ASealThatIsGoneIsReplacedToo) {
  archive_hours(8, 14);
  const std::size_t cells = hours().cells().size();
  ASSERT_OK(store.remove(seal_key(2)));
  HourCatalog found = hours();
  EXPECT_EQ(found.cells().size(), cells);
  ASSERT_EQ(found.problems().size(), 1U);
  EXPECT_EQ(found.problems()[0].error.code, ErrorCode::kCorrupt);
}

TEST_F(HourCatalogTest, ADamagedCommitMakesItsHoursUncertain) {
  archive_hours(8, 14);
  const Catalog whole = catalog();
  const auto last =
      std::find_if(whole.segments().begin(), whole.segments().end(), [](const ListedSegment& s) {
        return s.facts.hour == hour_of(at(14, 0)) && s.facts.partition == PartitionId(0);
      });
  ASSERT_NE(last, whole.segments().end());
  const std::string key = layout.partition_chain(PartitionId(0)) + KeyLayout::slot_name(last->slot);
  flip(key);
  HourCatalog found = hours();
  ASSERT_EQ(found.problems().size(), 1U);
  EXPECT_EQ(found.problems()[0].error.object, key);
  EXPECT_TRUE(found.problems()[0].touches(hour_of(at(14, 0))));
  EXPECT_FALSE(found.problems()[0].touches(hour_of(at(12, 0))));
}

// A commit in the sealed past is read only where its facts are asked for; then what it lists is not there.
TEST_F(HourCatalogTest, ListingsOfADamagedSlotComeFromTheSeals) {
  archive_hours(8, 14);
  const Catalog whole = catalog();
  const ListedSegment& damaged = whole.segments()[0];
  flip(layout.partition_chain(damaged.facts.partition) + KeyLayout::slot_name(damaged.slot));
  HourCatalog found = hours();
  EXPECT_TRUE(found.problems().empty());
  std::vector<LedgerProblem> problems;
  const auto listings = value(found.listings_of(found.cells(), &problems));
  ASSERT_EQ(listings.size(), whole.segments().size());
  for (const ListedSegment& segment : listings) {
    const ListedSegment* const known = whole.find(segment.facts.key);
    ASSERT_NE(known, nullptr);
    EXPECT_EQ(segment.slot, known->slot);
    EXPECT_EQ(segment.facts.counted(), known->facts.counted());
    EXPECT_EQ(segment.facts.operations, known->facts.operations);
    EXPECT_EQ(segment.facts.bytes, known->facts.bytes);
    EXPECT_EQ(segment.facts.text_bytes, known->facts.text_bytes);
    EXPECT_EQ(segment.facts.min_time, known->facts.min_time);
    EXPECT_EQ(segment.facts.max_time, known->facts.max_time);
    EXPECT_EQ(segment.facts.distinct, known->facts.distinct);
  }
  ASSERT_EQ(problems.size(), 1U);
}

TEST_F(HourCatalogTest, TheHubIsTheNewestOneOrNotKnown) {
  archive_hours(8, 10);
  const Slot end = value(Chain(store, layout.partition_chain(PartitionId(0))).find_end());
  const HourCatalog whole = hours();
  EXPECT_EQ(*whole.hub(), *catalog().hub());
  EXPECT_GT(whole.promised_end(PartitionId(0)), Slot(0));
  EXPECT_LE(whole.promised_end(PartitionId(0)), end);
  EXPECT_EQ(whole.promised_end(PartitionId(7)), Slot(0));
  EXPECT_FALSE(whole.joined_later(PartitionId(1)));
  EXPECT_TRUE(whole.joined_later(PartitionId(2)));
  flip(seal_key(1));  // a seal; the one behind it names the hub's slot
  EXPECT_TRUE(hours().hub());
  flip(seal_key(2));  // nobody tells what stood in the last one
  EXPECT_FALSE(hours().hub());
}

TEST_F(HourCatalogTest, WithoutTheSlotThatNamesTheHubItIsNotKnown) {
  archive_hours(8, 10);
  flip(seal_key(0));
  EXPECT_FALSE(hours().hub());
}

TEST_F(HourCatalogTest, AStoreThatIsAwayIsNoDamage) {
  archive_hours(8, 12);
  FaultyStore away(store, [](StoreOperation operation, const std::string& key) {
    return operation == StoreOperation::kGet && key.ends_with("000000000002.json") ? Fault::kFailBefore
                                                                                   : Fault::kNone;
  });
  EXPECT_ERROR(HourCatalog::read(away, layout), ErrorCode::kUnreachable);
}

// A loss that a seal names is read from its own slot: it may touch hours of other seals.
TEST_F(HourCatalogTest, LossesThatSealsNameAreRead) {
  MemoryStore other(clock);
  std::map<std::string, std::pair<Slot, std::string>> tails;
  const auto append = [&](const std::string& folder, EntryBody body) {
    auto& [next, previous] = tails.try_emplace(folder, Slot(0), kNoPrevious).first->second;
    const std::string bytes = encode_entry({{"test:1", random.nonce(), at(9, 0), previous}, std::move(body)});
    value(other.put_if_absent(folder + KeyLayout::slot_name(next), bytes));
    next = next.next();
    previous = sha256_hex(bytes);
  };
  const std::string p0 = layout.partition_chain(PartitionId(0));
  append(layout.seal_chain(), HubEntry{"memory", "id", "hub", Epoch(0), "pipeline", "default", 1});
  append(p0, ClaimEntry{});
  append(p0, LostEntry{Epoch(0), Sequence(0), Sequence(4), "retention", at(9, 10), at(9, 50), {}});
  append(p0, CommitEntry{Epoch(0), Sequence(5), Sequence(4), 0, at(12, 0), std::nullopt, {}, {}});
  SealEntry seal;
  seal.from = hour_of(at(8, 0));
  seal.to = hour_of(at(12, 0));
  seal.lost.push_back({PartitionId(0), Slot(1)});
  seal.through[PartitionId(0)] = Slot(2);
  append(layout.seal_chain(), seal);
  HourCatalog found = hours_of(other);
  ASSERT_EQ(found.lost().size(), 1U);
  EXPECT_EQ(found.lost()[0].entry.from, at(9, 10));
  EXPECT_EQ(found.sealed_to(), hour_of(at(12, 0)));
  // Its slot damaged: that something was lost is known all the same, in all hours of the seal.
  std::string bytes = value(other.get(p0 + KeyLayout::slot_name(Slot(1))));
  bytes[20] = static_cast<char>(bytes[20] ^ 1);
  other.corrupt(p0 + KeyLayout::slot_name(Slot(1)), bytes);
  HourCatalog damaged = hours_of(other);
  ASSERT_EQ(damaged.lost().size(), 1U);
  EXPECT_EQ(damaged.lost()[0].entry.from, at(8, 0));
  EXPECT_EQ(damaged.problems().size(), 1U);
}

// A commit of hours that were sealed one after the other, as another partition was slower: hours that do not
// follow each other are asked for, and each file is listed once.
TEST_F(HourCatalogTest, ACommitThatSpansSeveralSealsIsListedOnce) {
  testing::ClockedStore lagging(store, clock);
  lagging.off = minutes(5);  // no partition's watermark moves without an event
  for (int hour = 8; hour <= 11; ++hour)
    hub.append(PartitionId(0), event("shop", "orders", hour), at(hour, 10), false);
  for (int hour = 8; hour <= 11; ++hour) {
    hub.append(PartitionId(1), event("shop", "users", 100 + hour), at(hour, 5), false);
    value(archive_with(lagging));
  }
  ASSERT_EQ(catalog().seals().size(), 3U);
  HourCatalog found = hours();
  std::vector<HourCell> asked;
  for (const HourCell& cell : found.cells()) {
    if (cell.hour == hour_of(at(8, 0)) || cell.hour == hour_of(at(10, 0))) asked.push_back(cell);
  }
  ASSERT_EQ(asked.size(), 4U);
  const std::vector<ListedSegment> listed = value(found.listings_of(asked));
  std::set<std::string> keys;
  for (const ListedSegment& segment : listed) keys.insert(segment.facts.key);
  EXPECT_EQ(keys.size(), 4U);
  EXPECT_EQ(listed.size(), keys.size()) << "a file is listed twice";
}

}  // namespace
}  // namespace changevault
