// The disk and who holds it: files that another process holds, folders without rights, a disk without room.
// Every verb says what it is about and what to do, with its exit code, and goes on by itself where that is
// possible.
#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <signal.h>

#include "tests/e2e/vault.h"
#include "tests/support/held_file.h"

namespace changevault::testing {
namespace {

namespace fs = std::filesystem;

constexpr int kEvents = 60;

std::string event(int number, int hour) {
  const std::int64_t second = 1'736'942'400 + hour * 3600;  // 2025-01-15T12:00:00Z
  return R"({"_id":{"_data":"82670000)" + std::to_string(100000 + number) +
         R"("},"operationType":"insert","clusterTime":{"$timestamp":{"t":)" + std::to_string(second) +
         R"(,"i":)" + std::to_string(number) +
         R"(}},"ns":{"db":"shop","coll":"orders"},"documentKey":{"_id":)" + std::to_string(number) +
         R"(},"fullDocument":{"_id":)" + std::to_string(number) + "}}\n";
}

std::string events() {
  std::string lines;
  for (int n = 0; n < kEvents; ++n) lines += event(n, n / 20);
  return lines;
}

class DiskTest : public ::testing::Test {
 protected:
  // Three hours of twenty events, archived, and in the warehouse where `load` is set.
  void make_vault(bool load) {
    vault_.expect(0, {"init", "--set", "hub.partitions=1"});
    vault_.expect(0, {"publish", "--time-from", "cluster_time", vault_.write("events.jsonl", events())});
    vault_.expect(0, {"archive", "--once", "--close"});
    if (load) vault_.expect(0, {"load", "--once"});
  }

  fs::path data(const std::string& name) const { return vault_.folder() / "data" / name; }

  Process start(const std::vector<std::string>& arguments) {
    std::vector<std::string> argv{program_path()};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    ProcessOptions options = vault_.options();
    options.folder = vault_.folder();
    return Process::start(argv, options);
  }

  // Until it has said so on stderr.
  static void wait_for_words(Process& process, const std::string& words) {
    for (int tries = 0; tries < 6000; ++tries) {
      if (process.err_so_far().find(words) != std::string::npos) return;
      if (process.ended_within(milliseconds(10))) break;
    }
    ADD_FAILURE() << "never said \"" << words << "\": " << process.err_so_far();
  }

  Vault vault_;
};

TEST_F(DiskTest, WhoeverWaitsForTheWarehouseCanBeInterrupted) {
  ASSERT_NO_FATAL_FAILURE(make_vault(false));
  const HeldFile held(data("warehouse.duckdb"));
  for (const std::vector<std::string>& verb :
       std::vector<std::vector<std::string>>{{"recover", "--gaps", "--yes"}, {"gaps"}, {"load", "--once"}}) {
    Process waiting = start(verb);
    wait_for_words(waiting, "waiting for the warehouse");
    waiting.kill(SIGTERM);
    const Outcome outcome = waiting.wait();
    EXPECT_EQ(outcome.exit_code, 130) << verb.front() << ": " << outcome.err;
    EXPECT_NE(outcome.err.find("stopped while waiting"), std::string::npos) << outcome.err;
  }
}

}  // namespace
}  // namespace changevault::testing
