// Parts that somebody damaged, replaced or changed by hand: what the verbs say then must be true.
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/e2e/vault.h"
#include "tests/support/held_file.h"

namespace changevault::testing {
namespace {

namespace fs = std::filesystem;

std::string event(int n, const std::string& coll, int hour) {
  return R"({"_id":{"_data":"82)" + std::to_string(1000 + n) +
         R"("},"operationType":"insert","clusterTime":{"$timestamp":{"t":)" +
         std::to_string(1736899200 + hour * 3600 + n) + R"(,"i":1}},"ns":{"db":"shop","coll":")" + coll +
         R"("},"documentKey":{"_id":)" + std::to_string(n) + "}}\n";
}

// Hours 0 to 2 of shop.orders with 20 events each, and shop.users in hour 0.
class WrongState : public ::testing::Test {
 protected:
  void SetUp() override {
    vault_.expect(0, {"init"});
    std::string file;
    for (int n = 0; n < 60; ++n) file += event(n % 20 + 100 * (n / 20), "orders", n / 20);
    file += event(299, "users", 2);
    vault_.import(vault_.write("events.jsonl", file));
  }

  fs::path ledger() const { return vault_.folder() / "data/archive/changestreams/_ledger"; }

  Vault vault_;
};

TEST_F(WrongState, CopiesUnderAnotherHourAreDuplicates) {
  vault_.expect(0, {"sql",
                    "INSERT INTO mongodb_changes SELECT * REPLACE (enqueued_time + INTERVAL 1 HOUR AS "
                    "enqueued_time) FROM mongodb_changes WHERE collection_name = 'orders' AND enqueued_time "
                    "< TIMESTAMP '2025-01-15 01:00:00'"});
  const json gaps = vault_.expect_json(3, {"gaps", "shop", "orders"});
  EXPECT_EQ(gaps.at("summary").value("DUPLICATE", 0), 1) << gaps.dump();
  EXPECT_EQ(gaps.at("cells").at(1).at("duplicate"), 20);
}

TEST_F(WrongState, StatusGoesOnWithoutABusyWarehouse) {
  const HeldFile held(vault_.folder() / "data/warehouse.duckdb");
  const json status = vault_.expect_json(5, {"status"});
  EXPECT_EQ(status.at("archive").at("records"), 61);
  EXPECT_EQ(status.at("partitions").size(), 4U);
  EXPECT_TRUE(status.at("warehouse").is_null());
  ASSERT_EQ(status.at("failures").size(), 1U) << status.dump();
  const std::string message = status.at("failures").at(0).at("message");
  EXPECT_NE(message.find("busy"), std::string::npos) << message;
  EXPECT_NE(message.find("held by another process (pid " + std::to_string(::getpid()) + ")"),
            std::string::npos)
      << message;
}

TEST_F(WrongState, AReplacedHubIsNotUpToDate) {
  for (const char* name : {"hub.db", "hub.db-wal", "hub.db-shm"}) fs::remove(vault_.folder() / "data" / name);
  vault_.expect(2, {"init"});
  EXPECT_FALSE(fs::exists(vault_.folder() / "data/hub.db")) << "init made a hub that archive will refuse";
  vault_.expect(0, {"init", "--set", "store.root=other"});
  const json status = vault_.expect_json(4, {"status"});
  EXPECT_TRUE(status.at("partitions").is_null());
  EXPECT_EQ(status.at("failures").size(), 1U);
}

TEST_F(WrongState, AHoleInTheLedgerIsNotAnAbsentArchive) {
  ASSERT_TRUE(fs::remove(ledger() / "p000/000000000001.json"));
  const auto expect_named = [&](int exit_code, const std::vector<std::string>& verb) {
    const Outcome outcome = vault_.expect(exit_code, verb);
    const std::string said = outcome.out + outcome.err;
    EXPECT_EQ(said.find("no archive yet"), std::string::npos) << said;
    EXPECT_NE(said.find("p000/000000000001.json"), std::string::npos) << said;
  };
  for (const char* verb : {"status", "check", "verify"}) expect_named(4, {verb});
  // The hole lies below what is sealed: the seals say what the hours hold, so all of it is known and there.
  expect_named(0, {"ls"});
  expect_named(0, {"recover", "shop", "--yes"});
  EXPECT_EQ(vault_.expect_json(0, {"ls"}).at("total").at("records"), 61);
  vault_.expect(0, {"gaps"});
}

TEST_F(WrongState, InitBeginsNoLedgerBesideArchivedFiles) {
  fs::remove_all(ledger());
  EXPECT_NE(vault_.expect(2, {"init"}).err.find("without a ledger"), std::string::npos);
  EXPECT_FALSE(fs::exists(ledger()));
}

TEST_F(WrongState, NothingIsRecoveredFromHoursThatNobodyKnows) {
  vault_.expect(0, {"publish", vault_.write("now.jsonl", event(500, "orders", 0))});
  vault_.expect(0, {"archive", "--once"});
  // The hour of the new event is not sealed, and shop.users has nothing in it.
  const json listed = vault_.expect_json(0, {"ls", "shop", "orders"});
  const std::string hour = listed.at("segments").back().at("hour").get<std::string>();
  const std::vector<std::string> scope{"shop", "users", hour.substr(0, 10), hour.substr(11, 2)};
  for (std::vector<std::string> verb :
       {std::vector<std::string>{"ls"}, {"cat"}, {"verify"}, {"recover", "--yes"}}) {
    verb.insert(verb.end(), scope.begin(), scope.end());
    vault_.expect(5, verb);
  }
}

TEST_F(WrongState, CountsAreRefusedInASentence) {
  for (const char* text : {"-1", "x", "1.5", ""}) {
    const Outcome outcome = vault_.expect(2, {"cat", "--limit", text});
    EXPECT_NE(outcome.err.find("is not a whole number"), std::string::npos) << outcome.err;
  }
}

}  // namespace
}  // namespace changevault::testing
