// Whatever a producer sends: every line is either a record or a dead letter, bytes intact, and nothing is
// blocked.
#include <gtest/gtest.h>

#include "base/hash.h"
#include "tests/e2e/vault.h"

namespace changevault::testing {
namespace {

struct BadLine {
  const char* what;
  std::string bytes;
  bool is_event;  // else a dead letter
};

std::string event(const std::string& token, const std::string& rest) {
  return R"({"_id":{"_data":")" + token +
         R"("},"operationType":"insert","ns":{"db":"shop","coll":"things"},)" + rest + "}";
}

std::string repeated(const std::string& text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

std::vector<BadLine> bad_lines() {
  return {
      {"not JSON", "hello, world", false},
      {"truncated JSON", R"({"_id":{"_data":"82A1"},"operationType":"ins)", false},
      {"an array", "[1,2,3]", false},
      {"two values", R"({"operationType":"insert"} {"operationType":"insert"})", false},
      {"no operationType", R"({"_id":{"_data":"82A2"},"ns":{"db":"shop","coll":"things"}})", false},
      {"another tool's envelope", R"({"schema":{},"payload":{"op":"c","source":{},"after":"{}"}})", false},
      {"depth 10,000",
       event("82A3", "\"fullDocument\":" + repeated("{\"a\":", 10'000) + "1" + repeated("}", 10'000)), false},
      {"invalid UTF-8", event("82A4", "\"fullDocument\":{\"name\":\"\xC3\x28\"}"), false},
      {"a lone surrogate", event("82A5", R"("fullDocument":{"name":"\ud800"})"), false},
      {"20 MB", event("82B1", "\"fullDocument\":{\"text\":\"" + std::string(20'000'000, 'x') + "\"}"), true},
      {"duplicate keys in a document", event("82B2", R"("fullDocument":{"a":1,"a":2})"), true},
      {"an integer past 2^53",
       event("82B3", R"("fullDocument":{"n":9007199254740993,"m":{"$numberLong":"9223372036854775807"}})"),
       true},
      {"a number past every double", event("82B4", R"("fullDocument":{"n":1e400})"), true},
      {"a wrapper that is no number", event("82B5", R"("fullDocument":{"n":{"$numberInt":"1,\"x\":2"}})"),
       true},
      {"an unknown operation",
       R"({"_id":{"_data":"82B6"},"operationType":"somethingNew","ns":{"db":"shop","coll":"things"}})", true},
      {"no ns", R"({"_id":{"_data":"82B7"},"operationType":"endOfTransaction"})", true},
      {"no collection", R"({"_id":{"_data":"82B8"},"operationType":"dropDatabase","ns":{"db":"shop"}})",
       true},
  };
}

class BadInput : public ::testing::Test {
 protected:
  void SetUp() override {
    vault_.expect(0, {"init"});
    std::string file =
        "\xEF\xBB\xBF" + event("82C1", R"("fullDocument":{"with":"a byte order mark"})") + "\r\n\n\r\n";
    for (const BadLine& line : bad_lines()) {
      file += line.bytes + "\n";
      (line.is_event ? records_ : dead_letters_)++;
    }
    file += event("82C2", R"("fullDocument":{"last":"line without an end"})");
    records_ += 2;
    vault_.expect(0, {"publish", vault_.write("bad.jsonl", file)});
    totals_ = vault_.expect_json(0, {"archive", "--once"});
  }

  Vault vault_;
  json totals_;
  std::int64_t records_ = 0;
  std::int64_t dead_letters_ = 0;
};

TEST_F(BadInput, IsARecordOrADeadLetterAndNeverBlocks) {
  EXPECT_EQ(totals_.at("events"), records_ + dead_letters_);
  EXPECT_EQ(totals_.at("records"), records_);
  EXPECT_EQ(totals_.at("dead_letters"), dead_letters_);
  EXPECT_EQ(vault_.expect_json(0, {"ls", "--dead-letters"}).at("total").at("records"), dead_letters_);
  // Dead letters do not fail the archive.
  EXPECT_EQ(vault_.expect_json(0, {"verify"}).at("result"), "PASS");
}

TEST_F(BadInput, ReachesTheWarehouseWithEveryDigit) {
  vault_.expect(0, {"load", "--once"});
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), records_);
  const auto raw = [&](const std::string& token) {
    const auto rows = vault_.rows(
        "SELECT CAST(raw_event AS VARCHAR) FROM mongodb_changes WHERE contains(CAST(raw_event AS VARCHAR), "
        "'" +
        token + "')");
    return rows.size() == 1 ? rows[0].at(0) : std::to_string(rows.size()) + " rows";
  };
  for (const BadLine& line : bad_lines()) {
    if (!line.is_event) continue;
    const std::size_t at = line.bytes.find("\"82B");
    EXPECT_EQ(sha256_hex(raw(line.bytes.substr(at, 6))), sha256_hex(line.bytes)) << line.what;
  }
  EXPECT_EQ(raw("\"82C1\""), event("82C1", R"("fullDocument":{"with":"a byte order mark"})"));
  EXPECT_EQ(raw("\"82C2\""), event("82C2", R"("fullDocument":{"last":"line without an end"})"));
  const auto number = vault_.rows(
      "SELECT CAST(full_document AS VARCHAR) FROM mongodb_changes WHERE contains(CAST(raw_event AS VARCHAR), "
      "'\"82B3\"')");
  EXPECT_EQ(number.at(0).at(0), R"({"n":9007199254740993,"m":9223372036854775807})");
  const auto wrapper = vault_.rows(
      "SELECT CAST(full_document AS VARCHAR) FROM mongodb_changes WHERE contains(CAST(raw_event AS VARCHAR), "
      "'\"82B5\"')");
  EXPECT_EQ(wrapper.at(0).at(0), R"({"n":{"$numberInt":"1,\"x\":2"}})");
}

TEST_F(BadInput, EventsWithoutACollectionHaveTheirOwnPlaces) {
  const json listed = vault_.expect_json(0, {"ls"});
  std::string keys;
  for (const json& segment : listed.at("segments")) keys += segment.at("key").get<std::string>() + "\n";
  EXPECT_NE(keys.find("changestreams/_cluster/_cluster/"), std::string::npos) << keys;
  EXPECT_NE(keys.find("changestreams/shop/_database/"), std::string::npos) << keys;
}

}  // namespace
}  // namespace changevault::testing
