// Rows of the warehouse that are not where the archive holds their events: nothing of that is ever "no gaps".
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/e2e/vault.h"

namespace changevault::testing {
namespace {

// 2025-01-15T14:00:00Z, and two hours of one collection.
constexpr std::int64_t kTwo = 1'736'949'600;

std::string events() {
  std::string lines;
  for (int n = 0; n < 40; ++n) {
    const std::string number = std::to_string(n);
    lines += R"({"_id":{"_data":"82670000)" + std::to_string(100000 + n) +
             R"("},"operationType":"insert","clusterTime":{"$timestamp":{"t":)" +
             std::to_string(kTwo + n * 180) +
             R"(,"i":1}},"ns":{"db":"shop","coll":"orders"},"documentKey":{"_id":)" + number +
             R"(},"fullDocument":{"_id":)" + number + "}}\n";
  }
  return lines;
}

class PlacesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    vault_.expect(0, {"init"});
    vault_.import(vault_.write("events.jsonl", events()));
    vault_.expect(0, {"gaps"});
  }
  // Copies of ten rows, changed.
  void copy(const std::string& change) {
    vault_.expect(0, {"sql", "INSERT INTO mongodb_changes SELECT * REPLACE (" + change +
                                 ") FROM mongodb_changes ORDER BY sequence_number, partition_id LIMIT 10"});
  }
  json only_outside(const json& gaps) {
    EXPECT_EQ(gaps.at("outside").size(), 1U) << gaps;
    return gaps.at("outside").empty() ? json() : gaps.at("outside").at(0);
  }

  Vault vault_;
};

TEST_F(PlacesTest, CopiesThatNoHourHoldsAreDuplicates) {
  for (const char* time : {"NULL::TIMESTAMP", "TIMESTAMP 'infinity'", "TIMESTAMP '0001-01-01'",
                           "TIMESTAMP '9999-12-31'", "TIMESTAMP '2025-02-01'"}) {
    copy(std::string(time) + " AS enqueued_time");
    const json gaps = vault_.expect_json(3, {"gaps"});
    EXPECT_EQ(gaps.at("summary"), json({{"OK", 2}}));
    const json outside = only_outside(gaps);
    EXPECT_EQ(outside.at("state"), "DUPLICATE") << time;
    EXPECT_EQ(outside.at("rows"), 10);
    EXPECT_EQ(outside.at("copies"), 10);
    EXPECT_EQ(vault_.expect_json(0, {"status"}).at("gaps").at("outside"), 10);
    vault_.expect(0, {"sql",
                      "DELETE FROM mongodb_changes WHERE NOT coalesce(enqueued_time::DATE = DATE "
                      "'2025-01-15', false)"});
  }
  vault_.expect(0, {"gaps"});
}

TEST_F(PlacesTest, OnlyHistoryFromBeforeTheArchiveIsHonest) {
  copy("'old' || event_id AS event_id, TIMESTAMP '2020-01-01' AS enqueued_time");
  EXPECT_EQ(only_outside(vault_.expect_json(0, {"gaps"})).at("state"), "NOT_COVERED");
  vault_.expect(0, {"sql", "UPDATE mongodb_changes SET enqueued_time = NULL WHERE event_id LIKE 'old%'"});
  EXPECT_EQ(only_outside(vault_.expect_json(3, {"gaps"})).at("state"), "EXTRA");
  // They belong to no hour, so an hour is whole without them.
  vault_.expect(0, {"gaps", "shop", "orders", "2025/01/15"});
  EXPECT_EQ(vault_.expect_json(0, {"recover", "shop", "orders", "2025/01/15", "14", "--yes"}).at("gaps_left"),
            0);
}

TEST_F(PlacesTest, RowsMovedElsewhereAreMissingUntilTheyArePutBack) {
  for (const char* change : {"enqueued_time = enqueued_time + INTERVAL 1 HOUR", "enqueued_time = NULL",
                             "collection_name = 'ORDERS'", "database_name = NULL"}) {
    vault_.expect(0, {"sql", std::string("UPDATE mongodb_changes SET ") + change});
    const json gaps = vault_.expect_json(3, {"gaps", "shop", "orders"});
    EXPECT_EQ(gaps.at("cells").at(0).at("state"), "MISSING") << change;
    EXPECT_EQ(gaps.at("cells").at(0).at("misplaced"), 20);
    // Nothing is inserted twice, and nothing is called right.
    for (const char* operation : {"", "insert"}) {
      std::vector<std::string> words{"recover", "shop", "orders", "2025/01/15", "14", "--yes"};
      if (*operation != 0) words.insert(words.end(), {"--op", operation});
      const json left = vault_.expect_json(3, words);
      EXPECT_EQ(left.at("inserted"), 0);
      EXPECT_GE(left.at("gaps_left"), 1);
    }
    EXPECT_NE(vault_.expect(3, {"recover", "--gaps", "--yes"}).err.find("under another hour"),
              std::string::npos);
    vault_.expect(0, {"sql", "DELETE FROM mongodb_changes"});
    EXPECT_EQ(vault_.expect_json(0, {"recover", "--gaps", "--yes"}).at("inserted"), 40);
    vault_.expect(0, {"gaps"});
  }
}

TEST_F(PlacesTest, AnIdInCapitalsIsAnother) {
  vault_.expect(0, {"sql", "UPDATE mongodb_changes SET event_id = upper(event_id)"});
  const json gaps = vault_.expect_json(3, {"gaps"});
  EXPECT_EQ(gaps.at("summary"), json({{"EXTRA", 2}}));
}

TEST(NothingSealed, StatusSaysThatNothingCanBeCompared) {
  Vault vault;
  vault.expect(0, {"init"});
  const std::string empty = vault.expect(0, {"status"}).out;
  EXPECT_EQ(empty.find("nothing needs attention"), std::string::npos) << empty;
  EXPECT_NE(empty.find("nothing is archived and sealed yet"), std::string::npos) << empty;
  vault.expect(
      0, {"publish", "--time-from", "cluster_time", vault.write("events.jsonl", events().substr(0, 300))});
  vault.expect(0, {"archive", "--once"});
  vault.expect(0, {"load", "--once"});
  const std::string unsealed = vault.expect(0, {"status"}).out;
  EXPECT_EQ(unsealed.find("nothing needs attention"), std::string::npos) << unsealed;
}

}  // namespace
}  // namespace changevault::testing
