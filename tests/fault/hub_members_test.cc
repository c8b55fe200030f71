// Readers of one group in several processes that are killed, stopped and woken.
#include <algorithm>
#include <iterator>
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
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "hub/sqlite/sqlite_hub.h"
#include "tests/fault/child.h"
#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"

namespace changevault::testing {
namespace {

constexpr std::int32_t kPartitions = 3;

// Members of one group in processes of their own. What they are told and what they read comes to the test
// through one pipe.
class HubMembers : public ::testing::Test {
 protected:
  struct Word {
    int member = 0;
    char kind = ' ';  // assigned, revoked, lost, event; of a publisher: done
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
    if (::poll(&ready, 1, 30'000) != 1) throw std::runtime_error("the members fell silent: " + who_is_left());
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
      case 'd':
        ++done_;
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
  int done_ = 0;                       // publishers that have nothing left to append

  void say(const Word& word) const {
    if (::write(ends_[1], &word, sizeof word) != static_cast<ssize_t>(sizeof word)) ::_exit(90);
  }

 private:
  // For the message of a test that waited in vain: each member, how it ended if it did, and what it held.
  std::string who_is_left() const {
    std::string text;
    for (const auto& [number, pid] : members_) {
      int status = 0;
      const bool ended = ::waitpid(pid, &status, WNOHANG) == pid;
      text += "member " + std::to_string(number) + (ended ? " ended " + std::to_string(status) : " lives") +
              ", holds";
      if (const auto held = held_.find(number); held != held_.end())
        for (const int partition : held->second) text += " " + std::to_string(partition);
      text += "; ";
    }
    return text + std::to_string(done_) + " publishers are done";
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
      say({writer, 'd', 0, 0});
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
  while (done_ < 2) ASSERT_NO_FATAL_FAILURE(take(next()));
  for (const pid_t publisher : publishers) {
    int status = 0;
    ASSERT_EQ(::waitpid(publisher, &status, 0), publisher);
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

}  // namespace
}  // namespace changevault::testing
