// Real oplog entries and documents, all the way: published, archived, loaded, lost, found, recovered, and
// byte for byte what was published.
#include <algorithm>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/e2e/vault.h"

namespace changevault::testing {
namespace {

const std::filesystem::path kRepository =
    std::filesystem::weakly_canonical(__FILE__).parent_path().parent_path().parent_path();

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

std::vector<std::string> sorted(std::vector<std::string> lines) {
  std::sort(lines.begin(), lines.end());
  return lines;
}

// The raw event of a record line: its last field, as the bytes stand there.
std::string raw_event_of(const std::string& record) {
  const std::string field = ",\"raw_event\":";
  const std::size_t at = record.find(field);
  if (at == std::string::npos) return "no raw_event: " + record;
  return record.substr(at + field.size(), record.size() - at - field.size() - 1);
}

class OplogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::vector<std::string> argv{"python3", kRepository / "tests/support/oplog_events.py"};
    for (const char* name : {"oplog", "documents"}) {
      const std::filesystem::path folder = kRepository.parent_path() / "shared/data" / name;
      if (!std::filesystem::is_directory(folder))
        GTEST_SKIP() << "no sample data: " << folder << " is not there";
      for (const auto& entry : std::filesystem::directory_iterator(folder)) argv.push_back(entry.path());
    }
    const Outcome made = testing::run(argv);
    ASSERT_EQ(made.exit_code, 0) << made.err;
    events_ = made.out;
    lines_ = sorted(lines_of(events_));
    ASSERT_GT(lines_.size(), 20U);
    vault_.expect(0, {"init"});
    vault_.import(vault_.write("events.jsonl", events_));
  }

  std::vector<std::string> warehouse_events() {
    std::vector<std::string> out;
    for (const auto& row : vault_.rows("SELECT CAST(raw_event AS VARCHAR) FROM mongodb_changes"))
      out.push_back(row.at(0));
    return sorted(out);
  }

  Vault vault_;
  std::string events_;
  std::vector<std::string> lines_;
};

TEST_F(OplogTest, EveryEventIsArchivedByteForByte) {
  std::vector<std::string> archived;
  for (const std::string& record : lines_of(vault_.expect(0, {"cat"}).out))
    archived.push_back(raw_event_of(record));
  EXPECT_EQ(sorted(archived), lines_);
  EXPECT_EQ(vault_.expect_json(0, {"verify"}).at("result"), "PASS");
}

TEST_F(OplogTest, WhatIsLostComesBackByteForByte) {
  EXPECT_EQ(warehouse_events(), lines_);
  const std::int64_t before = vault_.number("SELECT count(*) FROM mongodb_changes");
  const std::string lost = "database_name IN ('mydb', 'dining')";
  const std::int64_t gone = vault_.number("SELECT count(*) FROM mongodb_changes WHERE " + lost);
  ASSERT_GT(gone, 0);
  vault_.expect(0, {"sql", "DELETE FROM mongodb_changes WHERE " + lost});
  ASSERT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), before - gone);

  const json gaps = vault_.expect_json(3, {"gaps"});
  std::int64_t missing = 0;
  for (const json& cell : gaps.at("cells")) missing += cell.at("missing").get<std::int64_t>();
  EXPECT_EQ(missing, gone);

  const json recovered = vault_.expect_json(0, {"recover", "--gaps", "--yes"});
  EXPECT_EQ(recovered.at("inserted"), gone);
  EXPECT_EQ(recovered.at("state"), "done");
  vault_.expect_json(0, {"gaps"});
  EXPECT_EQ(warehouse_events(), lines_);
}

TEST_F(OplogTest, EveryOperationKeepsItsColumns) {
  const auto rows = vault_.rows(
      "SELECT operation_type, count(*), count(document_key), count(full_document), count(update_description) "
      "FROM "
      "mongodb_changes GROUP BY operation_type ORDER BY operation_type");
  std::map<std::string, std::vector<std::string>> by_operation;
  for (const auto& row : rows) by_operation[row.at(0)] = {row.at(1), row.at(2), row.at(3), row.at(4)};
  ASSERT_TRUE(by_operation.contains("update"));
  for (const char* operation : {"insert", "update", "delete"}) {
    EXPECT_EQ(by_operation[operation][1], by_operation[operation][0]) << operation << " without document_key";
  }
  EXPECT_EQ(by_operation["insert"][2], by_operation["insert"][0]);
  EXPECT_EQ(by_operation["update"][3], by_operation["update"][0]);
  EXPECT_EQ(by_operation["drop"][1], "0");
}

}  // namespace
}  // namespace changevault::testing
