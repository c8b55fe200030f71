// What the verbs print, word for word, and their exit codes: on real embedded parts, with a clock that only a
// test moves. With CHANGEVAULT_UPDATE_GOLDEN set, the files are written anew instead; read the difference
// before keeping it.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

#include <gtest/gtest.h>

#include "base/manual_clock.h"
#include "cli/program.h"
#include "codec/json.h"
#include "hub/sqlite/sqlite_hub.h"
#include "store/file/file_store.h"
#include "tests/support/temp_dir.h"
#include "warehouse/duckdb/duckdb_warehouse.h"

namespace changevault {
namespace {

namespace fs = std::filesystem;

class CountingRandom final : public Random {
 public:
  std::uint64_t next() override { return ++count_ * 0x9e3779b97f4a7c15ULL; }

 private:
  std::uint64_t count_ = 0;
};

std::string event(int n, const std::string& collection, int hour) {
  return R"({"_id":{"_data":"82)" + std::to_string(100000 + 1000 * hour + n) + R"("},"operationType":")" +
         (n % 5 == 4 ? "delete" : "insert") + R"(","clusterTime":{"$timestamp":{"t":)" +
         std::to_string(1736899200 + hour * 3600 + n) + R"(,"i":1}},"ns":{"db":"shop","coll":")" +
         collection + R"("},"documentKey":{"_id":)" + std::to_string(n) + R"(},"fullDocument":{"_id":)" +
         std::to_string(n) + R"(,"price":1.50}})" + "\n";
}

// shop.orders in the hours 0 to 2 and 26 of 2025-01-15, shop.users in hour 2, one message that is no event;
// the warehouse lost hour 1 of the orders, two of their hour 2 and holds one of the users twice.
class OutputTest : public ::testing::Test {
 protected:
  void SetUp() override {
    identity_ = {"ada", "ops-1", 4711, "1.2.3"};
    drivers_.hubs["sqlite"] = [](const OpenRequest& request) -> Result<std::unique_ptr<Hub>> {
      if (request.mode == OpenMode::kOpen) return SqliteHub::open(request.place, request.clock);
      return SqliteHub::create(request.place, request.configuration.hub.partitions, request.clock,
                               request.random);
    };
    drivers_.stores["file"] = [](const OpenRequest& request) {
      return FileStore::open(request.place, request.mode == OpenMode::kCreate);
    };
    drivers_.warehouses["duckdb"] = [](const OpenRequest& request) {
      WarehouseOptions options;
      options.table = request.configuration.warehouse.table;
      return DuckDbWarehouse::open(request.place, options, request.clock);
    };
    expect(0, {"init", "--set", "hub.partitions=1"});
    std::string file;
    for (const int hour : {0, 1, 2, 26}) {
      for (int n = 0; n < 10; ++n) file += event(n, "orders", hour);
    }
    file += "not an event\n";
    std::string users;
    for (int n = 0; n < 4; ++n) users += event(500 + n, "users", 2);
    write("orders.jsonl", file);
    write("users.jsonl", users);
    expect(0, {"publish", "--time-from", "cluster_time", folder_ / "users.jsonl", folder_ / "orders.jsonl"});
    expect(0, {"archive", "--once", "--close"});
    expect(0, {"load", "--once"});
  }

  void break_warehouse() {
    for (const char* statement :
         {"DELETE FROM mongodb_changes WHERE collection_name = 'orders' AND hour(enqueued_time) = 1",
          "DELETE FROM mongodb_changes WHERE collection_name = 'orders' AND hour(enqueued_time) = 2 AND "
          "document_key::VARCHAR IN ('{\"_id\":3}', '{\"_id\":4}') AND day(enqueued_time) = 15",
          "INSERT INTO mongodb_changes SELECT * FROM mongodb_changes WHERE document_key::VARCHAR = "
          "'{\"_id\":501}'"})
      expect(0, {"sql", statement});
  }

  void expect(int code, const std::vector<std::string>& arguments) {
    EXPECT_EQ(run(arguments), code) << arguments.front() << "\n" << out_.text << err_.text;
  }

  int run(const std::vector<std::string>& arguments) {
    out_.text.clear();
    err_.text.clear();
    const Outside outside{
        drivers_, clock_, random_, out_, err_, terminal_, identity_, {}, folder_.path(), {}, [] {
          return std::optional<std::string>();
        }};
    return run_program(arguments, outside);
  }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_.path() / name, std::ios::binary) << text;
  }

  // What this machine and this minute put in.
  std::string masked(std::string text) const {
    for (std::size_t at = 0; (at = text.find(folder_.path().string(), at)) != std::string::npos;)
      text.replace(at, folder_.path().string().size(), "FOLDER");
    const std::pair<const char*, const char*> rules[] = {
        {"20(2[6-9]|[3-9][0-9])-[0-9]{2}-[0-9]{2}[T ][0-9:]{5}(:[0-9]{2}(\\.[0-9]+)?Z?)?", "NOW"},
        {"[0-9a-f]{64}", "SHA256"},
        {"\\(NOW[^)]*\\)|\\([0-9]+ (ms|s|min) ago\\)", "(AGO)"},
        {"[0-9]+ [GM]iB free", "N GiB free"},
        {"\"bytes\": [0-9]+", "\"bytes\": N"},
        {"(< )?[0-9]+ %  #*", "SHARE"},                      // du: of compressed bytes
        {",[0-9]+,(NOW|sha256)", ",N,$1"},                   // in csv: ls and get,
        {"(2025-01-1[56],[0-9]+,[0-9]+),[0-9]+,", "$1,N,"},  // du
        {" +[0-9.]+ (B|KiB)", " SIZE"}};
    for (const auto& [pattern, word] : rules) text = std::regex_replace(text, std::regex(pattern), word);
    return text;
  }

  // Runs, expects the code, and compares stdout (then stderr, where there is any) with the file.
  void golden(const std::string& name, int code, const std::vector<std::string>& arguments) {
    expect(code, arguments);
    const std::string text =
        masked(out_.text) + (err_.text.empty() ? "" : "--- stderr\n" + masked(err_.text));
    const fs::path path = fs::path(__FILE__).parent_path() / "output" / (name + ".txt");
    if (std::getenv("CHANGEVAULT_UPDATE_GOLDEN") != nullptr) {
      std::ofstream(path, std::ios::binary) << text;
      return;
    }
    std::ifstream in(path, std::ios::binary);
    ASSERT_TRUE(in.good()) << path;
    EXPECT_EQ(text, (std::string{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()}))
        << name;
  }

  testing::TempDir folder_;
  ManualClock clock_{*parse_rfc3339("2030-03-01T12:00:00Z")};
  CountingRandom random_;
  Drivers drivers_;
  Identity identity_;
  Terminal terminal_;
  StringWriter out_;
  StringWriter err_;
};

TEST_F(OutputTest, Reading) {
  golden("init_again", 0, {"init"});
  golden("init_json", 0, {"init", "--output", "json"});
  golden("check", 0, {"check"});
  golden("check_json", 0, {"check", "--output", "json"});
  golden("ls", 0, {"ls"});
  golden("ls_json", 0, {"ls", "shop", "users", "--output", "json"});
  golden("ls_dead_letters", 0, {"ls", "--dead-letters"});
  golden("du", 0, {"du"});
  golden("du_by_hour", 0, {"du", "shop", "orders", "--by", "hour"});
  golden("du_json", 0, {"du", "--by", "day", "--output", "json"});
  golden("cat_fields", 0,
         {"cat", "shop", "orders", "--last", "3", "--fields", "enqueued_time,full_document.price"});
  golden("cat_pretty", 0,
         {"cat", "--op", "delete", "--limit", "1", "--pretty", "--fields", "event_id,document_key"});
  golden("cat_nothing", 0, {"cat", "shop", "users", "--op", "insert", "--key", "{\"_id\":9}"});
  golden("get", 0, {"get", "shop", "-d", folder_ / "copy"});
  golden("get_again", 0, {"get", "shop", "-d", folder_ / "copy"});
  golden("get_json", 0, {"get", "shop", "users", "-d", folder_ / "copy", "--output", "json"});
  golden("gaps_none", 0, {"gaps"});
  golden("gaps_hub", 0, {"gaps", "shop", "users", "2025/01/15", "2", "--hub"});
  golden("groups_describe", 0, {"groups", "describe", "$Default"});
  golden("ack_nothing", 0, {"ack", "shop", "--reason", "none"});
  golden("status", 0, {"status"});
}

TEST_F(OutputTest, Gaps) {
  break_warehouse();
  golden("gaps", 3, {"gaps"});
  golden("gaps_json", 3, {"gaps", "shop", "orders", "2025/01/15", "1", "--output", "json"});
  terminal_ = {false, true, false, true, 51};
  golden("gaps_terminal", 3, {"gaps", "--db", "shop"});
  terminal_ = {};
  golden("status_gaps", 0, {"status"});
  golden("status_json", 0, {"status", "--output", "json"});
  golden("ack_without_yes", 2, {"ack", "shop", "orders", "2025/01/15", "1", "--reason", "known"});
  golden("ack", 0, {"ack", "shop", "orders", "2025/01/15", "1", "--reason", "lost in a migration", "--yes"});
  golden("ack_json", 0, {"ack", "shop", "users", "--reason", "two of them", "--yes", "--output", "json"});
  golden("ack_again", 0, {"ack", "shop", "users", "--reason", "two of them", "--yes"});
  golden("gaps_acknowledged", 3, {"gaps", "--acknowledged"});
  golden("ack_list", 0, {"ack", "--list"});
  golden("ack_take_back", 0, {"ack", "--take-back", "0", "--yes", "--reason", "found"});
  golden("ack_list_json", 0, {"ack", "--list", "--output", "json"});
}

// A year of many collections must not fill the screen with what is fine.
TEST_F(OutputTest, GapsAreFolded) {
  std::string file;
  for (int day = 2; day < 40; ++day) file += event(0, "orders", 24 * day);
  write("more.jsonl", file);
  expect(0, {"publish", "--time-from", "cluster_time", folder_ / "more.jsonl"});
  expect(0, {"archive", "--once", "--close"});
  expect(0, {"load", "--once"});
  expect(0, {"sql",
             "DELETE FROM mongodb_changes WHERE enqueued_time BETWEEN '2025-01-30' AND '2025-02-01 12:00'"});
  golden("gaps_folded", 3, {"gaps"});
  expect(3, {"gaps", "--all"});
  EXPECT_GT(std::count(out_.text.begin(), out_.text.end(), '\n'), 80);
}

TEST_F(OutputTest, Sql) {
  const std::string statement =
      "SELECT operation_type, count(*) AS n, min(document_key) AS k FROM mongodb_changes GROUP BY ALL ORDER "
      "BY ALL";
  golden("sql", 0, {"sql", statement});
  golden("sql_json", 0, {"sql", statement, "--output", "json"});
  golden("sql_csv", 0, {"sql", statement, "--output", "csv"});
  golden("publish_json", 0,
         {"publish", "--time-from", "cluster_time", folder_ / "orders.jsonl", "--allow-late", "--output",
          "json"});
}

TEST_F(OutputTest, Audit) {
  break_warehouse();
  expect(0, {"cat", "shop", "orders", "2025/01/15", "1", "--limit", "1", "--fields", "event_id"});
  const std::string missing = out_.text.substr(13, 32);
  expect(0, {"cat", "shop", "orders", "2025/01/15", "0", "--limit", "1", "--fields", "event_id"});
  const std::string loaded = out_.text.substr(13, 32);
  golden("audit", 0, {"audit"});
  golden("audit_event", 0, {"audit", "--event", loaded});
  golden("audit_event_missing", 0, {"audit", "--event", missing});
  golden("audit_event_json", 0, {"audit", "--event", loaded, "--output", "json"});
  golden("audit_event_unknown", 5, {"audit", "--event", std::string(32, '0')});
  expect(0, {"recover", "shop", "orders", "2025/01/15", "1", "--yes"});
  expect(0, {"audit", "--output", "json"});
  const std::string recovery = Json::parse(out_.text)["recoveries"][0]["id"];
  golden("audit_recovery", 0, {"audit", "--recovery", recovery});
  golden("audit_recovery_json", 0, {"audit", "--recovery", recovery, "--output", "json"});
  golden("audit_recovery_unknown", 5, {"audit", "--recovery", "20250116t081500z_1a2b3c4d"});
  expect(0, {"ls", "shop", "users", "--output", "json"});
  const std::string key = Json::parse(out_.text)["segments"][0]["key"];
  golden("audit_segment", 0, {"audit", "--segment", key.substr(key.rfind('/') + 1)});
  golden("audit_segment_json", 0, {"audit", "--segment", key, "--output", "json"});
}

// Columns as the same rows are named in JSON.
TEST_F(OutputTest, Csv) {
  break_warehouse();
  golden("ls_csv", 0, {"ls", "--output", "csv"});
  golden("du_csv", 0, {"du", "--by", "day", "--output", "csv"});
  golden("gaps_csv", 3, {"gaps", "shop", "2025/01/15", "--hours", "0-3", "--output", "csv"});
  golden("groups_csv", 0, {"groups", "list", "--output", "csv"});
  golden("group_csv", 0, {"groups", "describe", "snowflake-pipeline", "--output", "csv"});
  golden("verify_csv", 0, {"verify", "--output", "csv"});
  golden("get_csv", 0, {"get", "shop", "users", "-d", folder_ / "restored", "--output", "csv"});
  golden("ack_list_csv_none", 0, {"ack", "--list", "--output", "csv"});
  expect(0, {"ack", "shop", "users", "2025/01/15", "--reason", "=cmd|' /C calc'!A0, \"quoted\"", "--yes"});
  golden("ack_list_csv", 0, {"ack", "--list", "--output", "csv"});
  golden("recover_plan_csv", 0, {"recover", "shop", "orders", "2025/01/15", "--plan", "--output", "csv"});
  golden("duplicates_plan_csv", 0,
         {"recover", "shop", "orders", "2025/01/15", "--remove-duplicates", "--plan", "--output", "csv"});
  golden("recover_csv", 2, {"recover", "shop", "orders", "2025/01/15", "--output", "csv"});
  expect(0, {"recover", "shop", "orders", "2025/01/15", "--yes"});
  golden("recover_nothing_csv", 0,
         {"recover", "--gaps", "shop", "orders", "2025/01/15", "--plan", "--output", "csv"});
  golden("audit_csv", 0, {"audit", "--output", "csv"});
}

TEST_F(OutputTest, WhatIsNoTableHasNoCsv) {
  golden("status_csv", 2, {"status", "--output", "csv"});
  golden("gaps_hub_csv", 2, {"gaps", "--hub", "--output", "csv"});
  expect(2, {"groups", "create", "g", "--output", "csv"});
  expect(2, {"ack", "shop", "--reason", "x", "--output", "csv"});
  expect(2, {"audit", "--event", std::string(32, '0'), "--output", "csv"});
  for (const char* verb : {"cat", "archive", "load", "publish", "consume", "run", "repair", "copy", "init"})
    expect(2, {verb, "--output", "csv"});
  EXPECT_EQ(out_.text, "");
}

TEST_F(OutputTest, Slips) {
  golden("export_to_dash", 2, {"export", "shop", "-o", "-"});
  golden("get_to_dash", 2, {"get", "shop", "-o", "-"});
  golden("operation_mistyped", 2, {"ls", "--op", "isnert"});
  golden("get_nowhere", 2, {"get", "shop"});
  golden("get_one_of_many", 2, {"get", "shop", "-o", folder_ / "x.gz"});
  golden("cat_unknown_field", 2, {"cat", "--fields", "eventid"});
  golden("ack_without_reason", 2, {"ack", "shop"});
  golden("ack_without_scope", 2, {"ack", "--reason", "x"});
  golden("ack_unknown", 5, {"ack", "--take-back", "7", "--yes"});
  golden("audit_two_questions", 2, {"audit", "--event", "a", "--segment", "b"});
  golden("du_unknown_collection", 5, {"du", "shop", "order"});
}

}  // namespace
}  // namespace changevault
