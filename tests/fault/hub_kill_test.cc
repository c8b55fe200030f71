// The embedded hub under kills, several writers, full disks and damaged files.
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "hub/sqlite/sqlite_database.h"
#include "hub/sqlite/sqlite_hub.h"
#include "tests/fault/child.h"
#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"

namespace changevault::testing {
namespace {

constexpr std::int32_t kPartitions = 3;

std::string payload_of(int writer, int number) {
  return "w" + std::to_string(writer) + "#" + std::to_string(number) + std::string(300, '.');
}

// Appends batches of ten numbered events until killed; each acknowledged number goes to `acknowledged` as an
// int.
int publish_forever(const std::string& path, int writer, int first, int acknowledged,
                    SqliteHubOptions options = {}) {
  auto hub = SqliteHub::open(path, system_clock(), std::move(options));
  if (!hub) return 1;
  auto producer = (*hub)->producer();
  if (!producer) return 2;
  for (int number = first;; number += 10) {
    std::vector<Message> messages;
    for (int i = number; i < number + 10; ++i)
      messages.push_back({std::to_string(i), payload_of(writer, i), std::nullopt});
    if (!(*producer)->append(std::move(messages))) return 3;
    const int last = number + 9;
    if (::write(acknowledged, &last, sizeof last) != sizeof last) return 4;
  }
}

// Every payload in the hub; fails where a partition has a hole.
std::multiset<std::string> everything(Hub& hub) {
  std::multiset<std::string> payloads;
  for (const PartitionBounds& bounds : value(hub.bounds())) {
    auto consumer = value(hub.join("check"));
    value(consumer->poll(milliseconds(0), {}));
    EXPECT_OK(consumer->seek(bounds.partition, bounds.first));
    Sequence expected = bounds.first;
    while (expected < bounds.next) {
      const Poll poll = value(consumer->poll(seconds(1), {}));
      for (const HubEvent& event : poll.batch->events) {
        EXPECT_EQ(event.sequence, expected);
        expected = expected.next();
        payloads.emplace(event.payload);
      }
    }
  }
  return payloads;
}

TEST(SqliteHubKill, AcknowledgedEventsSurviveThirtyKills) {
  const TempDir folder;
  const std::string path = folder / "hub.db";
  ASSERT_OK(SqliteHub::create(path, kPartitions, system_clock(), system_random()));
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  int acknowledged_last = -1;
  int first = 0;
  for (int kill = 0; kill < 30; ++kill) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = in_child([&] {
      ::close(ends[0]);
      return publish_forever(path, 0, first, ends[1]);
    });
    ::close(ends[1]);
    // The kill comes after so many acknowledgements, somewhere inside the next append.
    int last = -1;
    for (auto wanted = 1 + random() % 40; wanted > 0; --wanted) {
      if (::read(ends[0], &last, sizeof last) != sizeof last) break;
    }
    for (auto spin = random() % 200'000; spin > 0; --spin) asm volatile("");
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    for (int more = 0; ::read(ends[0], &more, sizeof more) == sizeof more;) last = more;
    ::close(ends[0]);
    ASSERT_GE(last, 0) << "the publisher never got going";
    acknowledged_last = last;

    auto hub = value(SqliteHub::open(path, system_clock()));
    const auto payloads = everything(*hub);
    // One append may have been taken without its acknowledgement; never a part of one.
    const int stored = static_cast<int>(payloads.size());
    ASSERT_TRUE(stored == acknowledged_last + 1 || stored == acknowledged_last + 11)
        << stored << " of " << acknowledged_last;
    for (int number = 0; number < stored; ++number)
      ASSERT_EQ(payloads.count(payload_of(0, number)), 1U) << number;
    first = stored;
  }
}

TEST(SqliteHubKill, KilledWhileOldEventsAreTakenOutTheHubStaysWhole) {
  const TempDir folder;
  const std::string path = folder / "hub.db";
  ASSERT_OK(SqliteHub::create(path, kPartitions, system_clock(), system_random()));
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  constexpr std::int64_t kKept = 50'000;
  for (int kill = 0; kill < 15; ++kill) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = in_child([&] {
      ::close(ends[0]);
      return publish_forever(path, kill, 0, ends[1], {.retention = {.bytes = kKept}});
    });
    ::close(ends[1]);
    int last = -1;
    for (auto wanted = 1 + random() % 60; wanted > 0; --wanted) {
      if (::read(ends[0], &last, sizeof last) != sizeof last) break;
    }
    for (auto spin = random() % 200'000; spin > 0; --spin) asm volatile("");
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(ends[0]);
    auto hub = value(SqliteHub::open(path, system_clock()));
    EXPECT_GE(last, 0);
    const auto payloads = everything(*hub);
    std::int64_t bytes = 0;
    for (const std::string& payload : payloads) bytes += static_cast<std::int64_t>(payload.size());
    auto database = value(SqliteDatabase::open(path, SqliteDatabase::Mode::kExisting, system_clock()));
    EXPECT_EQ(value(database->number("SELECT sum(bytes) FROM partitions")), bytes);
    EXPECT_EQ(value(database->number("SELECT count(*) FROM events")),
              static_cast<std::int64_t>(payloads.size()));
  }
  auto hub = value(SqliteHub::open(path, system_clock(), {.retention = {.bytes = kKept}}));
  auto producer = value(hub->producer());
  ASSERT_OK(producer->append({{"k", "{}", std::nullopt}}));
  std::size_t bytes = 0;
  for (const std::string& payload : everything(*hub)) bytes += payload.size();
  EXPECT_LE(bytes, static_cast<std::size_t>(kKept));
  EXPECT_GT(bytes, static_cast<std::size_t>(kKept) - 1000);
}

TEST(SqliteHubKill, CreationKilledAnywhereIsFinishedByTheNext) {
  for (int round = 0; round < 15; ++round) {
    const TempDir folder;
    const std::string path = folder / "sub/hub.db";
    const pid_t child = in_child(
        [&] { return SqliteHub::create(path, kPartitions, system_clock(), system_random()) ? 0 : 1; });
    for (int spin = 0; spin < round * 1'000'000; ++spin) asm volatile("");
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    auto hub = SqliteHub::create(path, kPartitions, system_clock(), system_random());
    ASSERT_OK(hub);
    EXPECT_EQ(value((*hub)->bounds()).size(), static_cast<std::size_t>(kPartitions));
  }
}

TEST(SqliteHubProcesses, TwoWritersAppendAtOnceWithoutHolesOrLoss) {
  const TempDir folder;
  const std::string path = folder / "hub.db";
  ASSERT_OK(SqliteHub::create(path, kPartitions, system_clock(), system_random()));
  constexpr int kEvents = 1000;
  std::vector<pid_t> children;
  for (int writer = 0; writer < 3; ++writer) {
    children.push_back(in_child([&] {
      auto hub = SqliteHub::open(path, system_clock());
      if (!hub) return 1;
      auto producer = (*hub)->producer();
      for (int i = 0; i < kEvents; i += 5) {
        std::vector<Message> messages;
        for (int j = i; j < i + 5; ++j)
          messages.push_back({std::to_string(j), payload_of(writer, j), std::nullopt});
        if (!(*producer)->append(std::move(messages))) return 2;
      }
      return 0;
    }));
  }
  for (const pid_t child : children) EXPECT_EQ(wait_for(child), 0);
  auto hub = value(SqliteHub::open(path, system_clock()));
  const auto payloads = everything(*hub);
  EXPECT_EQ(payloads.size(), 3U * kEvents);
  for (int writer = 0; writer < 3; ++writer) {
    for (int i = 0; i < kEvents; ++i) ASSERT_EQ(payloads.count(payload_of(writer, i)), 1U);
  }
}

TEST(SqliteHubProcesses, CreatingAtOnceMakesOneHub) {
  const TempDir folder;
  const std::string path = folder / "hub.db";
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    children.push_back(in_child(
        [&] { return SqliteHub::create(path, kPartitions, system_clock(), system_random()) ? 0 : 1; }));
  }
  for (const pid_t child : children) EXPECT_EQ(wait_for(child), 0);
  EXPECT_OK(SqliteHub::open(path, system_clock()));
}

TEST(SqliteHubProcesses, AWriterThatHoldsTheFileForLongIsNamedToThoseWhoWait) {
  const TempDir folder;
  const std::string path = folder / "hub.db";
  ASSERT_OK(SqliteHub::create(path, kPartitions, system_clock(), system_random()));
  int holds[2];
  int may_end[2];
  ASSERT_EQ(::pipe(holds), 0);
  ASSERT_EQ(::pipe(may_end), 0);
  const pid_t child = in_child([&] {
    auto database = SqliteDatabase::open(path, SqliteDatabase::Mode::kExisting, system_clock());
    auto transaction = SqliteTransaction::begin(**database, SqliteTransaction::Kind::kWrite);
    if (!transaction) return 1;
    char word = 'h';
    if (::write(holds[1], &word, 1) != 1 || ::read(may_end[0], &word, 1) != 1) return 2;
    return transaction->commit() ? 0 : 3;
  });
  char word = ' ';
  ASSERT_EQ(::read(holds[0], &word, 1), 1);
  std::vector<std::string> told;
  const auto on_wait = [&](const std::string& words) {
    told.push_back(words);
    EXPECT_EQ(::write(may_end[1], &word, 1), 1);
  };
  auto hub = value(SqliteHub::open(path, system_clock(), {.on_wait = on_wait}));
  EXPECT_OK(value(hub->producer())->append({{"k", "{}", std::nullopt}}));
  EXPECT_EQ(wait_for(child), 0);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_NE(told[0].find("held by process " + std::to_string(child)), std::string::npos) << told[0];
}

TEST(SqliteHubDisk, ALimitOnFileSizeIsAnErrorAndLosesNothing) {
  const TempDir folder;
  const std::string path = folder / "hub.db";
  ASSERT_OK(SqliteHub::create(path, kPartitions, system_clock(), system_random()));
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{rlim_t{4} << 20, rlim_t{4} << 20};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    auto hub = SqliteHub::open(path, system_clock());
    auto producer = (*hub)->producer();
    for (int i = 0; i < 100'000; ++i) {
      auto appended = (*producer)->append(
          {{std::to_string(i), payload_of(0, i) + std::string(10'000, 'x'), std::nullopt}});
      if (!appended) {
        const bool right = appended.error().code == ErrorCode::kUnreachable && !appended.error().hint.empty();
        return right && ::write(ends[1], &i, sizeof i) == sizeof i ? 0 : 1;
      }
    }
    return 2;
  });
  EXPECT_EQ(wait_for(child), 0);
  int acknowledged = 0;
  ASSERT_EQ(::read(ends[0], &acknowledged, sizeof acknowledged), static_cast<ssize_t>(sizeof acknowledged));
  EXPECT_GT(acknowledged, 10);
  auto hub = value(SqliteHub::open(path, system_clock()));
  EXPECT_EQ(everything(*hub).size(), static_cast<std::size_t>(acknowledged));
  auto producer = value(hub->producer());
  EXPECT_OK(producer->append({{"k", "after", std::nullopt}}));
}

TEST(SqliteHubDisk, AFolderThatMayNotBeWrittenIsSaid) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs a user that can become another";
  const TempDir folder;
  const std::string path = folder / "hub.db";
  ASSERT_OK(SqliteHub::create(path, kPartitions, system_clock(), system_random()));
  ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
  const pid_t child = in_child([&] {
    if (::setuid(65534) != 0) return 1;
    const auto hub = SqliteHub::open(path, system_clock());
    if (hub) return 2;
    return hub.error().code == ErrorCode::kUnreachable && hub.error().hint.find("right") != std::string::npos
               ? 0
               : 3;
  });
  EXPECT_EQ(wait_for(child), 0);
}

}  // namespace
}  // namespace changevault::testing
