// A hub may hold an event twice: a producer that got no answer sends it again, or a file is published a
// second time. Both records are archived; the warehouse holds the event once, and nothing is missing.
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/e2e/vault.h"

namespace changevault::testing {
namespace {

// 2025-01-15T14:00:00Z.
constexpr std::int64_t kTwo = 1'736'949'600;

std::string event(int number, std::int64_t seconds) {
  return R"({"_id":{"_data":"82670000)" + std::to_string(100000 + number) +
         R"("},"operationType":"insert","clusterTime":{"$timestamp":{"t":)" + std::to_string(seconds) +
         R"(,"i":)" + std::to_string(number) +
         R"(}},"ns":{"db":"shop","coll":"orders"},"documentKey":{"_id":)" + std::to_string(number) +
         R"(},"fullDocument":{"_id":)" + std::to_string(number) + "}}\n";
}

// Events `from` to `to`, one second apart, in the hour that begins at `hour`.
std::string events(int from, int to, std::int64_t hour) {
  std::string lines;
  for (int n = from; n < to; ++n) lines += event(n, hour + n);
  return lines;
}

std::int64_t sum(const json& gaps, const char* number) {
  std::int64_t out = 0;
  for (const json& cell : gaps.at("cells")) out += cell.at(number).get<std::int64_t>();
  return out;
}

class RepeatsTest : public ::testing::Test {
 protected:
  void SetUp() override { vault_.expect(0, {"init"}); }

  // Both hours are recovered one after the other, and again: the second time there is nothing left to insert.
  void recover_every_hour_twice() {
    for (const int round : {1, 2}) {
      for (const char* hour : {"14", "15"}) {
        const json done = vault_.expect_json(0, {"recover", "shop", "orders", "2025/01/15", hour, "--yes"});
        EXPECT_EQ(done.at("gaps_left"), 0) << hour;
        if (round == 2) {
          EXPECT_EQ(done.at("inserted"), 0) << hour;
        }
      }
    }
  }

  Vault vault_;
};

TEST_F(RepeatsTest, AFileThatIsPublishedTwiceIsArchivedTwiceAndLoadedOnce) {
  const std::string file = vault_.write("events.jsonl", events(0, 40, kTwo));
  vault_.expect(0, {"publish", "--time-from", "cluster_time", file});
  vault_.expect(0, {"publish", "--time-from", "cluster_time", "--allow-late", file});
  vault_.expect(0, {"archive", "--once", "--close"});
  const json load = vault_.expect_json(0, {"load", "--once"});
  EXPECT_EQ(load.at("rows"), 80);
  EXPECT_EQ(load.at("inserted"), 40);
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), 40);
  EXPECT_EQ(vault_.number("SELECT count(DISTINCT event_id) FROM mongodb_changes"), 40);
  const json gaps = vault_.expect_json(0, {"gaps"});
  EXPECT_EQ(sum(gaps, "archive"), 80);
  EXPECT_EQ(sum(gaps, "repeats"), 40);
  EXPECT_EQ(sum(gaps, "missing"), 0);
  EXPECT_EQ(gaps.at("summary").dump().find("MISSING"), std::string::npos) << gaps.at("summary");
  vault_.expect(0, {"verify"});
}

// The retry falls into the next hour: there its record has no row of its own.
TEST_F(RepeatsTest, ARetryInTheNextHourIsNoGap) {
  const std::string first = vault_.write("first.jsonl", events(0, 20, kTwo));
  std::string later = events(100, 120, kTwo + 3600);
  for (int n = 5; n < 10; ++n) later += event(n, kTwo + 3600 + 1000 + n);  // the same ids, sent again
  const std::string second = vault_.write("second.jsonl", later);
  vault_.expect(0, {"publish", "--time-from", "cluster_time", first});
  vault_.expect(0, {"publish", "--time-from", "cluster_time", second});
  vault_.expect(0, {"archive", "--once", "--close"});
  vault_.expect(0, {"load", "--once"});
  const json gaps = vault_.expect_json(0, {"gaps"});
  EXPECT_EQ(gaps.at("summary"), json({{"OK", 2}}));
  EXPECT_EQ(sum(gaps, "repeats"), 5);
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), 40);
  recover_every_hour_twice();

  // The whole of both hours is lost: each comes back, and no event twice.
  vault_.expect(0, {"sql", "DELETE FROM mongodb_changes"});
  const json lost = vault_.expect_json(3, {"gaps"});
  EXPECT_EQ(lost.at("summary"), json({{"MISSING", 2}}));
  vault_.expect(0, {"recover", "shop", "orders", "2025/01/15", "15", "--yes"});
  recover_every_hour_twice();
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), 40);
  EXPECT_EQ(vault_.expect_json(0, {"gaps"}).at("summary"), json({{"OK", 2}}));
}

}  // namespace
}  // namespace changevault::testing
