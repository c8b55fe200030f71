// The embedded hub under kills, several writers, full disks and damaged files.
#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "hub/sqlite/sqlite_database.h"
#include "hub/sqlite/sqlite_hub.h"
#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"

namespace changevault::testing {
namespace {

constexpr std::int32_t kPartitions = 3;

// Runs `body` in another process; its return value is the exit code. No connection may be open across the
// fork.
pid_t in_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  return child;
}

int wait_for(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

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

// Members of one group in processes of their own. What they are told and what they read comes to the test
// through one pipe.
class HubMembers : public ::testing::Test {
 protected:
  struct Word {
    int member = 0;
    char kind = ' ';  // assigned, revoked, lost, event
    int partition = 0;
    std::int64_t sequence = 0;
  };

  void SetUp() override {
    ASSERT_EQ(::pipe(ends_), 0);
    ASSERT_OK(SqliteHub::create(path_, kPartitions, system_clock(), system_random()));
  }
  void TearDown() override {
    for (const auto& [number, pid] : members_) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }

  void start(int number) {
    members_[number] = in_child([&] { return read_forever(number); });
  }
  void kill(int number) {
    ::kill(members_.at(number), SIGKILL);
    ::waitpid(members_.at(number), nullptr, 0);
    members_.erase(number);
  }

  // The next word of any member; fails the test where none comes.
  Word next() {
    pollfd ready{ends_[0], POLLIN, 0};
    if (::poll(&ready, 1, 30'000) != 1) throw std::runtime_error("the members fell silent");
    Word word;
    if (::read(ends_[0], &word, sizeof word) != static_cast<ssize_t>(sizeof word))
      throw std::runtime_error("half a word");
    switch (word.kind) {
      case 'a':
        held_[word.member].insert(word.partition);
        break;
      case 'r':
      case 'l':
        held_[word.member].erase(word.partition);
        break;
      default:
        break;
    }
    return word;
  }

  TempDir folder_;
  std::string path_ = folder_ / "hub.db";
  Duration lease_ = minutes(10);
  std::map<int, pid_t> members_;
  std::map<int, std::set<int>> held_;  // by what the members said

 private:
  void say(const Word& word) const {
    if (::write(ends_[1], &word, sizeof word) != static_cast<ssize_t>(sizeof word)) ::_exit(90);
  }

  // A partition is worked on under a lock of its own: another's lock on it is a second reader, exit code 91.
  int lock_of(int partition) const {
    const int file = ::open((path_ + ".p" + std::to_string(partition)).c_str(), O_RDWR | O_CREAT, 0644);
    if (lease_ > minutes(1) && ::flock(file, LOCK_EX | LOCK_NB) != 0) ::_exit(91);
    return file;
  }

  int read_forever(int number) const {
    auto hub = SqliteHub::open(path_, system_clock(), {.lease = lease_});
    if (!hub) return 1;
    auto consumer = (*hub)->join("g");
    if (!consumer) return 2;
    std::map<int, int> locks;
    std::vector<int> leaving;
    while (true) {
      for (const int partition : std::exchange(leaving, {})) {
        ::close(locks.at(partition));
        locks.erase(partition);
      }
      auto poll = (*consumer)->poll(milliseconds(200), {});
      if (!poll) return 3;
      for (const PartitionId p : poll->revoked) {
        say({number, 'r', p.value, 0});
        leaving.push_back(p.value);
      }
      for (const PartitionId p : poll->lost) {
        say({number, 'l', p.value, 0});
        ::close(locks.at(p.value));
        locks.erase(p.value);
      }
      for (const PartitionId p : poll->assigned) {
        locks.emplace(p.value, lock_of(p.value));
        say({number, 'a', p.value, 0});
        auto group = (*hub)->describe_group("g");
        if (!group) return 4;
        const auto& position = group->positions[static_cast<std::size_t>(p.value)];
        if (!(*consumer)->seek(p, position.next.value_or(position.bounds.first))) return 5;
      }
      if (!poll->batch) continue;
      for (const HubEvent& event : poll->batch->events)
        say({number, 'e', event.partition.value, event.sequence.value});
      if (poll->batch->events.empty()) continue;
      auto committed = (*consumer)->commit(poll->batch->partition, poll->batch->next);
      if (!committed && committed.error().code != ErrorCode::kFenced) return 6;
    }
  }

  int ends_[2] = {-1, -1};
};

TEST_F(HubMembers, KilledAndReplacedTheyNeverReadAPartitionTwiceAtOnceNorSkipAnEvent) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  // Their lease is long: only the lock that went with them tells that they are dead.
  int newest = 0;
  while (newest < 3) start(newest++);
  std::vector<pid_t> publishers;
  for (int writer = 0; writer < 2; ++writer) {
    publishers.push_back(in_child([&] {
      auto hub = SqliteHub::open(path_, system_clock());
      if (!hub) return 1;
      auto producer = (*hub)->producer();
      for (int i = 0; i < 3000; i += 3) {
        std::vector<Message> messages;
        for (int j = i; j < i + 3; ++j) messages.push_back({std::to_string(j), "{}", std::nullopt});
        if (!(*producer)->append(std::move(messages))) return 2;
      }
      return 0;
    }));
  }
  std::map<int, std::int64_t> seen;  // events of each partition, without a hole
  const auto take = [&](const Word& word) {
    if (word.kind != 'e') return;
    ASSERT_LE(word.sequence, seen[word.partition]) << "an event was skipped";
    seen[word.partition] = std::max(seen[word.partition], word.sequence + 1);
  };
  for (int kill_number = 0; kill_number < 15; ++kill_number) {
    for (auto words = 50 + random() % 250; words > 0; --words) ASSERT_NO_FATAL_FAILURE(take(next()));
    auto victim = members_.begin();
    std::advance(victim, random() % members_.size());
    const int number = victim->first;
    kill(number);
    held_.erase(number);
    start(newest++);
  }
  for (const pid_t publisher : publishers) {
    int status = 0;
    while (::waitpid(publisher, &status, WNOHANG) == 0) ASSERT_NO_FATAL_FAILURE(take(next()));
    ASSERT_EQ(status, 0);
  }
  const auto bounds = value(value(SqliteHub::open(path_, system_clock()))->bounds());
  const auto behind = [&] {
    return std::ranges::any_of(bounds, [&](const auto& b) { return seen[b.partition.value] < b.next.value; });
  };
  while (behind()) ASSERT_NO_FATAL_FAILURE(take(next()));
  for (const auto& [number, pid] : members_) {
    EXPECT_EQ(::waitpid(pid, nullptr, WNOHANG), 0) << "member " << number << " ended by itself";
  }
}

TEST_F(HubMembers, AStoppedMemberIsReplacedAndHearsOfItWhenItWakes) {
  lease_ = milliseconds(1500);
  start(0);
  while (held_[0].size() < kPartitions) next();
  start(1);
  while (held_[0].size() + held_[1].size() < kPartitions || held_[1].empty()) next();
  const std::set<int> had = held_[0];
  ::kill(members_.at(0), SIGSTOP);
  while (held_[1].size() < kPartitions) ASSERT_NE(next().kind, 'l');
  {
    auto hub = value(SqliteHub::open(path_, system_clock()));
    auto producer = value(hub->producer());
    for (int i = 0; i < 20; ++i) EXPECT_OK(producer->append({{std::to_string(i), "{}", std::nullopt}}));
  }
  for (int events = 0; events < 20;) events += next().kind == 'e' ? 1 : 0;
  ::kill(members_.at(0), SIGCONT);
  for (std::set<int> lost; lost != had;) {
    const Word word = next();
    if (word.member != 0) continue;
    ASSERT_EQ(word.kind, 'l') << "it was told something else first";
    lost.insert(word.partition);
  }
  while (held_[0].empty() || held_[0].size() + held_[1].size() < kPartitions) {
    const Word word = next();
    ASSERT_FALSE(word.kind == 'e' && word.member == 0) << "an event that the other had committed";
  }
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
