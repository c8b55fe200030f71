#include "archive/leftovers.h"

#include <gtest/gtest.h>

#include "store/faulty_store.h"
#include "tests/support/archive_fixture.h"

namespace changevault {
namespace {

using testing::ArchiveFixture;
using testing::at;
using testing::event;
using testing::value;

const KeyLayout kLayout("changestreams");

std::string object(std::int64_t first, std::int64_t last, std::int64_t claim, bool dead_letter = false) {
  const SegmentName::Origin origin{PartitionId(0), Sequence(first), Sequence(last), Slot(claim)};
  return dead_letter ? kLayout.dead_letter(hour_of(at(9, 0)), origin)
                     : kLayout.segment({"shop", "users"}, hour_of(at(9, 0)), origin);
}

CommitEntry commit(std::int64_t first, std::int64_t last, std::vector<std::string> keys = {}) {
  CommitEntry entry;
  entry.first = Sequence(first);
  entry.last = Sequence(last);
  for (std::string& key : keys) {
    entry.segments.emplace_back();
    entry.segments.back().key = std::move(key);
  }
  return entry;
}

ClaimEntry claim(std::int64_t epoch = 0) {
  ClaimEntry entry;
  entry.epoch = Epoch(epoch);
  return entry;
}

LostEntry loss(std::int64_t first, std::int64_t last, std::vector<std::string> salvage = {}) {
  LostEntry entry;
  entry.first = Sequence(first);
  entry.last = Sequence(last);
  entry.salvage = std::move(salvage);
  return entry;
}

ChainFacts chain(const std::vector<EntryBody>& entries) {
  ChainFacts facts;
  for (std::size_t i = 0; i < entries.size(); ++i)
    add_entry(facts, Slot(static_cast<std::int64_t>(i)), entries[i]);
  return facts;
}

LeftoverFate fate(const std::string& key, const ChainFacts& facts) {
  return fate_of(key, kLayout, &facts);
}

TEST(LeftoverRule, BelowTheNewestClaimAndCoveredIsRemovable) {
  const ChainFacts facts = chain({claim(), commit(0, 9), claim(), commit(10, 19), commit(20, 29)});
  EXPECT_EQ(fate(object(10, 15, 0), facts), LeftoverFate::kRemovable);
  EXPECT_EQ(fate(object(8, 12, 0), facts), LeftoverFate::kRemovable) << "over the border of two commits";
  EXPECT_EQ(fate(object(10, 15, 0, true), facts), LeftoverFate::kRemovable) << "dead letters alike";
}

TEST(LeftoverRule, OfTheNewestClaimIsKept) {
  const ChainFacts facts = chain({claim(), commit(0, 9), claim(), commit(10, 19)});
  EXPECT_EQ(fate(object(10, 15, 2), facts), LeftoverFate::kOwned);
}

TEST(LeftoverRule, OfALaterClaimThanWasReadIsKept) {
  const ChainFacts facts = chain({claim(), commit(0, 9), claim()});
  EXPECT_EQ(fate(object(0, 5, 3), facts), LeftoverFate::kUnknown);
  EXPECT_EQ(fate(object(0, 5, 1), facts), LeftoverFate::kUnknown) << "a commit is no claim";
  EXPECT_EQ(fate_of(object(0, 5, 0), kLayout, nullptr), LeftoverFate::kUnknown);
}

TEST(LeftoverRule, ListedIsNoLeftover) {
  const ChainFacts facts = chain({claim(), commit(0, 9, {object(0, 9, 0)}), claim()});
  EXPECT_EQ(fate(object(0, 9, 0), facts), LeftoverFate::kListed);
}

TEST(LeftoverRule, ForeignNamesAreNeverTouched) {
  const ChainFacts facts = chain({claim(), commit(0, 9), claim()});
  for (const char* key : {"changestreams/shop/users/2025/01/15/09-other.jsonl.gz", "changestreams/notes.txt",
                          "changestreams/shop/users/2025/01/15/09-batch-p000-1-2-c0.jsonl.gz"}) {
    EXPECT_EQ(fate(key, facts), LeftoverFate::kForeign) << key;
  }
}

TEST(LeftoverRule, WhatALossNamesOrOverlapsIsKept) {
  const std::string salvage = object(20, 29, 0);
  const ChainFacts facts =
      chain({claim(), commit(0, 9), claim(), loss(10, 19, {salvage}), commit(20, 39), claim()});
  EXPECT_EQ(fate(salvage, facts), LeftoverFate::kSalvage);
  EXPECT_EQ(fate(object(5, 12, 0), facts), LeftoverFate::kLost);
  EXPECT_EQ(fate(object(5, 9, 0), facts), LeftoverFate::kRemovable);
  EXPECT_EQ(fate(object(20, 22, 2), facts), LeftoverFate::kRemovable);
}

TEST(LeftoverRule, WhatNoSlotCoversIsKept) {
  const ChainFacts facts = chain({claim(), commit(0, 9), claim(), commit(10, 19)});
  EXPECT_EQ(fate(object(15, 25, 0), facts), LeftoverFate::kNotArchived);
  // The numbers of another life of the hub are other events.
  CommitEntry of_new_epoch = commit(0, 99);
  of_new_epoch.epoch = Epoch(1);
  const ChainFacts replaced = chain({claim(), commit(0, 9), claim(1), of_new_epoch, claim(1)});
  EXPECT_EQ(fate(object(15, 25, 0), replaced), LeftoverFate::kNotArchived);
  EXPECT_EQ(fate(object(15, 25, 2), replaced), LeftoverFate::kRemovable);
}

// An archive whose archiver dies, goes on, and is cleaned, in every interleaving of calls to the store.
class LeftoverRace : public ::testing::Test {
 protected:
  struct Killed {};

  // An archiver that dies when it writes the slot behind its first upload.
  static void leave_leftover(ArchiveFixture& a) {
    int uploads = 0;
    FaultyStore dying(a.store, [&](StoreOperation operation, const std::string& key) {
      if (operation == StoreOperation::kPut && key.ends_with(".jsonl.gz")) ++uploads;
      if (uploads > 0 && operation == StoreOperation::kPut && key.ends_with(".json")) throw Killed{};
      return Fault::kNone;
    });
    try {
      (void)a.archive_with(dying);
      FAIL() << "it did not die";
    } catch (const Killed&) {
    }
  }

  static void publish(ArchiveFixture& a, int number) {
    a.hub.append(PartitionId(0), number % 5 == 0 ? "broken" : event("shop", "users", number), at(8, number));
  }

  static std::vector<Leftover> clean(ArchiveFixture& a, ObjectStore& store) {
    const std::vector<Leftover> found = value(find_leftovers(store, a.layout));
    std::vector<std::string> keys;
    for (const Leftover& leftover : found) keys.push_back(leftover.key);
    return value(remove_leftovers(store, a.layout, keys));
  }

  static void begin(ArchiveFixture& a) {
    a.options.upload_threads = 1;
    a.init();
    for (int n = 1; n < 8; ++n) publish(a, n);
    leave_leftover(a);
  }
};

TEST_F(LeftoverRace, TheNextArchiverMakesThemRemovable) {
  ArchiveFixture a;
  begin(a);
  const std::vector<Leftover> before = value(find_leftovers(a.store, a.layout));
  ASSERT_EQ(before.size(), 2U) << "a segment and a dead letter";
  for (const Leftover& leftover : before) EXPECT_EQ(leftover.fate, LeftoverFate::kOwned);
  for (const Leftover& leftover : clean(a, a.store)) EXPECT_NE(leftover.fate, LeftoverFate::kRemovable);
  EXPECT_EQ(value(find_leftovers(a.store, a.layout)), before);
  ASSERT_OK(a.archive(ArchiveMode::kOnceAndClose));
  for (const Leftover& leftover : clean(a, a.store)) EXPECT_EQ(leftover.fate, LeftoverFate::kRemovable);
  EXPECT_TRUE(value(find_leftovers(a.store, a.layout)).empty());
  EXPECT_EQ(a.verify().verdict, Verdict::kPass);
}

// While the cleaner works, at each of its calls: another archiver comes, and one that dies.
TEST_F(LeftoverRace, ArchiversBetweenAnyTwoCallsOfTheCleaner) {
  int calls = 1;
  for (int at_call = 0; at_call < calls; ++at_call) {
    ArchiveFixture a;
    begin(a);
    ASSERT_OK(a.archive());
    publish(a, 20);
    leave_leftover(a);
    calls = 0;
    FaultyStore busy(a.store, [&](StoreOperation, const std::string&) {
      if (calls++ == at_call) {
        publish(a, 30);
        EXPECT_OK(a.archive());
        publish(a, 31);
        leave_leftover(a);
      }
      return Fault::kNone;
    });
    clean(a, busy);
    ASSERT_OK(a.archive(ArchiveMode::kOnceAndClose));
    EXPECT_EQ(a.verify().verdict, Verdict::kPass) << "call " << at_call;
    EXPECT_EQ(a.verify().records_checked + a.verify().dead_letters_checked, 10) << "call " << at_call;
  }
  EXPECT_GT(calls, 10);
}

// While an archiver works, at each of its calls: a whole cleaning, and another archiver that takes over.
TEST_F(LeftoverRace, ACleaningBetweenAnyTwoCallsOfAnArchiver) {
  for (const bool with_rival : {false, true}) {
    int calls = 1;
    for (int at_call = 0; at_call < calls; ++at_call) {
      ArchiveFixture a;
      begin(a);
      publish(a, 20);
      calls = 0;
      FaultyStore watched(a.store, [&](StoreOperation, const std::string&) {
        if (calls++ == at_call) {
          if (with_rival) EXPECT_OK(a.archive());
          clean(a, a.store);
        }
        return Fault::kNone;
      });
      (void)a.archive_with(watched);  // fenced, where a rival came
      publish(a, 21);
      ASSERT_OK(a.archive(ArchiveMode::kOnceAndClose));
      clean(a, a.store);
      EXPECT_EQ(a.verify().verdict, Verdict::kPass) << "call " << at_call;
      EXPECT_EQ(a.verify().records_checked + a.verify().dead_letters_checked, 9) << "call " << at_call;
      EXPECT_TRUE(value(find_leftovers(a.store, a.layout)).empty()) << "call " << at_call;
    }
    EXPECT_GT(calls, 10);
  }
}

}  // namespace
}  // namespace changevault
