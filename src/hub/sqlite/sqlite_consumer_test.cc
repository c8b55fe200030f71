// Members of one group sharing the partitions of the embedded hub. Time is moved by hand.
#include "hub/sqlite/sqlite_consumer.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <set>
#include <utility>

#include <gtest/gtest.h>

#include "base/manual_clock.h"
#include "base/random.h"
#include "codec/document_key.h"
#include "hub/sqlite/sqlite_hub.h"
#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"

namespace changevault::testing {
namespace {

constexpr Timestamp kStart{1'736'949'600'000};
constexpr Duration kLease = seconds(10);

// A member that does what the archiver does: seeks what it is assigned, notes what it is told.
class Member {
 public:
  explicit Member(Hub& hub, const std::string& group = "g") : hub_(hub), consumer_(value(hub.join(group))) {}

  Poll poll(Duration timeout = milliseconds(0)) {
    Poll poll = value(consumer_->poll(timeout, {}));
    for (const PartitionId partition : poll.revoked) EXPECT_EQ(held.erase(partition), 1U);
    for (const PartitionId partition : poll.lost) EXPECT_EQ(held.erase(partition), 1U);
    for (const PartitionId partition : poll.assigned) {
      EXPECT_TRUE(held.insert(partition).second);
      EXPECT_OK(consumer_->seek(partition, Sequence(0)));
    }
    if (poll.batch) {
      EXPECT_TRUE(held.contains(poll.batch->partition));
    }
    return poll;
  }
  Consumer& consumer() { return *consumer_; }
  void leave() { consumer_.reset(); }

  std::set<PartitionId> held;

 private:
  Hub& hub_;
  std::unique_ptr<Consumer> consumer_;
};

class SqliteConsumerTest : public ::testing::Test {
 protected:
  std::unique_ptr<SqliteHub> open_hub(const std::string& member = "m") {
    return value(SqliteHub::create(path_, 4, clock_, system_random(), {.member = member, .lease = kLease}));
  }
  // Polls all, so that everything that was begun is ended.
  void settle(std::initializer_list<Member*> members) {
    for (int round = 0; round < 4; ++round) {
      for (Member* member : members) member->poll();
    }
  }
  void append(const std::string& key) {
    ASSERT_OK(value(hub_->producer())->append({{key, "{}", std::nullopt}}));
  }
  std::int64_t beats() {
    auto database = value(SqliteDatabase::open(path_, SqliteDatabase::Mode::kExisting, clock_));
    return value(database->number("SELECT ifnull(sum(beat), 0) FROM members"));
  }

  TempDir folder_;
  std::string path_ = folder_ / "hub.db";
  ManualClock clock_{kStart};
  std::unique_ptr<SqliteHub> hub_ = open_hub();
};

TEST_F(SqliteConsumerTest, ANewcomerGetsItsShareOnlyAfterTheHolderCameBack) {
  Member first(*hub_);
  EXPECT_EQ(first.poll().assigned.size(), 4U);
  Member second(*hub_);
  EXPECT_TRUE(second.poll().idle()) << "everything is held";
  EXPECT_EQ(first.poll().revoked.size(), 2U);
  EXPECT_TRUE(second.poll().idle()) << "the holder may still be writing what it has";
  first.poll();
  EXPECT_EQ(second.poll().assigned.size(), 2U);
  EXPECT_EQ(first.held.size(), 2U);
  settle({&first, &second});
  EXPECT_EQ(first.held.size() + second.held.size(), 4U);
}

TEST_F(SqliteConsumerTest, WhatIsRevokedMayBeCommittedUntilTheNextPoll) {
  append("k");
  const PartitionId home(partition_of("k", 4));
  Member first(*hub_);
  first.poll();
  Member others[] = {Member(*hub_), Member(*hub_), Member(*hub_)};
  while (first.held.contains(home) && first.held.size() > 1) first.poll();
  const Poll poll = first.poll();
  for (const PartitionId partition : poll.revoked) EXPECT_OK(first.consumer().commit(partition, Sequence(0)));
  Member joined(*hub_);
  settle({&first, &others[0], &others[1], &others[2], &joined});
  for (std::int32_t i = 0; i < 4; ++i) {
    const auto committed = first.consumer().commit(PartitionId(i), Sequence(0));
    if (first.held.contains(PartitionId(i))) {
      EXPECT_OK(committed);
    } else {
      EXPECT_ERROR(committed, ErrorCode::kFenced);
    }
  }
}

TEST_F(SqliteConsumerTest, AMemberThatLeavesGivesItsPartitionsBackAtOnce) {
  Member first(*hub_);
  first.poll();
  Member second(*hub_);
  settle({&first, &second});
  first.leave();
  EXPECT_EQ(second.poll().assigned.size(), 2U);
  EXPECT_EQ(second.held.size(), 4U);
}

TEST_F(SqliteConsumerTest, MoreMembersThanPartitionsIdleUntilSomebodyGoes) {
  std::vector<std::unique_ptr<Member>> members;
  for (int i = 0; i < 6; ++i) members.push_back(std::make_unique<Member>(*hub_));
  for (int round = 0; round < 4; ++round) {
    for (auto& member : members) member->poll();
  }
  const auto holding = [&] {
    return std::ranges::count_if(members, [](const auto& member) { return member->held.size() == 1; });
  };
  EXPECT_EQ(holding(), 4);
  EXPECT_TRUE(members.back()->poll(seconds(3)).idle());
  std::erase_if(members, [](const auto& member) { return member->held.size() == 1; });
  for (int round = 0; round < 3; ++round) {
    for (auto& member : members) member->poll();
  }
  EXPECT_EQ(members[0]->held.size(), 2U);
  EXPECT_EQ(members[1]->held.size(), 2U);
}

TEST_F(SqliteConsumerTest, AStalledMemberLosesItsPartitionsAndHearsOfItFirst) {
  append("k");
  Member stalled(*hub_);
  stalled.poll();
  Member other(*hub_);
  EXPECT_TRUE(other.poll(milliseconds(kLease.ms - 1000)).idle());
  EXPECT_EQ(stalled.held.size(), 4U) << "it was silent for less than its lease";
  const Poll taken = other.poll(seconds(5));
  EXPECT_EQ(taken.assigned.size(), 4U);
  EXPECT_LT(clock_.steady().ms, kLease.ms + 1000);
  EXPECT_ERROR(stalled.consumer().commit(PartitionId(partition_of("k", 4)), Sequence(1)), ErrorCode::kFenced);
  const Poll woken = stalled.poll();
  EXPECT_EQ(woken.lost.size(), 4U);
  EXPECT_FALSE(woken.batch);
  settle({&other, &stalled});
  EXPECT_EQ(stalled.held.size(), 2U) << "it takes part again";
}

// A clock that lets something happen when it is asked for the date, which a fetch does before it reads.
class InterruptingClock final : public Clock {
 public:
  explicit InterruptingClock(Clock& clock) : clock_(clock) {}
  Timestamp now() const override {
    if (const auto happens = std::exchange(happens_, nullptr)) happens();
    return clock_.now();
  }
  Duration steady() const override { return clock_.steady(); }
  bool sleep(Duration duration, std::stop_token stop) override { return clock_.sleep(duration, stop); }
  void at_next_look(std::function<void()> happens) { happens_ = std::move(happens); }

 private:
  Clock& clock_;
  mutable std::function<void()> happens_;
};

TEST_F(SqliteConsumerTest, AMemberThatIsPutOutInsideItsPollBringsNoBatchAnyMore) {
  append("k");
  InterruptingClock clock(clock_);
  const auto hub = value(SqliteHub::open(path_, clock, {.lease = kLease}));
  Member stalled(*hub);
  Member other(*hub_);
  settle({&stalled, &other});
  ASSERT_EQ(stalled.held.size(), 2U);
  for (int i = 0; i < 100; ++i) append(std::to_string(i));
  // All of it passes between our look and our read.
  clock.at_next_look([&] {
    while (other.held.size() < 4) other.poll(seconds(1));
  });
  const Poll poll = stalled.poll();
  EXPECT_EQ(other.held.size(), 4U);
  EXPECT_FALSE(poll.batch);
  if (poll.lost.empty()) {
    EXPECT_EQ(stalled.poll().lost.size(), 2U);
  }
}

TEST_F(SqliteConsumerTest, AMemberThatWaitsInPollLives) {
  Member first(*hub_);
  first.poll();
  Member second(*hub_);
  settle({&first, &second});
  for (int i = 0; i < 12; ++i) {
    first.poll(seconds(4));
    second.poll(seconds(4));
  }
  EXPECT_EQ(first.held.size(), 2U);
  EXPECT_EQ(second.held.size(), 2U);
}

TEST_F(SqliteConsumerTest, CommitsAreSignsOfLife) {
  Member busy(*hub_);
  busy.poll();
  Member other(*hub_);
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(other.poll(seconds(4)).idle());
    EXPECT_OK(busy.consumer().commit(PartitionId(0), Sequence(0)));
  }
  EXPECT_TRUE(busy.poll().lost.empty());
}

TEST_F(SqliteConsumerTest, NobodyTakesFromASilentMemberThatIsAlone) {
  Member alone(*hub_);
  alone.poll();
  for (int i = 0; i < 4; ++i) alone.poll();
  clock_.advance(hours(10));
  const Poll poll = alone.poll();
  EXPECT_TRUE(poll.lost.empty());
  EXPECT_EQ(alone.held.size(), 4U);
}

TEST_F(SqliteConsumerTest, ADateThatJumpsEndsNoLeaseAndKeepsNone) {
  Member stalled(*hub_);
  stalled.poll();
  Member other(*hub_);
  clock_.set(kStart - hours(24 * 365));
  EXPECT_TRUE(other.poll(seconds(5)).idle());
  clock_.set(kStart + hours(24 * 365));
  EXPECT_TRUE(other.poll(seconds(3)).idle());
  clock_.set(kStart - hours(1));
  EXPECT_EQ(other.poll(seconds(5)).assigned.size(), 4U);
}

TEST_F(SqliteConsumerTest, AnObserverThatSleptItselfCallsNobodySilent) {
  Member first(*hub_);
  first.poll();
  Member second(*hub_);
  settle({&first, &second});
  first.poll(seconds(1));
  second.poll(seconds(1));   // it has seen the other's beat by now
  clock_.advance(hours(1));  // the whole machine was stopped
  second.poll(milliseconds(50));
  EXPECT_TRUE(first.poll().lost.empty());
  EXPECT_EQ(first.held.size(), 2U);
}

TEST_F(SqliteConsumerTest, WithoutLocksSilenceDecides) {
  auto crashed = std::make_unique<Member>(*hub_);
  crashed->poll();
  std::filesystem::remove(path_ + "-members");
  auto database = value(SqliteDatabase::open(path_, SqliteDatabase::Mode::kExisting, clock_));
  Member other(*hub_);
  EXPECT_TRUE(other.poll(seconds(9)).idle());
  EXPECT_EQ(other.poll(seconds(2)).assigned.size(), 4U);
  EXPECT_EQ(crashed->poll().lost.size(), 4U);
}

TEST_F(SqliteConsumerTest, WaitingWritesABeatEveryThirdOfTheLeaseAndNothingElse) {
  Member member(*hub_);
  for (int i = 0; i < 6; ++i) member.poll();
  const std::int64_t before = beats();
  const Duration end{clock_.steady().ms + 60'000};
  while (clock_.steady() < end) member.poll(seconds(1));
  EXPECT_GE(beats() - before, 16);
  EXPECT_LE(beats() - before, 19);
}

TEST_F(SqliteConsumerTest, AWriterThatHoldsTheFileStopsNoReader) {
  Member member(*hub_);
  settle({&member});
  append("k");
  auto other = value(SqliteDatabase::open(path_, SqliteDatabase::Mode::kExisting, clock_));
  const auto transaction = value(SqliteTransaction::begin(*other, SqliteTransaction::Kind::kWrite));
  clock_.advance(hours(1));  // a beat is long due
  const Duration before = clock_.steady();
  const Poll poll = member.poll();
  ASSERT_TRUE(poll.batch);
  EXPECT_LE(clock_.steady().ms - before.ms, 1000);
}

TEST_F(SqliteConsumerTest, MembersThatCouldNotWriteDoNotCallEachOtherSilent) {
  Member first(*hub_);
  Member second(*hub_);
  settle({&first, &second});
  {
    auto other = value(SqliteDatabase::open(path_, SqliteDatabase::Mode::kExisting, clock_));
    const auto transaction = value(SqliteTransaction::begin(*other, SqliteTransaction::Kind::kWrite));
    for (int i = 0; i < 30; ++i) {
      first.poll(seconds(1));
      second.poll(seconds(1));
    }
  }
  const std::int64_t before = beats();
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(first.poll(seconds(1)).lost.empty());
    EXPECT_TRUE(second.poll(seconds(1)).lost.empty());
  }
  EXPECT_GT(beats(), before);
  EXPECT_EQ(first.held.size(), 2U);
  EXPECT_EQ(second.held.size(), 2U);
}

TEST_F(SqliteConsumerTest, TwoNewcomersAtOnceShareWithTheHolder) {
  Member first(*hub_);
  first.poll();
  Member second(*hub_);
  Member third(*hub_);
  settle({&first, &second, &third});
  std::multiset<std::size_t> sizes{first.held.size(), second.held.size(), third.held.size()};
  EXPECT_EQ(sizes, (std::multiset<std::size_t>{1, 1, 2}));
}

TEST_F(SqliteConsumerTest, ANewcomerThatGoesAgainGetsNothingAndTheHolderTakesItsOwnBack) {
  Member first(*hub_);
  first.poll();
  Member second(*hub_);
  EXPECT_EQ(first.poll().revoked.size(), 2U);
  second.leave();
  EXPECT_EQ(first.poll().assigned.size(), 2U);
  EXPECT_EQ(first.held.size(), 4U);
}

TEST_F(SqliteConsumerTest, GroupsDoNotShare) {
  Member one(*hub_, "one");
  Member two(*hub_, "two");
  settle({&one, &two});
  EXPECT_EQ(one.held.size(), 4U);
  EXPECT_EQ(two.held.size(), 4U);
}

TEST_F(SqliteConsumerTest, AddedPartitionsAreAssignedToRunningMembers) {
  Member first(*hub_);
  Member second(*hub_);
  settle({&first, &second});
  auto producer = value(hub_->producer());
  ASSERT_OK(open_hub()->raise_partitions(8));
  EXPECT_EQ(value(hub_->describe()).partitions, 8);
  EXPECT_EQ(value(hub_->bounds()).size(), 8U);
  std::string key = "0";
  for (int i = 1; partition_of(key, 8) < 4; ++i) key = std::to_string(i);
  ASSERT_OK(producer->append({{key, "{}", std::nullopt}}));
  EXPECT_EQ(value(hub_->bounds())[static_cast<std::size_t>(partition_of(key, 8))].next, Sequence(1));
  settle({&first, &second});
  EXPECT_EQ(first.held.size(), 4U);
  EXPECT_EQ(second.held.size(), 4U);
  EXPECT_ERROR(hub_->raise_partitions(4), ErrorCode::kUsage);
}

TEST_F(SqliteConsumerTest, AMemberWaitingInPollHearsOfAddedPartitionsBeforeItsTimeIsOver) {
  Member member(*hub_);
  settle({&member});
  ASSERT_OK(open_hub()->raise_partitions(5));
  const Duration before = clock_.steady();
  EXPECT_EQ(member.poll(hours(1)).assigned, std::vector{PartitionId(4)});
  EXPECT_LT(clock_.steady().ms, before.ms + 1000);
}

TEST_F(SqliteConsumerTest, AGroupWithMembersIsNamedAsBusy) {
  auto named = open_hub("host:17");
  Member member(*named);
  member.poll();
  const GroupDescription description = value(hub_->describe_group("g"));
  ASSERT_EQ(description.members.size(), 1U);
  EXPECT_EQ(description.members[0].name, "host:17");
  EXPECT_EQ(description.members[0].partitions.size(), 4U);
  const auto reset = hub_->reset_group("g", {{PartitionId(0), Sequence(0)}});
  EXPECT_ERROR(reset, ErrorCode::kBusy);
  EXPECT_NE(reset.error().message.find("host:17"), std::string::npos);
  EXPECT_EQ(clock_.steady().ms, 0) << "that it lives is known at once";
  member.leave();
  EXPECT_OK(hub_->reset_group("g", {{PartitionId(0), Sequence(0)}}));
}

// Rows of members that a copied hub brought along.
TEST_F(SqliteConsumerTest, MembersOfWhomNothingIsKnownAreWaitedOutByAReset) {
  Member member(*hub_);
  member.poll();
  std::filesystem::remove(path_ + "-members");
  EXPECT_OK(hub_->reset_group("g", {{PartitionId(1), Sequence(0)}}));
  EXPECT_GE(clock_.steady().ms, kLease.ms);
  EXPECT_TRUE(value(hub_->describe_group("g")).members.empty());
  EXPECT_EQ(member.poll().lost.size(), 4U);
}

TEST_F(SqliteConsumerTest, AGroupMadeAnewUnderAStalledMemberTakesItsLeases) {
  Member stalled(*hub_);
  stalled.poll();
  std::filesystem::remove(path_ + "-members");
  ASSERT_OK(hub_->delete_group("g"));
  Member other(*hub_);
  EXPECT_EQ(other.poll().assigned.size(), 4U);
  const Poll poll = stalled.poll();
  EXPECT_EQ(poll.lost.size(), 4U);
  EXPECT_FALSE(poll.batch);
}

}  // namespace
}  // namespace changevault::testing
