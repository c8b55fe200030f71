// The promise of the whole program: every event is archived and loaded exactly once, whenever its processes
// die.
//
// 300,000 events are published in slices while `archive` and `load` run; 30 times one of them is killed with
// SIGKILL and started again. A kill proves nothing unless it falls where it hurts, so that is counted from
// what the dead left behind: objects that no slot lists (killed between upload and slot), a warehouse that
// was open (killed inside a load), segments that are listed but not loaded. At the end everything must be
// there once.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <signal.h>

#include "tests/e2e/vault.h"
#include "tests/support/generator.h"

namespace changevault::testing {
namespace {

namespace fs = std::filesystem;

constexpr int kKills = 30;
constexpr std::int64_t kEvents = 300'000;
constexpr std::int64_t kSlice = kEvents / kKills;

std::uint64_t seed_of_run() {
  const char* given = std::getenv("CHANGEVAULT_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::stoull(given) : std::random_device()();
  std::printf("seed: CHANGEVAULT_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

// What the ledger's files say, read without the program's own code.
struct LedgerView {
  std::set<std::string> listed;  // keys of segments and dead letters
  int claims = 0;
  int commits = 0;
};

LedgerView read_ledger(const fs::path& archive) {
  LedgerView view;
  for (const auto& file : fs::recursive_directory_iterator(archive / "changestreams/_ledger")) {
    if (!file.is_regular_file() || !file.path().parent_path().filename().string().starts_with("p")) continue;
    std::ifstream in(file.path());
    const json slot = json::parse(in);
    if (slot.at("kind") == "claim") ++view.claims;
    if (slot.at("kind") != "commit") continue;
    ++view.commits;
    for (const char* list : {"segments", "dead_letters"}) {
      for (const json& object : slot.at(list)) view.listed.insert(object.at("key").get<std::string>());
    }
  }
  return view;
}

std::set<std::string> archived_objects(const fs::path& archive) {
  std::set<std::string> keys;
  std::error_code vanished;  // a folder may go while it is walked
  for (fs::recursive_directory_iterator it(archive, vanished), end; it != end; it.increment(vanished)) {
    if (it->path().string().ends_with(".jsonl.gz")) keys.insert(fs::relative(it->path(), archive).string());
  }
  return keys;
}

bool holds_open(pid_t pid, const std::string& name) {
  std::error_code gone;
  for (fs::directory_iterator it("/proc/" + std::to_string(pid) + "/fd", gone), end; it != end;
       it.increment(gone)) {
    if (fs::read_symlink(it->path(), gone).filename() == name) return true;
  }
  return false;
}

// One of the two daemons, started again each time it is killed.
class Daemon {
 public:
  Daemon(Vault& vault, std::string verb) : vault_(vault), verb_(std::move(verb)) {}

  void start() {
    ProcessOptions options = vault_.options();
    options.folder = vault_.folder();
    process_.emplace(Process::start({program_path(), verb_, "--quiet"}, options));
  }

  pid_t pid() const { return process_->pid(); }
  // Waits a moment; false (and a failed test) where it ended, which nobody asked it to.
  bool runs_for(Duration moment) {
    if (!process_->ended_within(moment)) return true;
    const Outcome outcome = process_->wait();
    ADD_FAILURE() << verb_ << " ended by itself with " << outcome.exit_code << ": " << outcome.err;
    return false;
  }
  // Nothing moves any more, but it is not dead yet: what it holds can be seen.
  void freeze() { process_->kill(SIGSTOP); }
  void go_on() { process_->kill(SIGCONT); }
  void kill() {
    process_->kill(SIGKILL);
    EXPECT_EQ(process_->wait().signal, SIGKILL) << verb_;
  }
  void stop() {
    process_->kill(SIGTERM);
    const Outcome outcome = process_->wait();
    EXPECT_EQ(outcome.exit_code, 0) << verb_ << " after SIGTERM: " << outcome.err;
  }

 private:
  Vault& vault_;
  std::string verb_;
  std::optional<Process> process_;
};

class CrashTest : public ::testing::Test {
 protected:
  // Where the kills fell.
  struct Evidence {
    int with_leftovers = 0;        // objects there that no slot lists
    int inside_load = 0;           // the warehouse was open
    int with_listed_unloaded = 0;  // slots written, segments not in the warehouse
  };

  void generate() {
    GeneratorOptions options;
    options.seed = random_();
    options.first = *from_date(2025, 1, 15);
    options.last = options.first + hours(24);
    options.events = kEvents;
    options.collections = shop_collections(hour_of(options.first + hours(3)));
    options.one_in_structure = 2000;
    options.text_bytes = 20;
    std::ofstream out;
    std::int64_t written = 0;
    generate_events(options, [&](const GeneratedEvent& event) {
      if (written % kSlice == 0) {
        out.close();
        out.open(slice(static_cast<int>(written / kSlice)), std::ios::binary);
      }
      out << event.line << '\n';
      ++written;
    });
    ASSERT_EQ(written, kEvents);
  }

  std::string slice(int number) const {
    return vault_.folder() / ("slice" + std::to_string(number) + ".jsonl");
  }

  // Objects that no slot lists; while the archiver runs, also what it lists just now.
  std::set<std::string> leftovers() const {
    const LedgerView ledger = read_ledger(store_);
    std::set<std::string> keys = archived_objects(store_);
    for (const std::string& key : ledger.listed)
      EXPECT_EQ(keys.erase(key), 1U) << "listed, not there: " << key;
    return keys;
  }

  // Half of the kills come at any moment, half when objects of a flush are there and its slot is not.
  bool kill_archive() {
    const std::set<std::string> before = leftovers();
    const auto left_some = [&] { return !std::ranges::includes(before, leftovers()); };
    const bool aimed = random_() % 2 == 0;
    const std::uint64_t longest = aimed ? 20 : 500;
    bool between = false;
    for (int tries = 0; tries < (aimed ? 100 : 1) && !between; ++tries) {
      if (tries > 0) archive_.go_on();
      if (!archive_.runs_for(milliseconds(static_cast<std::int64_t>(random_() % longest)))) return false;
      archive_.freeze();
      between = left_some();
    }
    archive_.kill();
    evidence_.with_leftovers += between;
    archive_.start();
    return true;
  }

  // Half of the kills come at any moment, half while the warehouse is open.
  bool kill_load() {
    if (random_() % 2 == 0) {
      if (!load_.runs_for(milliseconds(static_cast<std::int64_t>(random_() % 700)))) return false;
    } else {
      for (int tries = 0; tries < 2000 && !holds_open(load_.pid(), "warehouse.duckdb"); ++tries) {
        if (!load_.runs_for(milliseconds(1))) return false;
      }
      if (!load_.runs_for(milliseconds(static_cast<std::int64_t>(random_() % 60)))) return false;
    }
    load_.freeze();
    evidence_.inside_load += holds_open(load_.pid(), "warehouse.duckdb");
    load_.kill();
    const std::int64_t loaded = vault_.number("select count(*) from changevault_loads where kind = 'live'");
    evidence_.with_listed_unloaded += static_cast<std::int64_t>(read_ledger(store_).listed.size()) > loaded;
    load_.start();
    return true;
  }

  void print_evidence(const LedgerView& ledger) const {
    std::printf(
        "kills: %d, with leftovers %d, inside a load %d, with listed segments not loaded %d; claims %d, "
        "commits %d\n",
        kKills, evidence_.with_leftovers, evidence_.inside_load, evidence_.with_listed_unloaded,
        ledger.claims, ledger.commits);
  }

  Vault vault_;
  std::mt19937_64 random_{seed_of_run()};
  fs::path store_ = vault_.folder() / "data/archive";
  Daemon archive_{vault_, "archive"};
  Daemon load_{vault_, "load"};
  Evidence evidence_;
};

TEST_F(CrashTest, EveryEventIsThereOnceWheneverProcessesDie) {
  ASSERT_NO_FATAL_FAILURE(generate());
  // Small flushes and small transactions: many places to die in.
  vault_.expect(0, {"init", "--set", "hub.partitions=4", "--set", "archive.flush_interval=200ms", "--set",
                    "archive.segment_bytes=64KiB", "--set", "load.poll_interval=20ms", "--set",
                    "load.batch_bytes=1MiB"});
  archive_.start();
  load_.start();
  for (int kill = 0; kill < kKills; ++kill) {
    SCOPED_TRACE("kill " + std::to_string(kill));
    ProcessOptions options = vault_.options();
    options.folder = vault_.folder();
    Process publish = Process::start({program_path(), "publish", "--quiet", slice(kill)}, options);
    ASSERT_TRUE(kill % 5 < 3 ? kill_archive() : kill_load());
    const Outcome published = publish.wait();
    ASSERT_EQ(published.exit_code, 0) << published.err;
    ASSERT_FALSE(HasFailure());
  }
  archive_.stop();
  load_.stop();

  vault_.expect(0, {"archive", "--once", "--close"});
  vault_.expect(0, {"load", "--once"});
  const LedgerView ledger = read_ledger(store_);
  print_evidence(ledger);
  EXPECT_GE(evidence_.with_leftovers, 1) << "no kill fell between an upload and its slot";
  EXPECT_GE(evidence_.inside_load, 1) << "no kill fell inside a load";
  EXPECT_GE(evidence_.with_listed_unloaded, 1) << "no kill fell between a slot and its load";
  EXPECT_GT(ledger.claims, 4) << "nobody ever took a partition over";
  EXPECT_GT(ledger.commits, 2 * kKills);

  const json verified = vault_.expect_json(0, {"verify"});
  EXPECT_EQ(verified.at("result"), "PASS") << verified.dump(1).substr(0, 4000);
  EXPECT_EQ(verified.at("records_checked"), kEvents);
  const auto counts = vault_.rows("select count(*), count(distinct event_id) from mongodb_changes");
  EXPECT_EQ(counts.at(0), (std::vector<std::string>{std::to_string(kEvents), std::to_string(kEvents)}));
  EXPECT_EQ(vault_.number("select count(*) from changevault_loads where kind = 'live'"),
            static_cast<std::int64_t>(ledger.listed.size()));
  vault_.expect_json(0, {"gaps"});
}

}  // namespace
}  // namespace changevault::testing
