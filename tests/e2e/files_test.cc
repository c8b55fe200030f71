// Files that people worked on by hand: put into the store, and recovered from, by the real program.
#include <algorithm>

#include <gtest/gtest.h>

#include "tests/e2e/vault.h"

namespace changevault::testing {
namespace {

namespace fs = std::filesystem;

std::string event(int n, int hour) {
  return R"({"_id":{"_data":"82)" + std::to_string(100000 + 1000 * hour + n) +
         R"("},"operationType":"insert","clusterTime":{"$timestamp":{"t":)" +
         std::to_string(1736899200 + hour * 3600 + n) +
         R"(,"i":1}},"ns":{"db":"shop","coll":"orders"},"documentKey":{"_id":)" + std::to_string(n) + "}}\n";
}

std::string content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// shop.orders in the hours 0 to 3, 20 events each; everything sealed and loaded.
class Files : public ::testing::Test {
 protected:
  void SetUp() override {
    vault_.expect(0, {"init", "--set", "hub.partitions=1"});
    std::string file;
    for (int n = 0; n < 80; ++n) file += event(n % 20, n / 20);
    vault_.import(vault_.write("events.jsonl", file));
    vault_.expect(0, {"export", "shop", "orders", "2025/01/15", "1", "-o", "one.jsonl"});
    vault_.expect(0, {"export", "shop", "orders", "2025/01/15", "2", "-o", "two.jsonl.gz"});
    one_ = content(vault_.folder() / "one.jsonl");
    two_ = content(vault_.folder() / "two.jsonl.gz");
  }
  std::string line(std::size_t n) const {
    std::size_t from = 0;
    while (n-- > 0) from = one_.find('\n', from) + 1;
    return one_.substr(from, one_.find('\n', from) + 1 - from);
  }
  fs::path stored(const std::string& key) const { return vault_.folder() / "data/archive" / key; }

  Vault vault_;
  std::string one_;
  std::string two_;
};

TEST_F(Files, PutSaysWhatIsInAFileAndIsDoneWhenItStandsThere) {
  const json put = vault_.expect_json(0, {"put", "one.jsonl"});
  EXPECT_EQ(put.at("key"), "recovery/one.jsonl");
  EXPECT_EQ(put.at("records"), 20);
  EXPECT_EQ(put.at("gzip_members"), 0);
  EXPECT_EQ(put.at("already_there"), false);
  EXPECT_EQ(put.at("collections").at(0).at("records"), 20);
  EXPECT_EQ(content(stored("recovery/one.jsonl")), one_);
  EXPECT_EQ(vault_.expect_json(0, {"put", "one.jsonl"}).at("already_there"), true);

  vault_.write("one.jsonl", one_ + line(0));
  EXPECT_NE(vault_.expect(2, {"put", "one.jsonl"}).err.find("nothing was overwritten"), std::string::npos);
  EXPECT_EQ(content(stored("recovery/one.jsonl")), one_);
}

TEST_F(Files, PutTakesGzipOfSeveralMembersAndBlankLines) {
  vault_.write("both.jsonl.gz", two_ + two_);
  const json both = vault_.expect_json(0, {"put", "both.jsonl.gz", "recovery/by-hand/"});
  EXPECT_EQ(both.at("key"), "recovery/by-hand/both.jsonl.gz");
  EXPECT_EQ(both.at("records"), 40);
  EXPECT_EQ(both.at("gzip_members"), 2);
  vault_.write("blank.jsonl", "\n" + one_ + "\r\n  \n");
  EXPECT_EQ(vault_.expect_json(0, {"put", "blank.jsonl"}).at("records"), 20);
}

TEST_F(Files, PutRefusesWhatIsNoRecordAndNamesTheLine) {
  const auto refused = [&](const std::string& bytes, const std::string& why) {
    vault_.write("bad.jsonl", bytes);
    const Outcome outcome = vault_.expect(4, {"put", "bad.jsonl"});
    EXPECT_NE(outcome.err.find(why), std::string::npos) << outcome.err;
    EXPECT_FALSE(fs::exists(stored("recovery/bad.jsonl")));
  };
  refused(line(0) + line(1) + "{\"event_id\":\"x\"\n", "line 3");
  refused(line(0) + event(1, 1), "line 2");
  refused("\n" + line(0) + "\n" + "{}\n", "line 4");
  refused("", "holds no record");
  refused("\n\n", "holds no record");
  std::string cut = two_.substr(0, two_.size() - 5);
  vault_.write("cut.jsonl.gz", cut);
  EXPECT_NE(vault_.expect(4, {"put", "cut.jsonl.gz"}).err.find("gzip data is cut"), std::string::npos);
}

TEST_F(Files, PutRefusesNamesThatMislead) {
  vault_.expect(2, {"put", "nowhere.jsonl"});
  vault_.expect(2, {"put", "."});
  vault_.expect(2, {"put", "one.jsonl", "changestreams/one.jsonl"});
  vault_.expect(2, {"put", "one.jsonl", "recovery/../changestreams/one.jsonl"});
  vault_.expect(2, {"put", "one.jsonl", "recovery/\x1b[31m.jsonl"});
  vault_.expect(2, {"put", "one.jsonl", "recovery/a;rm -r.jsonl"});
  vault_.write("o'ne\n.jsonl", one_);
  const Outcome odd = vault_.expect(2, {"put", "o'ne\n.jsonl"});
  EXPECT_NE(odd.err.find("recovery/o-ne-.jsonl"), std::string::npos) << odd.err;
  vault_.expect(0, {"put", "o'ne\n.jsonl", "recovery/one.jsonl"});
  // A loader unpacks by the name.
  vault_.expect(4, {"put", "two.jsonl.gz", "recovery/two.jsonl"});
  vault_.expect(4, {"put", "one.jsonl", "recovery/one.jsonl.gz"});
}

void drop_hours(Vault& vault, const std::string& hours) {
  vault.expect(0, {"sql", "DELETE FROM mongodb_changes WHERE hour(enqueued_time) IN (" + hours + ")"});
}

TEST_F(Files, ALocalFileBringsBackItsRowsAndIsNamedInTheAudit) {
  drop_hours(vault_, "1");
  const json plan = vault_.expect_json(0, {"recover", "--from-files", "one.jsonl", "--plan"});
  EXPECT_EQ(plan.at("archived"), 20);
  EXPECT_EQ(plan.at("changed"), 0);
  EXPECT_EQ(plan.at("unknown"), 0);
  EXPECT_EQ(plan.at("new"), 20);
  EXPECT_EQ(plan.at("cells").at(0).at("warehouse"), 0);
  EXPECT_FALSE(fs::exists(stored("changestreams/_ledger/recoveries"))) << "a plan writes nothing";
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), 60);

  const json done = vault_.expect_json(0, {"recover", "--from-files", "one.jsonl", "--yes"});
  EXPECT_EQ(done.at("inserted"), 20);
  EXPECT_EQ(done.at("state"), "done");
  EXPECT_EQ(done.at("gaps_left"), 0);
  vault_.expect(0, {"gaps"});
  const json audit = vault_.expect_json(0, {"audit"});
  EXPECT_EQ(audit.at("recoveries").at(0).at("from_files"), true);
  EXPECT_EQ(audit.at("recoveries").at(0).at("archived"), 20);
  EXPECT_EQ(vault_.expect_json(0, {"recover", "--from-files", "one.jsonl", "--yes"}).at("inserted"), 0);
}

TEST_F(Files, APrefixOfTheStoreIsFilteredByTheScope) {
  vault_.expect(0, {"put", "one.jsonl", "recovery/day/one.jsonl"});
  vault_.expect(0, {"put", "two.jsonl.gz", "recovery/day/two.jsonl.gz"});
  drop_hours(vault_, "1, 2");
  const json one =
      vault_.expect_json(0, {"recover", "--from-files", "recovery/day/", "--hours", "1", "--yes"});
  EXPECT_EQ(one.at("inserted"), 20);
  const json both =
      vault_.expect_json(0, {"recover", "--from-files", "recovery/day", "recovery/day/one.jsonl", "--yes"});
  EXPECT_EQ(both.at("inserted"), 20);
  EXPECT_EQ(both.at("segments"), 2) << "each file once";
  vault_.expect(0, {"gaps"});
  vault_.expect(2, {"recover", "--from-files", "recovery/nothing", "--yes"});
  vault_.expect(2, {"recover", "--from-files", "changestreams/", "--yes"});
  vault_.expect(2, {"recover", "--from-files", ".", "--yes"});
  vault_.expect(2, {"recover", "--from-files", "one.jsonl", "--gaps", "--yes"});
  EXPECT_EQ(vault_.expect_json(0, {"recover", "--from-files", "one.jsonl", "--db", "other", "--yes"})
                .at("expected"),
            0);
}

TEST_F(Files, WhatTheArchiveHoldsOtherwiseTakesAWord) {
  std::string changed = one_;
  const std::size_t at = changed.find("\"operation_type\":\"insert\"", line(0).size() + line(1).size());
  changed.replace(at, 25, "\"operation_type\":\"upsert\"");
  vault_.write("changed.jsonl", changed);
  drop_hours(vault_, "1");
  const Outcome refused = vault_.expect(4, {"recover", "--from-files", "changed.jsonl", "--yes"});
  EXPECT_NE(refused.err.find("line 3"), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find("--accept-changed"), std::string::npos) << refused.err;
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), 60);
  const std::vector<std::string> accept{"recover", "--from-files", "changed.jsonl", "--accept-changed"};
  const json plan = vault_.expect_json(2, accept);
  EXPECT_EQ(plan.at("changed"), 1);
  EXPECT_EQ(plan.at("archived"), 19);
  vault_.expect(0, {"recover", "--from-files", "changed.jsonl", "--accept-changed", "--yes"});
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes WHERE operation_type = 'upsert'"), 1);
}

TEST_F(Files, WhatTheArchiveDoesNotKnowIsSaid) {
  Vault other;
  other.expect(0, {"init", "--set", "hub.partitions=1"});
  other.import(other.write("events.jsonl", event(77, 1)));
  other.expect(0, {"export", "shop", "-o", "stranger.jsonl"});
  vault_.write("stranger.jsonl", content(other.folder() / "stranger.jsonl"));
  const Outcome asked = vault_.expect(2, {"recover", "--from-files", "stranger.jsonl"});
  EXPECT_NE(asked.out.find("1 are not in the archive"), std::string::npos) << asked.out;
  const json done = vault_.expect_json(3, {"recover", "--from-files", "stranger.jsonl", "--yes"});
  EXPECT_EQ(done.at("inserted"), 1);
  EXPECT_EQ(done.at("gaps_left"), 1) << "gaps calls it extra";
  EXPECT_EQ(vault_.expect_json(0, {"audit"}).at("recoveries").at(0).at("unknown"), 1);
}

TEST_F(Files, AnIdThatNobodyVouchesForIsRefusedByItsLine) {
  const auto refused = [&](const std::string& bytes, const std::string& why) {
    vault_.write("bad.jsonl", bytes);
    const Outcome outcome = vault_.expect(4, {"recover", "--from-files", "bad.jsonl", "--yes"});
    EXPECT_NE(outcome.err.find(why), std::string::npos) << outcome.err;
  };
  std::string wrong = line(1);
  wrong[wrong.find("\"event_id\":\"") + 13] ^= 1;
  refused(line(0) + wrong, "line 2");
  std::string without = line(2);
  without.erase(without.find("\"event_id\""), without.find(",") + 1 - without.find("\"event_id\""));
  // Made anew of its event where that has a token.
  vault_.write("without.jsonl", without);
  EXPECT_EQ(vault_.expect_json(0, {"recover", "--from-files", "without.jsonl", "--plan"}).at("archived"), 1);
  for (std::size_t at = without.find("_data"); at != std::string::npos; at = without.find("_data"))
    without[at] = '-';
  refused(line(0) + line(1) + without, "line 3");
  std::string other = line(0);
  other.replace(other.find("\"insert\""), 8, "\"upsert\"");
  refused(line(0) + other, "two contents");
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), 80);
}

TEST_F(Files, ALineThatStandsTwiceGoesInOnce) {
  drop_hours(vault_, "1");
  vault_.write("twice.jsonl", one_ + one_);
  const json done = vault_.expect_json(0, {"recover", "--from-files", "twice.jsonl", "one.jsonl", "--yes"});
  EXPECT_EQ(done.at("expected"), 60);
  EXPECT_EQ(done.at("inserted"), 20);
  vault_.expect(0, {"gaps"});
}

TEST_F(Files, APlanOfAFileThatChangedIsRefused) {
  drop_hours(vault_, "1");
  vault_.expect(0, {"recover", "--from-files", "one.jsonl", "--plan=plan.json"});
  vault_.write("one.jsonl", one_ + line(0));
  const Outcome changed = vault_.expect(7, {"recover", "--apply", "plan.json", "--yes"});
  EXPECT_NE(changed.err.find("a file changed since"), std::string::npos) << changed.err;
  fs::remove(vault_.folder() / "one.jsonl");
  vault_.expect(7, {"recover", "--apply", "plan.json", "--yes"});
  vault_.write("one.jsonl", one_);
  EXPECT_EQ(vault_.expect_json(0, {"recover", "--apply", "plan.json", "--yes"}).at("inserted"), 20);
}

// The good copy of an hour whose segment is damaged is what such a file is for.
TEST_F(Files, ADamagedSegmentDoesNotStopTheRepairThatItMakesNecessary) {
  const json listed = vault_.expect_json(0, {"ls", "shop", "orders", "2025/01/15", "1"});
  const fs::path segment = stored(listed.at("segments").at(0).at("key"));
  std::string bytes = content(segment);
  bytes[bytes.size() / 2] ^= 4;
  std::ofstream(segment, std::ios::binary | std::ios::trunc) << bytes;
  drop_hours(vault_, "1");
  vault_.expect(4, {"recover", "shop", "orders", "2025/01/15", "1", "--yes"});
  const json plan = vault_.expect_json(0, {"recover", "--from-files", "one.jsonl", "--plan"});
  EXPECT_EQ(plan.at("unreadable"), 1);
  EXPECT_EQ(plan.at("unknown"), 20);
  vault_.run({"recover", "--from-files", "one.jsonl", "--yes"});
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes WHERE hour(enqueued_time) = 1"), 20);
}

}  // namespace
}  // namespace changevault::testing
