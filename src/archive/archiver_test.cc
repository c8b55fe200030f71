#include "archive/archiver.h"

#include <map>

#include <gtest/gtest.h>

#include "archive/chain.h"
#include "hub/faulty_hub.h"
#include "store/faulty_store.h"
#include "tests/support/archive_fixture.h"

namespace changevault {
namespace {

using testing::ArchiveFixture;
using testing::at;
using testing::event;
using testing::value;

constexpr PartitionId kP0{0};
constexpr PartitionId kP1{1};

class ArchiverTest : public ::testing::Test, protected ArchiveFixture {
 protected:
  void SetUp() override { init(); }
};

TEST_F(ArchiverTest, WithoutInitNothingStarts) {
  MemoryStore empty(clock);
  EXPECT_ERROR(archive_with(empty), ErrorCode::kUsage);
}

TEST_F(ArchiverTest, EventsLandByCollectionAndHour) {
  hub.append(kP0, event("shop", "orders", 1), at(9, 10), false);
  hub.append(kP0, event("shop", "orders", 2), at(10, 0), false);
  hub.append(kP1, event("shop", "users", 3, "delete"), at(9, 59, 59), false);
  const ArchiveTotals totals = value(archive());
  EXPECT_EQ(totals.events, 3);
  EXPECT_EQ(totals.records, 3);
  EXPECT_EQ(totals.segments, 3);
  const Catalog c = catalog();
  ASSERT_EQ(c.segments().size(), 3U);
  EXPECT_EQ(c.segments()[0].facts.key,
            "changestreams/shop/orders/2025/01/15/"
            "09-batch-p000-00000000000000000000-00000000000000000000-c000000000000.jsonl.gz");
  EXPECT_EQ(c.segments()[2].facts.operations, (OperationCounts{{"delete", 1}}));
  EXPECT_EQ(verify().verdict, Verdict::kPass);
  EXPECT_EQ(verify().records_checked, 3);
}

TEST_F(ArchiverTest, WhatIsNoEventBecomesADeadLetter) {
  hub.append(kP0, "not json", at(9, 0), false);
  hub.append(kP0, event("shop", "orders", 1), at(9, 0), false);
  const ArchiveTotals totals = value(archive());
  EXPECT_EQ(totals.events, 2);
  EXPECT_EQ(totals.records, 1);
  EXPECT_EQ(totals.dead_letters, 1);
  const Catalog c = catalog();
  ASSERT_EQ(c.dead_letters().size(), 1U);
  EXPECT_TRUE(c.dead_letters()[0].facts.key.starts_with("changestreams/_deadletter/2025/01/15/09-"));
  const VerifyReport report = verify();
  EXPECT_EQ(report.verdict, Verdict::kPass);
  EXPECT_EQ(report.dead_letters_checked, 1);
}

TEST_F(ArchiverTest, ASecondRunAddsNothing) {
  hub.append(kP0, event("shop", "orders", 1), at(9, 0), false);
  ASSERT_OK(archive());
  EXPECT_EQ(value(archive()).events, 0);
  EXPECT_EQ(catalog().segments().size(), 1U);
}

TEST_F(ArchiverTest, CloseSealsTheNewestHourOnce) {
  hub.append(kP0, event("shop", "orders", 1), at(9, 10), false);
  hub.append(kP1, event("shop", "orders", 2), at(11, 10), false);
  ASSERT_OK(archive(ArchiveMode::kOnceAndClose));
  EXPECT_EQ(catalog().sealed_from(), hour_of(at(9, 0)));
  EXPECT_EQ(catalog().sealed_to(), hour_of(at(12, 0)));
  ASSERT_OK(archive(ArchiveMode::kOnceAndClose));
  EXPECT_EQ(catalog().sealed_to(), hour_of(at(12, 0)));
  EXPECT_EQ(verify().verdict, Verdict::kPass);
}

TEST_F(ArchiverTest, AnImportIsSealedUpToItsNewestHourWithoutClose) {
  hub.append(kP0, event("shop", "orders", 1), at(9, 10), false);
  hub.append(kP1, event("shop", "orders", 2), at(11, 10), false);
  ASSERT_OK(archive());
  EXPECT_EQ(catalog().sealed_to(), hour_of(at(11, 0)));
}

TEST_F(ArchiverTest, T14_NothingComesLateIntoASealedHour) {
  hub.append(kP0, event("shop", "orders", 1), at(9, 10), false);
  ASSERT_OK(archive(ArchiveMode::kOnceAndClose));
  // The broker's clock went back: the event is placed where time has come to.
  hub.append(kP0, event("shop", "orders", 2), at(9, 20), false);
  hub.append(kP1, event("shop", "orders", 3), at(9, 30), false);
  ASSERT_OK(archive(ArchiveMode::kOnceAndClose));
  const Catalog c = catalog();
  ASSERT_EQ(c.segments().size(), 3U);
  EXPECT_EQ(c.segments()[1].facts.hour, hour_of(at(10, 0)));
  EXPECT_EQ(c.segments()[2].facts.hour, hour_of(at(10, 0)));
  EXPECT_EQ(verify().verdict, Verdict::kPass);
}

TEST_F(ArchiverTest, AStampFromTheFutureIsCapped) {
  clock.set(at(12, 0));
  hub.append(kP0, event("shop", "orders", 1), at(20, 0), false);
  ASSERT_OK(archive());
  EXPECT_EQ(catalog().segments()[0].facts.min_time, at(12, 10));
}

TEST_F(ArchiverTest, NumbersWithoutEventsStayInsideTheRange) {
  hub.append(kP0, event("shop", "orders", 1), at(9, 0), false);
  hub.skip(kP0, 3);
  hub.append(kP0, event("shop", "orders", 2), at(9, 1), false);
  hub.skip(kP0, 2);
  EXPECT_EQ(value(archive()).events, 2);
  EXPECT_EQ(catalog().partitions()[0].next, Sequence(7));
  EXPECT_EQ(value(archive()).events, 0);
  EXPECT_EQ(verify().verdict, Verdict::kPass);
}

TEST_F(ArchiverTest, AnotherGroupIsRefused) {
  options.group = "other";
  EXPECT_ERROR(archive(), ErrorCode::kUsage);
  EXPECT_ERROR(init_archive(parts(), options), ErrorCode::kUsage);
}

TEST_F(ArchiverTest, MissingSealsStopTheArchiver) {
  hub.append(kP0, event("shop", "orders", 1), at(9, 0), false);
  ASSERT_OK(archive());
  ASSERT_OK(store.remove(layout.seal_chain() + "000000000000.json"));
  EXPECT_FALSE(archive());
}

TEST_F(ArchiverTest, MemoryIsBounded) {
  options.memory = 300'000;
  options.segment.block_text_bytes = 50'000;
  for (int i = 0; i < 20'000; ++i) {
    hub.append(PartitionId(i % 2), event("shop", "c" + std::to_string(i % 50), i), at(9, 0), false);
  }
  const ArchiveTotals totals = value(archive());
  EXPECT_EQ(totals.events, 20'000);
  EXPECT_GT(totals.commits, 10);
  EXPECT_EQ(verify().records_checked, 20'000);
}

TEST_F(ArchiverTest, FiveThousandCollectionsAreOneFlush) {
  for (int i = 0; i < 10'000; ++i)
    hub.append(kP0, event("shop", "c" + std::to_string(i % 5000), i), at(9, 0), false);
  EXPECT_EQ(value(archive()).segments, 5000);
}

TEST_F(ArchiverTest, ARepeatedEventIsArchivedTwiceUnderOneId) {
  hub.append(kP0, event("shop", "orders", 1), at(9, 0), false);
  hub.append(kP0, event("shop", "orders", 1), at(9, 0), false);
  ASSERT_OK(archive());
  const SegmentFacts facts = catalog().segments()[0].facts;
  EXPECT_EQ(facts.records, 2);
  EXPECT_EQ(facts.distinct, 1);
}

// Slots that a seal names were there: without them the partition would be archived again into sealed hours.
TEST_F(ArchiverTest, AChainThatLacksWhatASealNamesIsLeftAlone) {
  hub.append(kP0, event("shop", "orders", 1), at(9, 10), false);
  hub.append(kP0, event("shop", "orders", 2), at(10, 10), false);
  ASSERT_OK(archive(ArchiveMode::kOnceAndClose));
  const std::string chain = layout.partition_chain(kP0);
  const std::vector<std::string> slots = keys(chain);
  ASSERT_GE(slots.size(), 2U);
  for (std::size_t kept : {slots.size() - 1, std::size_t{0}}) {
    for (const std::string& key : keys(chain)) {
      if (key >= slots[kept]) ASSERT_OK(store.remove(key));
    }
    const auto left = keys(chain);
    EXPECT_ERROR(archive(), ErrorCode::kCorrupt);
    EXPECT_EQ(keys(chain), left);
  }
}

// Who archives with a timer and never follows must get sealed hours too.
TEST_F(ArchiverTest, T13_OnceMovesTheWatermarkOfQuietPartitions) {
  hub.append(kP0, event("shop", "orders", 1), at(9, 10));
  clock.set(at(12, 30));
  ASSERT_OK(archive());
  EXPECT_EQ(catalog().sealed_to(), hour_of(at(12, 0)));
  clock.set(at(14, 30));
  EXPECT_EQ(value(archive()).events, 0);
  EXPECT_EQ(catalog().sealed_to(), hour_of(at(14, 0)));
}

TEST_F(ArchiverTest, AHubThatGivesNothingOfWhatItHasIsWaitedForAndSaidOnce) {
  hub.append(kP0, event("shop", "orders", 1), at(9, 10));
  int polls = 0;
  FaultyHub silent(hub, [&](HubOperation operation, const std::string&) {
    if (operation != HubOperation::kPoll || polls++ == 0 || polls > 60) return Fault::kNone;
    clock.advance(milliseconds(500));
    return Fault::kWrongAnswer;
  });
  int said = 0;
  Archiver archiver({silent, store, layout, clock, random}, options);
  archiver.on_notice([&](const std::string& words) { said += words.find("gives nothing") != words.npos; });
  EXPECT_EQ(value(archiver.run(ArchiveMode::kOnce, {})).events, 1);
  EXPECT_EQ(said, 1);
}

TEST_F(ArchiverTest, AHubThatIsAwayIsSaidOnceAndThatItIsBack) {
  hub.append(kP0, event("shop", "orders", 1), at(9, 10));
  int polls = 0;
  FaultyHub away(hub, [&](HubOperation operation, const std::string&) {
    if (operation != HubOperation::kPoll || polls++ == 0 || polls > 5) return Fault::kNone;
    clock.advance(seconds(1));
    return Fault::kFailBefore;
  });
  std::vector<std::string> notices;
  Archiver archiver({away, store, layout, clock, random}, options);
  archiver.on_notice([&](const std::string& words) { notices.push_back(words); });
  EXPECT_EQ(value(archiver.run(ArchiveMode::kOnce, {})).events, 1);
  ASSERT_EQ(notices.size(), 2U);
  EXPECT_NE(notices[0].find("does not answer"), std::string::npos) << notices[0];
  EXPECT_EQ(notices[1], "the hub answers again");
}

// Nothing is open, so nothing needs the hub: a stop ends the run as ever.
TEST_F(ArchiverTest, AStopWhileTheHubIsAwayIsNoError) {
  hub.append(kP0, event("shop", "orders", 1), at(9, 10));
  ASSERT_OK(archive());
  std::stop_source stop;
  int polls = 0;
  FaultyHub away(hub, [&](HubOperation operation, const std::string&) {
    if (operation == HubOperation::kPoll && ++polls == 8) stop.request_stop();
    return polls >= 8 ? Fault::kFailBefore : Fault::kNone;
  });
  Archiver archiver({away, store, layout, clock, random}, options);
  EXPECT_OK(archiver.run(ArchiveMode::kFollow, stop.get_token()));
}

// The clock of a hub that was never written to stands still: no time has passed for certain.
TEST_F(ArchiverTest, AnEmptyHubMovesNoWatermark) {
  ASSERT_OK(archive());
  const Catalog c = catalog();
  for (const PartitionState& partition : c.partitions()) EXPECT_EQ(partition.watermark, std::nullopt);
  ASSERT_OK(archive(ArchiveMode::kOnceAndClose));
  EXPECT_EQ(catalog().sealed_to(), std::nullopt);
}

// T1, T2, T4 in small: the process dies, or the store fails, before or after each single request; then a new
// one goes on. Whatever happens, what the ledger lists is every event exactly once, and nothing of it is
// damaged.
class ArchiverFaultTest : public ::testing::TestWithParam<Fault> {};

TEST_P(ArchiverFaultTest, AnyRequestMayBeTheLast) {
  struct Died {};
  std::int64_t requests = 1;
  int deaths = 0;
  for (std::int64_t fatal = 0; fatal < requests; ++fatal) {
    SCOPED_TRACE("request " + std::to_string(fatal));
    ArchiveFixture f;
    f.options.upload_threads = 1;  // so that a death is an exception of this thread
    f.init();
    for (int i = 0; i < 12; ++i) {
      f.hub.append(PartitionId(i % 2), event("shop", i % 3 == 0 ? "orders" : "users", i), at(9 + i / 6, i),
                   false);
    }
    f.hub.append(kP0, "broken", at(11, 1), false);
    std::int64_t count = 0;
    FaultyStore dying(f.store, [&](StoreOperation, const std::string&) {
      if (count > fatal) throw Died();
      return count++ == fatal ? GetParam() : Fault::kNone;
    });
    try {
      ignore_error(f.archive_with(dying, ArchiveMode::kOnceAndClose), "it is made to fail");
    } catch (const Died&) {
      ++deaths;
    }
    requests = std::max(requests, count + (fatal < count ? 1 : 0));
    ASSERT_OK(f.archive(ArchiveMode::kOnceAndClose));
    const VerifyReport report = f.verify();
    EXPECT_EQ(report.verdict, Verdict::kPass) << (report.problems.empty() ? "" : report.problems[0].detail);
    EXPECT_EQ(report.records_checked, 12);
    EXPECT_EQ(report.dead_letters_checked, 1);
    EXPECT_EQ(f.catalog().sealed_to(), hour_of(at(12, 0)));
    if (count <= fatal) break;  // the run ended before the request that should have failed
  }
  EXPECT_GT(deaths, 15);
}

INSTANTIATE_TEST_SUITE_P(Faults, ArchiverFaultTest, ::testing::Values(Fault::kFailBefore, Fault::kFailAfter));

}  // namespace
}  // namespace changevault
