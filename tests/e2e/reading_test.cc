// Reading back: get, cat, du, ack and audit of the real program, on files that somebody damaged, moved or
// linked.
#include <gtest/gtest.h>

#include "tests/e2e/vault.h"

namespace changevault::testing {
namespace {

namespace fs = std::filesystem;

std::string event(int n, const std::string& collection, int hour) {
  return R"({"_id":{"_data":"82)" + std::to_string(100000 + 1000 * hour + n) +
         R"("},"operationType":"insert","clusterTime":{"$timestamp":{"t":)" +
         std::to_string(1736899200 + hour * 3600 + n) + R"(,"i":1}},"ns":{"db":"shop","coll":")" +
         collection + R"("},"documentKey":{"_id":)" + std::to_string(n) + "}}\n";
}

std::string content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// shop.orders in the hours 0 to 3, 20 events each; everything sealed and loaded.
class Reading : public ::testing::Test {
 protected:
  void SetUp() override {
    vault_.expect(0, {"init", "--set", "hub.partitions=1"});
    std::string file;
    for (int n = 0; n < 80; ++n) file += event(n % 20, "orders", n / 20);
    vault_.import(vault_.write("events.jsonl", file));
    const json listed = vault_.expect_json(0, {"ls"});
    for (const json& segment : listed.at("segments")) keys_.push_back(segment.at("key"));
    ASSERT_EQ(keys_.size(), 4U);
  }
  fs::path stored(std::size_t i) const { return vault_.folder() / "data/archive" / keys_[i]; }
  fs::path copied(std::size_t i) const {
    return vault_.folder() / "copy" / keys_[i].substr(keys_[i].find('/') + 1);
  }
  void flip_bit(const fs::path& path) const {
    std::string bytes = content(path);
    bytes[bytes.size() / 2] ^= 4;
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }
  std::string state_of_hour_1() {
    // Exit code 0 or 3, as the state wants it.
    const Outcome outcome = vault_.run({"gaps", "shop", "orders", "2025/01/15", "1", "--output", "json"});
    return json::parse(outcome.out).at("cells").at(0).at("state");
  }

  Vault vault_;
  std::vector<std::string> keys_;
};

TEST_F(Reading, GetIsByteIdenticalAndRunAgainBringsOnlyWhatIsMissing) {
  vault_.expect(0, {"get", "shop", "-d", "copy"});
  for (std::size_t i = 0; i < keys_.size(); ++i) EXPECT_EQ(content(copied(i)), content(stored(i)));
  fs::remove(copied(2));
  flip_bit(copied(3));
  const json again = vault_.expect_json(2, {"get", "shop", "-d", "copy"});
  EXPECT_EQ(again.at("total").at("written"), 1);
  EXPECT_EQ(again.at("total").at("already_there"), 2);
  EXPECT_EQ(again.at("files").at(3).at("error").at("code"), "already_exists");
  vault_.expect(0, {"get", "shop", "-d", "copy", "--overwrite"});
  EXPECT_EQ(content(copied(3)), content(stored(3)));
}

TEST_F(Reading, GetOfDamagedFilesBringsTheOthersAndSaysWhich) {
  flip_bit(stored(0));
  fs::remove(stored(1));
  const json done = vault_.expect_json(4, {"get", "-d", "copy"});
  EXPECT_EQ(done.at("total").at("failed"), 2);
  EXPECT_EQ(done.at("total").at("written"), 2);
  EXPECT_FALSE(fs::exists(copied(0)));
  EXPECT_NE(vault_.expect(4, {"get", "-d", "copy"}).out.find(keys_[1]), std::string::npos);
}

TEST_F(Reading, GetNeverWritesThroughALink) {
  fs::create_directories(vault_.folder() / "copy");
  fs::create_directories(vault_.folder() / "elsewhere");
  fs::create_directory_symlink(vault_.folder() / "elsewhere", vault_.folder() / "copy/shop");
  EXPECT_NE(vault_.expect(2, {"get", "-d", "copy"}).out.find("symbolic link"), std::string::npos);
  EXPECT_TRUE(fs::is_empty(vault_.folder() / "elsewhere"));
}

TEST_F(Reading, GetNeverWritesIntoTheArchive) {
  fs::create_directories(vault_.folder() / "other");
  fs::create_directory_symlink(vault_.folder() / "data/archive", vault_.folder() / "link");
  const auto files = [&] {
    return std::distance(fs::recursive_directory_iterator(vault_.folder() / "data/archive"), {});
  };
  const auto before = files();
  for (const char* const place :
       {"data/archive", "data/archive/new/one", "other/../data/archive", "link/new"}) {
    const Outcome refused = vault_.expect(2, {"get", "-d", place});
    EXPECT_NE(refused.err.find("archive itself"), std::string::npos) << place;
  }
  vault_.expect(2, {"get", keys_[1], "-o", "data/archive/changestreams/one.gz"});
  EXPECT_EQ(files(), before);
  vault_.expect(0, {"get", "-d", "data"});  // beside it is no matter
}

TEST_F(Reading, GetSaysWhatToDoWithAFileThatDiffers) {
  vault_.expect(0, {"get", "shop", "-d", "copy"});
  flip_bit(copied(3));
  const Outcome refused = vault_.expect(2, {"get", "shop", "-d", "copy"});
  EXPECT_NE(refused.out.find("1 file not written: another file stands there"), std::string::npos);
  EXPECT_EQ(refused.out.find("run the same command again"), std::string::npos);
}

TEST_F(Reading, OneFileByItsNameOrKey) {
  const std::string name = keys_[1].substr(keys_[1].rfind('/') + 1);
  vault_.expect(0, {"get", name, "-o", "one.gz"});
  EXPECT_EQ(content(vault_.folder() / "one.gz"), content(stored(1)));
  EXPECT_EQ(vault_.expect(0, {"cat", keys_[1]}).out,
            vault_.expect(0, {"cat", "shop", "orders", "2025/01/15", "1"}).out);
  EXPECT_EQ(vault_.expect_json(0, {"du", name}).at("total").at("records"), 20);
  vault_.expect(5, {"cat", "00-batch-p000-0-0-c0.jsonl.gz"});
}

TEST_F(Reading, DeadLettersCanBeRead) {
  vault_.expect(0, {"publish", vault_.write("bad.jsonl", "no event at all\n")});
  vault_.expect(0, {"archive", "--once"});
  const json letters = vault_.expect_json(0, {"ls", "--dead-letters"});
  vault_.expect(2, {"ls", "--dead-letters", "shop"});
  vault_.expect(2, {"ls", "--dead-letters", "--op", "insert"});
  const std::string out = vault_.expect(0, {"cat", letters.at("segments").at(0).at("key")}).out;
  EXPECT_NE(out.find("payload_base64"), std::string::npos) << out;
}

// The newest record lies in the only file that has to be whole.
TEST_F(Reading, TheLastRecordsNeedNoOlderFile) {
  for (const std::size_t i : {0U, 1U, 2U}) flip_bit(stored(i));
  const std::string out = vault_.expect(0, {"cat", "--last", "2", "--fields", "sequence_number"}).out;
  EXPECT_EQ(out, "{\"sequence_number\":79}\n{\"sequence_number\":78}\n");
  vault_.expect(4, {"cat", "--last", "21"});
}

TEST_F(Reading, AnArchiveWithoutALedgerIsReadAndProvenByItsRecords) {
  fs::remove_all(vault_.folder() / "data/archive/changestreams/_ledger");
  const json done = vault_.expect_json(0, {"get", "-d", "copy"});
  EXPECT_EQ(done.at("total").at("records"), 80);
  EXPECT_EQ(done.at("files").at(0).at("checked"), "gzip and records");
  EXPECT_TRUE(vault_.expect_json(0, {"du"}).at("total").at("records").is_null());
  flip_bit(stored(2));
  fs::remove_all(vault_.folder() / "copy");
  EXPECT_EQ(vault_.expect_json(4, {"get", "-d", "copy"}).at("total").at("failed"), 1);
}

TEST_F(Reading, AnAcknowledgedGapThatGrowsIsRedAgain) {
  const auto lose = [&](int n) {
    vault_.expect(
        0,
        {"sql",
         "DELETE FROM mongodb_changes WHERE hour(enqueued_time) = 1 AND document_key::VARCHAR = '{\"_id\":" +
             std::to_string(n) + "}'"});
  };
  lose(3);
  EXPECT_EQ(state_of_hour_1(), "PARTIAL");
  vault_.expect(2, {"ack", "shop", "orders", "2025/01/15", "1", "--reason", "known"});
  EXPECT_EQ(state_of_hour_1(), "PARTIAL") << "nobody was asked, so nothing was acknowledged";
  vault_.expect(0, {"ack", "shop", "orders", "2025/01/15", "--reason", "known", "--yes"});
  EXPECT_EQ(state_of_hour_1(), "ACKNOWLEDGED");
  vault_.expect(0, {"gaps"});
  EXPECT_EQ(vault_.expect_json(0, {"status"}).at("gaps").at("acknowledged"), 1);
  lose(4);
  EXPECT_EQ(state_of_hour_1(), "PARTIAL");
  vault_.expect(3, {"gaps"});
  vault_.expect(0, {"recover", "--gaps", "--yes"});
  EXPECT_EQ(state_of_hour_1(), "OK");
}

TEST_F(Reading, DamagedAcknowledgementsAreNamedAndNeverTurnAGapGreen) {
  vault_.expect(0, {"sql", "DELETE FROM mongodb_changes WHERE hour(enqueued_time) IN (1, 2)"});
  const fs::path acks = vault_.folder() / "data/archive/changestreams/_ledger/acks";
  vault_.expect(0, {"ack", "shop", "orders", "2025/01/15", "1", "--reason", "one", "--yes"});
  vault_.expect(0, {"ack", "shop", "orders", "2025/01/15", "2", "--reason", "two", "--yes"});
  vault_.expect(0, {"gaps"});
  vault_.expect(0, {"ack", "--take-back", "0", "--yes"});
  vault_.expect(3, {"gaps"});
  flip_bit(acks / "000000000002.json");
  const Outcome outcome = vault_.expect(3, {"gaps"});
  EXPECT_NE(outcome.err.find("000000000002.json"), std::string::npos) << outcome.err;
  EXPECT_EQ(state_of_hour_1(), "MISSING") << "the damaged slot took it back";
  vault_.expect(4, {"ack", "--list"});
  fs::remove(acks / "000000000002.json");
  vault_.expect(0, {"ack", "shop", "orders", "2025/01/15", "--reason", "again", "--yes"});
}

TEST_F(Reading, AuditFindsWhatTheWarehouseLost) {
  const std::string line = vault_.expect(0, {"cat", "shop", "orders", "2025/01/15", "2", "--limit", "1"}).out;
  const std::string id = json::parse(line).at("event_id");
  const json there = vault_.expect_json(0, {"audit", "--event", id});
  EXPECT_EQ(there.at("archive").at(0).at("line"), 1);
  EXPECT_EQ(there.at("searched").at("segments"), 1) << "the row says where it stood in the hub";
  EXPECT_EQ(there.at("loads").at(0).at("inserted_this_event"), true);
  vault_.expect(0, {"sql", "DELETE FROM mongodb_changes WHERE event_id = '" + id + "'"});
  const Outcome lost = vault_.expect(0, {"audit", "--event", id});
  EXPECT_NE(lost.out.find("changevault recover shop orders --from 2025-01-15T02 --to 2025-01-15T03"),
            std::string::npos)
      << lost.out;
  vault_.expect(0, {"recover", "shop", "orders", "2025/01/15", "2", "--yes"});
  const json back = vault_.expect_json(0, {"audit", "--event", id});
  bool by_recovery = false;
  for (const json& load : back.at("loads"))
    by_recovery = by_recovery || (load.at("kind") == "recovery" && load.at("inserted_this_event") == true);
  EXPECT_TRUE(by_recovery) << back.dump();
  flip_bit(stored(2));
  vault_.expect(4, {"audit", "--segment", keys_[2]});
}

TEST_F(Reading, StatusNamesASideTableThatWasLeft) {
  vault_.expect(0, {"sql",
                    "CREATE TABLE mongodb_changes_recovery_20250116t081500z_1a2b3c4d AS SELECT * FROM "
                    "mongodb_changes LIMIT 0"});
  const Outcome outcome = vault_.expect(0, {"status"});
  EXPECT_NE(outcome.out.find("changevault recover --resume 20250116t081500z_1a2b3c4d"), std::string::npos)
      << outcome.out;
}

// What an hour has too many is told from that hour alone.
TEST_F(Reading, StatusProvesWhatAnHourHasTooMany) {
  vault_.expect(0,
                {"sql",
                 "INSERT INTO mongodb_changes SELECT * REPLACE ('f' || substr(event_id, 2) AS event_id) FROM "
                 "mongodb_changes WHERE hour(enqueued_time) = 1"});
  const json gaps = vault_.expect_json(0, {"status"}).at("gaps");
  EXPECT_EQ(gaps.at("gaps"), 1);
  EXPECT_EQ(gaps.at("proven"), true);
  EXPECT_NE(vault_.expect(0, {"status"}).out.find("changevault gaps"), std::string::npos);
}

TEST_F(Reading, InitAgainSaysThatSettingsAreNotKept) {
  EXPECT_NE(vault_.expect(0, {"init", "--set", "load.grace=2h"}).err.find("for this run only"),
            std::string::npos);
  EXPECT_EQ(vault_.expect(0, {"init"}).err, "");
}

TEST_F(Reading, CheckNamesTheColumnThatIsWrong) {
  vault_.expect(0, {"check"});
  vault_.expect(0, {"sql", "ALTER TABLE mongodb_changes DROP COLUMN document_key"});
  EXPECT_NE(vault_.expect(2, {"check"}).out.find("column 10 of the table is full_document"),
            std::string::npos);
}

TEST_F(Reading, FlagsWinOverTheEnvironmentAndThatOverTheFile) {
  vault_.options().environment["CHANGEVAULT_STORE_ROOT"] = "other";
  vault_.expect(5, {"ls"});
  vault_.expect(0, {"ls", "--set", "store.root=changestreams"});
  vault_.options().environment["CHANGEVAULT_STORE_ROOT"] = "changestreams";
  vault_.options().environment["CONSUMER_GROUP"] = "another";
  vault_.expect(2, {"check"});
  vault_.options().environment["CHANGEVAULT_HUB_GROUP"] = "snowflake-pipeline";
  vault_.expect(0, {"check"});
  vault_.expect(0, {"init"});
  vault_.options().environment["CONSUMER_GROUP"] = "";
  vault_.options().environment.erase("CHANGEVAULT_HUB_GROUP");
  vault_.expect(2, {"status"});
}

// A reader that has seen enough closes the pipe.
TEST_F(Reading, ExportIsOneFileOfTheScope) {
  const json done =
      vault_.expect_json(0, {"export", "shop", "orders", "--hours", "1-2", "-o", "two.jsonl.gz"});
  EXPECT_EQ(done.at("records"), 40);
  EXPECT_EQ(run({"gzip", "-dc", vault_.folder() / "two.jsonl.gz"}).out,
            vault_.expect(0, {"cat", "shop", "orders", "--hours", "1-2"}).out);
  EXPECT_EQ(run({"sha256sum", vault_.folder() / "two.jsonl.gz"}).out.substr(0, 64), done.at("sha256"));
  vault_.expect(0, {"export", "shop", "--key", R"({"_id":7})", "-o", "seven.jsonl"});
  EXPECT_EQ(content(vault_.folder() / "seven.jsonl"),
            vault_.expect(0, {"cat", "shop", "--key", R"({"_id":7})"}).out);
  vault_.expect(2, {"export", "shop", "-o", "seven.jsonl"});
  vault_.expect(0, {"export", "shop", "-o", "seven.jsonl", "--overwrite"});
  vault_.expect(2, {"export", "shop", "-o", "data/archive/changestreams/x.jsonl"});
  vault_.expect(2, {"export", "shop"});
  EXPECT_EQ(vault_.expect_json(0, {"export", "shop", "--op", "delete", "-o", "none.jsonl"}).at("records"), 0);
  EXPECT_FALSE(fs::exists(vault_.folder() / "none.jsonl"));
}

TEST_F(Reading, ExportIntoTheStoreStandsBesideTheArchive) {
  const json done =
      vault_.expect_json(0, {"export", "shop", "--hours", "1", "--to-store", "recovery/one.jsonl.gz"});
  EXPECT_EQ(done.at("key"), "recovery/one.jsonl.gz");
  EXPECT_EQ(run({"gzip", "-dc", vault_.folder() / "data/archive/recovery/one.jsonl.gz"}).out,
            vault_.expect(0, {"cat", "shop", "--hours", "1"}).out);
  vault_.expect(2, {"export", "shop", "--to-store", "recovery/one.jsonl.gz"});
  vault_.expect(2, {"export", "shop", "--to-store", "changestreams/one.jsonl.gz"});
  const std::string key = vault_.expect_json(0, {"export", "shop", "--to-store", "recovery/"}).at("key");
  EXPECT_TRUE(key.starts_with("recovery/export-")) << key;
  EXPECT_EQ(vault_.expect_json(0, {"verify"}).at("result"), "PASS");
}

TEST_F(Reading, ADamagedSegmentIsNotExported) {
  flip_bit(stored(1));
  vault_.expect(4, {"export", "shop", "-o", "all.jsonl.gz"});
  EXPECT_FALSE(fs::exists(vault_.folder() / "all.jsonl.gz"));
  vault_.expect(4, {"export", "shop", "--to-store", "recovery/all.jsonl.gz"});
  EXPECT_FALSE(fs::exists(vault_.folder() / "data/archive/recovery/all.jsonl.gz"));
}

TEST_F(Reading, AClosedPipeIsNoError) {
  ProcessOptions options;
  options.folder = vault_.folder();
  std::string file;
  for (int n = 0; n < 3000; ++n) file += event(n, "many", 5);
  vault_.import(vault_.write("many.jsonl", file));
  const Outcome outcome = testing::run(
      {"/bin/bash", "-o", "pipefail", "-c", program_path() + " cat | head -n 1 | wc -l"}, options);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
}

}  // namespace
}  // namespace changevault::testing
