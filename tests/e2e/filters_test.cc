// Asking for few of many records, of the real program: by field, by key, by time, by number, and the same in
// a recovery.
#include <algorithm>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/e2e/vault.h"

namespace changevault::testing {
namespace {

namespace fs = std::filesystem;

// Event n of 60: minute n of hour 0, in shop.orders or shop.users, as a driver writes canonical Extended
// JSON.
std::string event(int n) {
  const std::string number = std::to_string(n);
  return R"({"_id":{"_data":"82)" + std::to_string(100000 + n) + R"("},"operationType":")" +
         (n % 10 == 9 ? "delete" : "insert") + R"(","clusterTime":{"$timestamp":{"t":)" +
         std::to_string(1736899200 + n * 60) + R"(,"i":1}},"ns":{"db":"shop","coll":")" +
         (n % 3 == 0 ? "users" : "orders") + R"("},"documentKey":{"region":"eu","_id":{"$numberLong":")" +
         number + "\"}}" +
         (n % 10 == 9 ? ""
                      : R"(,"fullDocument":{"_id":{"$numberLong":")" + number +
                            R"("},"price":{"$numberDouble":")" + std::to_string(n % 4) +
                            R"(.0"},"tags":["a",{"name":"t)" + std::to_string(n % 2) + R"("}]})") +
         "}\n";
}

class Filters : public ::testing::Test {
 protected:
  void SetUp() override {
    vault_.expect(0, {"init", "--set", "hub.partitions=2"});
    std::string file;
    for (int n = 0; n < 60; ++n) file += event(n);
    vault_.import(vault_.write("events.jsonl", file));
  }

  // The numbers of the documents that cat gives, in its order; sorted where `sorted`.
  std::vector<int> numbers(std::vector<std::string> arguments, bool sorted = true) {
    arguments.insert(arguments.begin(), "cat");
    arguments.insert(arguments.end(), {"--fields", "document_key._id"});
    std::istringstream lines(vault_.expect(0, arguments).out);
    std::vector<int> out;
    for (std::string line; std::getline(lines, line);)
      out.push_back(json::parse(line).at("document_key._id").get<int>());
    if (sorted) std::ranges::sort(out);
    return out;
  }

  Vault vault_;
};

TEST_F(Filters, FieldsByValue) {
  const std::vector<int> threes = numbers({"--where", "full_document.price=3"});
  EXPECT_EQ(threes.size(), 12U);  // of 15, three are deletes
  EXPECT_EQ(numbers({"--where", "full_document.price=3.0"}), threes);
  EXPECT_EQ(numbers({"--where", R"(full_document.price={"$numberInt":"3"})"}), threes);
  EXPECT_TRUE(numbers({"--where", R"(full_document.price="3")"}).empty());
  EXPECT_EQ(numbers({"--where", "full_document.price=3", "--where", "collection_name=users"}),
            (std::vector<int>{3, 15, 27, 51}));
  EXPECT_EQ(numbers({"--where", "full_document.tags.1.name=t1", "--from", "2025-01-15T00:50"}),
            (std::vector<int>{51, 53, 55, 57}));
  EXPECT_EQ(numbers({"--where", "full_document=null"}), (std::vector<int>{9, 19, 29, 39, 49, 59}));
  EXPECT_EQ(numbers({"--where", "operation_type=delete", "shop", "u*"}), (std::vector<int>{9, 39}));
}

TEST_F(Filters, KeysByValue) {
  for (const char* key :
       {"7", R"({"_id":7})", R"({"_id":{"$numberInt":"7"}})", R"({"_id":7.0,"region":"eu"})"})
    EXPECT_EQ(numbers({"--key", key}), std::vector<int>{7}) << key;
  EXPECT_TRUE(numbers({"--key", R"({"_id":7,"region":"us"})"}).empty());
  EXPECT_TRUE(numbers({"--key", "\"7\""}).empty());
  EXPECT_EQ(numbers({"--key", R"({"region":"eu"})"}).size(), 60U);
}

TEST_F(Filters, NamesByGlobsAndTimesToTheMillisecond) {
  EXPECT_EQ(numbers({"sh?p", "[o-p]rders"}).size(), 40U);
  EXPECT_EQ(numbers({"--db", "*", "--collection", "us*"}).size(), 20U);
  EXPECT_EQ(numbers({"--from", "2025-01-15T00:07:00.000Z", "--to", "2025-01-15T00:07:00.001Z"}),
            std::vector<int>{7});
  EXPECT_TRUE(numbers({"--from", "2025-01-15T00:07:00.001Z", "--to", "2025-01-15T00:08:00.000Z"}).empty());
}

TEST_F(Filters, AFewOfThemInTheOrderAskedFor) {
  EXPECT_EQ(numbers({"--last", "3"}, false), (std::vector<int>{59, 58, 57}));
  EXPECT_EQ(numbers({"--newest-first", "--limit", "2", "shop", "users"}, false), (std::vector<int>{57, 54}));
  EXPECT_EQ(numbers({"--newest-first", "--op", "delete"}, false), (std::vector<int>{59, 49, 39, 29, 19, 9}));
  EXPECT_EQ(numbers({"--limit", "4"}, false).size(), 4U);
}

TEST_F(Filters, ExportTakesThemToo) {
  const json done =
      vault_.expect_json(0, {"export", "--where", "full_document.price=3", "--newest-first", "--limit", "2",
                             "--fields", "full_document.price,document_key", "-o", "out.jsonl"});
  EXPECT_EQ(done.at("records"), 2);
  std::ifstream in(vault_.folder() / "out.jsonl");
  std::string text((std::istreambuf_iterator<char>(in)), {});
  EXPECT_EQ(text,
            "{\"full_document.price\":3.0,\"document_key\":{\"region\":\"eu\",\"_id\":55}}\n"
            "{\"full_document.price\":3.0,\"document_key\":{\"region\":\"eu\",\"_id\":51}}\n");
  EXPECT_EQ(vault_.expect_json(0, {"export", "--last", "1", "-o", "last.jsonl.gz"}).at("records"), 1);
}

TEST_F(Filters, FilesInTheOrderAskedFor) {
  const json all = vault_.expect_json(0, {"ls"});
  const json one = vault_.expect_json(0, {"ls", "--newest-first", "--limit", "1"});
  ASSERT_EQ(one.at("segments").size(), 1U);
  EXPECT_EQ(one.at("total").at("segments"), 1);
  EXPECT_GT(all.at("segments").size(), 1U);
  vault_.expect(2, {"ls", "--limit", "x"});
}

// A recovery of some records of an hour: its plan says which, and is carried out as it was made.
TEST_F(Filters, ARecoveryByConditions) {
  vault_.expect(0, {"sql", "DELETE FROM mongodb_changes WHERE database_name = 'shop'"});
  const std::vector<std::string> scope{"--where", "full_document.price=3", "--where",
                                       "operation_type=insert"};
  std::vector<std::string> plan{"recover", "--plan=plan.json"};
  plan.insert(plan.end(), scope.begin(), scope.end());
  const Outcome planned = vault_.expect(0, plan);
  EXPECT_NE(planned.out.find("where full_document.price=3 where operation_type=\"insert\""),
            std::string::npos)
      << planned.out;
  const json done = vault_.expect_json(0, {"recover", "--apply", "plan.json", "--yes"});
  EXPECT_EQ(done.at("inserted"), 12);
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), 12);
  const json audit = vault_.expect_json(0, {"audit"});
  EXPECT_NE(audit.dump().find("where full_document.price=3"), std::string::npos) << audit.dump();
  EXPECT_EQ(vault_.expect_json(0, {"recover", "--key", "7", "--yes"}).at("inserted"), 0);  // its price is 3
  EXPECT_EQ(vault_.expect_json(0, {"recover", "--key", "8", "--yes"}).at("inserted"), 1);
}

TEST_F(Filters, WhatCannotAnswerThemSaysSo) {
  for (const char* verb : {"gaps", "verify", "repair", "audit"}) {
    const Outcome refused = vault_.expect(2, {verb, "--where", "full_document.price=3"});
    EXPECT_NE(refused.err.find("hint: "), std::string::npos) << verb << refused.err;
  }
  EXPECT_NE(
      vault_.expect(0, {"ls", "--where", "full_document.price=3"}).err.find("may hold none of the records"),
      std::string::npos);
  const Outcome slip = vault_.expect(2, {"cat", "--where", "fulldocument.price=3"});
  EXPECT_NE(slip.err.find("did you mean full_document?"), std::string::npos) << slip.err;
  vault_.expect(2, {"cat", "--where", "full_document.price"});
  vault_.expect(2, {"cat", "--limit", "1", "--last", "1"});
}

// The other blocks may be gone: nothing is read of them.
TEST_F(Filters, DamageElsewhereInAFileDoesNotMatterForAFewSeconds) {
  const json listed = vault_.expect_json(0, {"ls", "shop", "users"});
  for (const json& segment : listed.at("segments")) {
    const fs::path file = vault_.folder() / "data/archive" / segment.at("key").get<std::string>();
    fs::resize_file(file, fs::file_size(file) - 8);  // of one block: the checks at the end are cut
  }
  vault_.expect(4, {"cat", "shop", "users"});
  EXPECT_EQ(numbers({"shop", "users", "--limit", "1"}).size(), 1U);
}

}  // namespace
}  // namespace changevault::testing
