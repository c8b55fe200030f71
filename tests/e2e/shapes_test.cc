// Archives of awkward shapes: thousands of collections, thousands of dead letters, events of 16 MiB, hours of
// one event. Everything comes through, and memory stays within what the settings say.
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/time.h"
#include "tests/e2e/vault.h"

namespace changevault::testing {
namespace {

constexpr std::int64_t kMiB = std::int64_t{1} << 20;
constexpr std::int64_t kArchiveMemory = 64 * kMiB;
constexpr std::int64_t kWarehouseMemory = 256 * kMiB;
// Beside the settings: the program with its libraries, the hub's batch in hand, segments on their way.
constexpr std::int64_t kProgram = 160 * kMiB;
// An embedded warehouse holds more than its own accounts say: copies of the strings on their way through it.
constexpr std::int64_t kWarehouseMore = 128 * kMiB;
constexpr std::int64_t kStart = 1'736'899'200;  // 2025-01-15T00:00:00Z

class ShapesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto& environment = vault_.options().environment;
    environment["CHANGEVAULT_ARCHIVE_MEMORY"] = "64MiB";
    environment["CHANGEVAULT_WAREHOUSE_MEMORY"] = "256MiB";
    vault_.expect(0, {"init", "--set", "hub.partitions=1"});
  }

  using Write =
      std::function<void(std::int64_t seconds, const std::string& collection, const std::string& text)>;

  void publish(const std::function<void(const Write&)>& generate,
               const std::vector<std::string>& other = {}) {
    const std::string path = vault_.folder() / "events.jsonl";
    std::ofstream out(path, std::ios::binary);
    std::int64_t number = 0;
    generate([&](std::int64_t seconds, const std::string& collection, const std::string& text) {
      ++number;
      out << R"({"_id":{"_data":"82)" << 100'000'000 + number
          << R"("},"operationType":"insert","clusterTime":{"$timestamp":{"t":)" << kStart + seconds
          << R"(,"i":)" << number << R"(}},"ns":{"db":"shop","coll":")" << collection
          << R"("},"documentKey":{"_id":)" << number << R"(},"fullDocument":{"_id":)" << number
          << R"(,"text":")" << text << "\"}}\n";
    });
    for (const std::string& line : other) out << line << '\n';
    out.close();
    vault_.expect(0, {"publish", "--time-from", "cluster_time", path});
  }

  // Through the whole program, each step within its memory; `in_hand`: copies of the largest event at one
  // time.
  void expect_within_memory(std::int64_t events, std::int64_t in_hand = 0,
                            std::int64_t warehouse = kWarehouseMemory) {
    const std::int64_t loading = warehouse + kWarehouseMore + kProgram + 6 * in_hand;
    expect_step(kArchiveMemory + kProgram + in_hand, {"archive", "--once", "--close"});
    expect_step(loading, {"load", "--once"});
    EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), events);
    expect_step(loading, {"gaps", "--output", "json"});
    expect_step(kProgram + in_hand, {"verify"});
    vault_.expect(0, {"sql", "DELETE FROM mongodb_changes"});
    expect_step(loading, {"recover", "shop", "--yes"});
    EXPECT_EQ(vault_.number("SELECT count(DISTINCT event_id) FROM mongodb_changes"), events);
    vault_.expect(0, {"gaps", "--output", "json"});
  }

  void expect_step(std::int64_t memory, const std::vector<std::string>& arguments) {
    const Outcome outcome = vault_.expect(0, arguments);
    std::printf("%-10s %5lld MiB of %lld\n", arguments[0].c_str(),
                static_cast<long long>(outcome.peak_memory / kMiB), static_cast<long long>(memory / kMiB));
    EXPECT_LE(outcome.peak_memory, memory) << arguments[0];
  }

  Vault vault_;
};

TEST_F(ShapesTest, FiveThousandCollections) {
  publish([](const Write& write) {
    for (int round = 0; round < 4; ++round) {
      for (int c = 0; c < 5000; ++c) write(round * 1000, "c" + std::to_string(c), std::string(200, 'x'));
    }
  });
  expect_within_memory(20'000);
}

TEST_F(ShapesTest, TenThousandDeadLetters) {
  std::vector<std::string> dead;
  for (int i = 0; i < 10'000; ++i) dead.push_back("no event " + std::to_string(i) + std::string(500, '.'));
  publish([](const Write& write) { write(0, "orders", "text"); }, dead);
  expect_within_memory(1);
  EXPECT_EQ(vault_.expect_json(0, {"verify"}).at("dead_letters_checked"), 10'000);
}

TEST_F(ShapesTest, EventsOf16MiB) {
  constexpr std::int64_t kEvent = 16 * kMiB;
  publish([](const Write& write) {
    for (int i = 0; i < 12; ++i) write(i, "files", std::string(kEvent - 1000, static_cast<char>('a' + i)));
  });
  // The rows of one transaction hold each document twice; the warehouse must have room for them.
  vault_.options().environment["CHANGEVAULT_WAREHOUSE_MEMORY"] = "1GiB";
  expect_within_memory(12, 12 * kEvent, 1024 * kMiB);
}

TEST_F(ShapesTest, HoursOfOneEvent) {
  publish([](const Write& write) {
    for (int hour = 0; hour < 1500; ++hour) write(hour * 3600, "rare", "text");
  });
  expect_within_memory(1500);
}

}  // namespace
}  // namespace changevault::testing
