// A vault that version 0.1.0 made (docs/formats/samples/vault-v1.tar.gz: hub, archive with ledger, seals,
// acknowledgement and recovery, verify's memory; events.jsonl is what was published) stays readable,
// recoverable and writable for ever.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/e2e/vault.h"

namespace changevault::testing {
namespace {

const std::filesystem::path kSamples =
    std::filesystem::path(__FILE__).parent_path() / "../../docs/formats/samples";

std::string text_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> lines_of(const std::string& text, char end = '\n') {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line, end);) out.push_back(line);
  return out;
}

class OldVault : public ::testing::Test {
 protected:
  void SetUp() override {
    const Outcome done = run({"tar", "-C", vault_.folder(), "-xzf", (kSamples / "vault-v1.tar.gz").string()});
    ASSERT_EQ(done.exit_code, 0) << done.err;
    events_ = lines_of(text_of(vault_.folder() / "events.jsonl"));
    ASSERT_EQ(events_.size(), 28U);
  }

  Vault vault_;
  std::vector<std::string> events_;
};

TEST_F(OldVault, EveryByteOfItIsProven) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"verify"}, {"verify", "--incremental"}, {"verify", "--quick"}}) {
    const json report = vault_.expect_json(0, words);
    EXPECT_EQ(report.at("result"), "PASS");
  }
  EXPECT_EQ(vault_.expect_json(0, {"verify"}).at("records_checked"), 25);
  std::vector<std::string> raw;
  for (const std::string& line : lines_of(vault_.expect(0, {"cat"}).out)) {
    const std::size_t at = line.find(R"("raw_event":)");
    ASSERT_NE(at, std::string::npos) << line;
    raw.push_back(line.substr(at + 12, line.size() - at - 13));
  }
  std::vector<std::string> published = events_;
  std::erase_if(published, [](const std::string& event) { return event.starts_with("not"); });
  std::ranges::sort(raw);
  std::ranges::sort(published);
  EXPECT_EQ(raw, published);
  EXPECT_EQ(vault_.expect_json(0, {"ls", "--dead-letters"}).at("total").at("segments"), 3);
}

TEST_F(OldVault, FillsAWarehouseAndHealsIt) {
  vault_.expect(0, {"init"});
  EXPECT_EQ(vault_.expect_json(0, {"load", "--once"}).at("inserted"), 25);
  EXPECT_EQ(vault_.expect_json(0, {"gaps"}).at("summary"), json({{"OK", 7}, {"QUIET", 2}}));
  vault_.expect(0, {"sql", "DELETE FROM mongodb_changes WHERE hour(enqueued_time) = 2"});
  // One of its three gaps was acknowledged then.
  EXPECT_EQ(vault_.expect_json(3, {"gaps"}).at("summary").at("ACKNOWLEDGED"), 1);
  EXPECT_EQ(vault_.expect_json(0, {"recover", "shop", "2025/01/15", "2", "--yes"}).at("inserted"), 9);
  EXPECT_EQ(vault_.expect_json(0, {"gaps"}).at("summary"), json({{"OK", 7}, {"QUIET", 2}}));
  const json past = vault_.expect_json(0, {"audit"}).at("recoveries");
  ASSERT_EQ(past.size(), 2U);
  EXPECT_EQ(past[0].at("inserted"), 9);  // the newest first
  EXPECT_EQ(past[1].at("state"), "done");
  EXPECT_EQ(past[1].at("inserted"), 8);
}

TEST_F(OldVault, GoesOnWhereItWas) {
  EXPECT_EQ(lines_of(vault_.expect(0, {"consume", "--group", "analytics", "--max", "2"}).out),
            (std::vector<std::string>{events_[5], events_[6]}));
  vault_.expect(0, {"publish", "--time-from", "cluster_time", "--allow-late",
                    vault_.write("more.jsonl", events_[0] + "\n" + events_[27] + "\n")});
  EXPECT_EQ(vault_.expect_json(0, {"archive", "--once"}).at("events"), 2);
  const json report = vault_.expect_json(0, {"verify"});
  EXPECT_EQ(report.at("result"), "PASS");
  EXPECT_EQ(report.at("records_checked"), 27);
}

// The warehouse of that version, made by its own statements.
TEST_F(OldVault, ItsWarehouseIsTakenAsItIs) {
  vault_.expect(0, {"init"});
  for (const char* table : {"mongodb_changes", "changevault_loads", "changevault_lock"})
    vault_.expect(0, {"sql", std::string("DROP TABLE ") + table});
  for (const std::string& statement : lines_of(text_of(kSamples / "warehouse-v1.sql"), ';'))
    if (statement.find_first_not_of(" \n") != std::string::npos) vault_.expect(0, {"sql", statement});
  vault_.expect(0, {"sql", "INSERT INTO changevault_lock VALUES (1, 41)"});
  EXPECT_EQ(vault_.expect_json(0, {"load", "--once"}).at("inserted"), 25);
  EXPECT_EQ(vault_.expect_json(0, {"gaps"}).at("summary"), json({{"OK", 7}, {"QUIET", 2}}));
}

}  // namespace
}  // namespace changevault::testing
