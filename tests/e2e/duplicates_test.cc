// Rows that stand more than once in the warehouse, by the real program: shown, removed, killed meanwhile.
#include <set>

#include <gtest/gtest.h>
#include <signal.h>

#include "tests/e2e/vault.h"

namespace changevault::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kEvents = 3000;

class Duplicates : public ::testing::Test {
 protected:
  void SetUp() override {
    vault_.expect(0, {"init"});
    vault_.import(vault_.write_shop_events(kEvents, 7));
    distinct_ = vault_.number("SELECT count(DISTINCT event_id) FROM mongodb_changes");
    ASSERT_EQ(distinct_, vault_.number("SELECT count(*) FROM mongodb_changes"));
    digest_ = digest();
  }
  // A program that does not ask loads all of it again.
  void double_rows(const std::string& where = "true") {
    vault_.expect(0, {"sql",
                      "INSERT INTO mongodb_changes SELECT * REPLACE (now()::TIMESTAMP AS "
                      "_snowflake_ingested_at) FROM mongodb_changes WHERE " +
                          where});
  }
  std::string digest() {
    return vault_
        .rows(
            "SELECT md5(string_agg(row_text, '' ORDER BY row_text)) FROM (SELECT md5(event_id || raw_event "
            "|| "
            "_snowflake_ingested_at) AS row_text FROM mongodb_changes)")
        .at(0)
        .at(0);
  }
  fs::path recoveries() const { return vault_.folder() / "data/archive/changestreams/_ledger/recoveries"; }
  std::int64_t side_tables() {
    return vault_.number("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE '%recovery%'");
  }

  Vault vault_;
  std::int64_t distinct_ = 0;
  std::string digest_;
};

TEST_F(Duplicates, AreReducedToTheFirstAndNothingElseIsTouched) {
  double_rows();
  const json plan = vault_.expect_json(0, {"recover", "--remove-duplicates", "--db", "*", "--plan"});
  EXPECT_EQ(plan.at("to_remove"), distinct_);
  EXPECT_FALSE(plan.at("examples").empty());
  EXPECT_FALSE(fs::exists(recoveries())) << "a plan writes nothing";
  EXPECT_EQ(side_tables(), 0);
  vault_.expect(2, {"recover", "--remove-duplicates"});
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), 2 * distinct_);
  const json done = vault_.expect_json(0, {"recover", "--remove-duplicates", "--yes"});
  EXPECT_EQ(done.at("removed"), distinct_);
  EXPECT_EQ(done.at("state"), "done");
  EXPECT_EQ(done.at("gaps_left"), 0);
  EXPECT_EQ(digest(), digest_) << "the rows that were there first, as they were";
  EXPECT_EQ(side_tables(), 0);
  const json past = vault_.expect_json(0, {"audit"}).at("recoveries").at(0);
  EXPECT_EQ(past.at("removed"), distinct_);
  EXPECT_EQ(past.at("state"), "done");
  EXPECT_NE(vault_.expect(0, {"audit"}).out.find("standing more than once"), std::string::npos);
  EXPECT_NE(vault_.expect(0, {"recover", "--remove-duplicates", "--yes"}).out.find("no event_id"),
            std::string::npos);
}

TEST_F(Duplicates, RowsThatDifferAndStrangersStay) {
  double_rows("hour(enqueued_time) = 1");
  const std::string id =
      vault_.rows("SELECT event_id FROM mongodb_changes WHERE hour(enqueued_time) = 2 LIMIT 1").at(0).at(0);
  vault_.expect(0, {"sql",
                    "INSERT INTO mongodb_changes SELECT * REPLACE ('{}' AS full_document) FROM "
                    "mongodb_changes WHERE event_id = '" +
                        id + "'"});
  vault_.expect(0, {"sql",
                    "INSERT INTO mongodb_changes SELECT * REPLACE ('ffffffffffffffffffffffffffffffff' AS "
                    "event_id) FROM mongodb_changes WHERE event_id = '" +
                        id + "' LIMIT 1"});
  const Outcome shown = vault_.expect(2, {"recover", "--remove-duplicates"});
  EXPECT_NE(shown.out.find("different in full_document"), std::string::npos) << shown.out;
  EXPECT_NE(shown.err.find("ffffffffffffffffffffffffffffffff"), std::string::npos) << shown.err;
  const json done = vault_.expect_json(3, {"recover", "--remove-duplicates", "--yes"});
  EXPECT_GT(done.at("removed").get<int>(), 0);
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), distinct_ + 2);
  vault_.expect(2, {"recover", "--remove-duplicates", "--op", "insert", "--yes"});
  vault_.expect(2, {"recover", "--remove-duplicates", "--gaps", "--yes"});
}

TEST_F(Duplicates, APlanIsAppliedOnlyWhileItFits) {
  double_rows("hour(enqueued_time) = 1");
  vault_.expect(0, {"recover", "--remove-duplicates", "--plan=plan.json"});
  double_rows("hour(enqueued_time) = 3");
  const std::int64_t before = vault_.number("SELECT count(*) FROM mongodb_changes");
  const Outcome refused = vault_.expect(7, {"recover", "--apply", "plan.json", "--yes"});
  EXPECT_NE(refused.err.find("is not what the plan says"), std::string::npos) << refused.err;
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), before);
  vault_.expect(0, {"recover", "--remove-duplicates", "--hours", "3", "--yes"});
  vault_.expect(0, {"recover", "--apply", "plan.json", "--yes"});
  EXPECT_EQ(digest(), digest_);
  vault_.expect(7, {"recover", "--apply", "plan.json", "--yes"});
}

// Killed with SIGKILL at the journal's entries and at any time between: a resume ends it.
TEST_F(Duplicates, AKilledRemovalIsEndedByItsResume) {
  ProcessOptions options = vault_.options();
  options.folder = vault_.folder();
  int killed_between = 0;
  for (int after = 0; after < 6; ++after) {
    double_rows();
    std::set<fs::path> before;
    if (fs::exists(recoveries()))
      before.insert(fs::directory_iterator(recoveries()), fs::directory_iterator());
    Process process = Process::start(
        {program_path(), "recover", "--remove-duplicates", "--yes", "--set", "load.batch_bytes=1MiB"},
        options);
    fs::path own;
    const std::string last = after == 0 ? "000000000000.json" : "000000000001.json";
    while (own.empty() || !fs::exists(own / last)) {
      if (process.ended_within(milliseconds(1))) break;
      std::error_code not_yet;
      for (const auto& folder : fs::directory_iterator(recoveries(), not_yet)) {
        if (!before.contains(folder.path())) own = folder.path();
      }
    }
    process.ended_within(milliseconds(250 * after));
    process.kill(SIGKILL);
    process.wait();
    ASSERT_FALSE(own.empty());
    const std::int64_t left = vault_.number("SELECT count(*) FROM mongodb_changes");
    killed_between += left > distinct_ && left < 2 * distinct_ ? 1 : 0;
    EXPECT_EQ(vault_.number("SELECT count(DISTINCT event_id) FROM mongodb_changes"), distinct_);
    const json done = vault_.expect_json(0, {"recover", "--resume", own.filename().string()});
    EXPECT_EQ(done.at("state"), "done") << after;
    EXPECT_EQ(done.at("removed"), distinct_) << after;
    EXPECT_EQ(digest(), digest_) << after;
    EXPECT_EQ(side_tables(), 0);
  }
  std::printf("  killed between two parts: %d of 6\n", killed_between);
}

}  // namespace
}  // namespace changevault::testing
