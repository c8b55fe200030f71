// Who may write a partition's chain: two owners at once, a paused one that wakes, and one that is gone.
#include <algorithm>
#include <utility>

#include <gtest/gtest.h>

#include "archive/chain.h"
#include "archive/ledger_walk.h"
#include "store/faulty_store.h"
#include "tests/support/archive_fixture.h"

namespace changevault {
namespace {

using testing::ArchiveFixture;
using testing::at;
using testing::event;
using testing::value;

constexpr PartitionId kP0{0};

class OwnershipTest : public ::testing::Test, protected ArchiveFixture {
 protected:
  void SetUp() override {
    init();
    options.flush_interval = seconds(10);
  }

  void publish(int count, int hour = 9) {
    for (int i = 0; i < count; ++i, ++published_)
      hub.append(kP0, event("shop", "orders", published_), at(hour, i % 60), false);
  }

  // Writes the next slot of the first partition as another archiver would: a claim that goes on where the
  // chain ends.
  void other_claims() {
    Chain chain(store, layout.partition_chain(kP0));
    const Slot end = value(chain.find_end());
    const WalkedEntry last = value(read_entry(chain, end.previous()));
    ClaimEntry claim;
    if (const auto* commit = std::get_if<CommitEntry>(&last.entry.body)) {
      claim.next = commit->last.next();
      claim.reached = commit->reached;
    } else {
      claim = std::get<ClaimEntry>(last.entry.body);
    }
    const EntryHeader header{"other:2", random.nonce(), clock.now(), last.sha256};
    ASSERT_EQ(value(chain.create(end, encode_entry({header, claim}))), Chain::CreateOutcome::kCreated);
  }

  // Runs an archiver whose writes to the first partition's chain from `slot` on come after `first` has acted.
  Result<ArchiveTotals> archive_behind(const std::string& slot, std::function<void()> first) {
    FaultyStore store_behind(store, [&](StoreOperation operation, const std::string& key) {
      if (operation == StoreOperation::kPut && key.ends_with("/_ledger/p000/" + slot + ".json"))
        if (auto act = std::exchange(first, nullptr)) act();
      return Fault::kNone;
    });
    Archiver archiver(parts_with(store_behind), options);
    archiver.on_notice([&](const std::string& words) { notices.push_back(words); });
    return archiver.run(ArchiveMode::kOnce, {});
  }

  bool told(const std::string& words) const {
    return std::any_of(notices.begin(), notices.end(),
                       [&](const std::string& notice) { return notice.find(words) != std::string::npos; });
  }

  void expect_archived(std::int64_t records, std::size_t leftovers) {
    const VerifyReport report = verify();
    EXPECT_EQ(report.verdict, Verdict::kPass) << (report.problems.empty() ? "" : report.problems[0].detail);
    EXPECT_EQ(report.records_checked, records);
    EXPECT_EQ(report.leftovers.size(), leftovers);
  }

  std::vector<std::string> notices;
  Duration last_{};

 private:
  int published_ = 0;
};

// --once is about the events, not about who archives them.
TEST_F(OwnershipTest, WhatAnotherOwnerArchivedCounts) {
  publish(5);
  const ArchiveTotals totals =
      value(archive_behind("000000000001", [&] { EXPECT_EQ(value(archive()).events, 5); }));
  EXPECT_EQ(totals.events, 0);
  EXPECT_TRUE(told("another archiver (test:1) has taken over partition 0"))
      << ::testing::PrintToString(notices);
  expect_archived(5, 1);
}

TEST_F(OwnershipTest, AnOwnerThatClaimsAndDiesIsFollowed) {
  publish(5);
  const Timestamp begin = clock.now();
  EXPECT_EQ(value(archive_behind("000000000001", [&] { other_claims(); })).events, 5);
  EXPECT_TRUE(told("(other:2) has taken over partition 0"));
  EXPECT_TRUE(told("nobody else writes to it any more"));
  EXPECT_FALSE(told("two owners"));
  EXPECT_GE((clock.now() - begin).ms, 2 * options.flush_interval.ms);
  expect_archived(5, 1);
}

// Who holds a partition and archives nothing of it is not waited for for ever.
TEST_F(OwnershipTest, ARunThatShouldEndGivesUpWhereNobodyArchives) {
  publish(5);
  const Timestamp begin = clock.now();
  // The group takes the partition away, for somebody who never archives.
  const auto ended = archive_behind("000000000000", [&] { hub.lose(options.group, kP0); });
  EXPECT_TRUE(told("waiting for partition 0"));
  EXPECT_ERROR(ended, ErrorCode::kBusy);
  EXPECT_NE(ended.error().message.find("partition 0"), std::string::npos) << ended.error().message;
  EXPECT_NE(ended.error().hint.find("groups describe"), std::string::npos);
  EXPECT_GE((clock.now() - begin).ms, 2 * options.flush_interval.ms);
}

// An owner that goes on writing is left alone as long as it does.
TEST_F(OwnershipTest, TwoOwnersAreReportedAndDoNotFight) {
  publish(5);
  int claims = 0;
  FaultyStore busy_other(store, [&](StoreOperation operation, const std::string& key) {
    const bool ours = operation == StoreOperation::kPut && key.ends_with("/_ledger/p000/000000000001.json");
    // Asked for the slot behind its newest one: the other writes it first.
    const bool watched = operation == StoreOperation::kHead && claims > 0 && claims < 4 &&
                         key.ends_with("/_ledger/p000/00000000000" + std::to_string(1 + claims) + ".json");
    if ((ours && claims == 0) || (watched && clock.steady().ms > last_.ms + 15'000)) {
      ++claims;
      last_ = clock.steady();
      other_claims();
    }
    return Fault::kNone;
  });
  Archiver archiver(parts_with(busy_other), options);
  archiver.on_notice([&](const std::string& words) { notices.push_back(words); });
  EXPECT_EQ(value(archiver.run(ArchiveMode::kOnce, {})).events, 5);
  EXPECT_EQ(claims, 4);
  EXPECT_TRUE(told("partition 0 has two owners"));
  EXPECT_TRUE(told("other:2 archives it"));
  EXPECT_EQ(std::count_if(notices.begin(), notices.end(),
                          [](const std::string& n) { return n.find("two owners") != std::string::npos; }),
            1);
  expect_archived(5, 1);
}

// Two that end at the hub's end wait for each other's events: each writes what it has first.
TEST_F(OwnershipTest, WhatWeHoldIsWrittenBeforeOthersAreWaitedFor) {
  publish(5);
  hub.append(PartitionId(1), event("shop", "users", 1), at(9, 0), false);
  bool taken = false;
  FaultyStore losing(store, [&](StoreOperation operation, const std::string& key) {
    if (operation == StoreOperation::kPut && key.ends_with("/_ledger/p001/000000000000.json") &&
        !std::exchange(taken, true))
      hub.lose(options.group, PartitionId(1));
    return Fault::kNone;
  });
  options.flush_interval = minutes(5);
  Archiver archiver(parts_with(losing), options);
  bool other_ran = false;
  archiver.on_progress([&](const ArchiveTotals& totals) {
    if (totals.events == 0 || std::exchange(other_ran, true)) return;
    EXPECT_OK(archive());  // sees that ours is written
  });
  const Duration begin = clock.steady();
  EXPECT_EQ(value(archiver.run(ArchiveMode::kOnce, {})).events, 5);
  EXPECT_TRUE(other_ran);
  EXPECT_LT(clock.steady().ms - begin.ms, options.flush_interval.ms);
  expect_archived(6, 0);
}

TEST_F(OwnershipTest, ClosingAnImportNeedsEveryPartition) {
  publish(5);
  ASSERT_OK(archive());
  // The group takes the partition away right after it was claimed.
  FaultyStore losing(store, [&](StoreOperation operation, const std::string& key) {
    if (operation == StoreOperation::kPut && key.ends_with("/_ledger/p000/000000000002.json"))
      hub.lose(options.group, kP0);
    return Fault::kNone;
  });
  const auto closed = archive_with(losing, ArchiveMode::kOnceAndClose);
  EXPECT_ERROR(closed, ErrorCode::kBusy);
  EXPECT_NE(closed.error().message.find("partition 0"), std::string::npos);
  EXPECT_EQ(catalog().sealed_to(), std::nullopt);
}

TEST_F(OwnershipTest, RevokedPartitionsAreFlushedLostOnesAreNot) {
  for (const bool revoked : {true, false}) {
    SCOPED_TRACE(revoked ? "revoked" : "lost");
    publish(3);
    const std::int64_t before = verify().records_checked;
    bool done = false;
    std::stop_source stop;
    // The clock is asked for each fetch at the end of a partition: events are open by then.
    FaultyStore store_with_clock(store, [&](StoreOperation operation, const std::string&) {
      if (operation == StoreOperation::kClock && !done) {
        done = true;
        revoked ? hub.revoke(options.group, kP0) : hub.lose(options.group, kP0);
      } else if (operation == StoreOperation::kClock) {
        stop.request_stop();
      }
      return Fault::kNone;
    });
    ASSERT_OK(Archiver(parts_with(store_with_clock), options).run(ArchiveMode::kFollow, stop.get_token()));
    EXPECT_TRUE(done);
    EXPECT_EQ(verify().records_checked - before, revoked ? 3 : 0);
    ASSERT_OK(archive());
    EXPECT_EQ(verify().records_checked - before, 3);
  }
}

}  // namespace
}  // namespace changevault
