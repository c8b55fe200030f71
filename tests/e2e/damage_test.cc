// What is damaged in the archive costs the hours that it belongs to: `gaps` shows all others, `recover
// --gaps` repairs all others, and neither ends with a success.
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "tests/e2e/vault.h"

namespace changevault::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kBegin = 1'736'942'400;  // 2025-01-15T12:00:00Z

std::string event(int number, std::int64_t seconds) {
  return R"({"_id":{"_data":"82670000)" + std::to_string(100000 + number) +
         R"("},"operationType":"insert","clusterTime":{"$timestamp":{"t":)" + std::to_string(seconds) +
         R"(,"i":)" + std::to_string(number) +
         R"(}},"ns":{"db":"shop","coll":"orders"},"documentKey":{"_id":)" + std::to_string(number) +
         R"(},"fullDocument":{"_id":)" + std::to_string(number) + "}}\n";
}

void flip(const fs::path& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const auto middle = static_cast<std::streamoff>(fs::file_size(path) / 2);
  file.seekg(middle);
  const char byte = static_cast<char>(file.get() ^ 1);
  file.seekp(middle);
  file.put(byte);
  ASSERT_TRUE(file.good()) << path;
}

class DamageTest : public ::testing::Test {
 protected:
  // Four hours of ten events each, sealed one by one, all loaded and then gone from the warehouse.
  void SetUp() override {
    vault_.expect(0, {"init", "--set", "hub.partitions=1"});
    for (int hour = 0; hour < 4; ++hour) {
      std::string lines;
      for (int n = 0; n < 10; ++n) lines += event(hour * 10 + n, kBegin + hour * 3600 + n);
      vault_.expect(0, {"publish", "--time-from", "cluster_time",
                        vault_.write("hour" + std::to_string(hour) + ".jsonl", lines)});
      vault_.expect(0, {"archive", "--once", "--close"});
    }
    vault_.expect(0, {"load", "--once"});
    vault_.expect(0, {"gaps"});
    vault_.expect(0, {"sql", "DELETE FROM mongodb_changes"});
  }

  fs::path archive() const { return vault_.folder() / "data/archive/changestreams"; }
  fs::path segment(const std::string& hour) const {
    for (const auto& file : fs::directory_iterator(archive() / "shop/orders/2025/01/15")) {
      if (file.path().filename().string().starts_with(hour)) return file.path();
    }
    return {};
  }

  Vault vault_;
};

TEST_F(DamageTest, OneDamagedSegmentCostsOneHour) {
  flip(segment("13"));
  const json gaps = vault_.expect_json(3, {"gaps"});
  EXPECT_EQ(gaps.at("summary"), json({{"MISSING", 4}}));
  EXPECT_FALSE(gaps.at("cells").at(0).contains("unreadable"));
  EXPECT_EQ(gaps.at("cells").at(1).at("unreadable"), true);
  EXPECT_EQ(gaps.at("cells").at(1).at("missing"), 10);
  ASSERT_EQ(gaps.at("problems").size(), 1U);
  EXPECT_EQ(gaps.at("problems").at(0).at("hour"), "2025-01-15T13:00:00Z");
  const Outcome recovered = vault_.expect(3, {"recover", "--gaps", "--yes"});
  EXPECT_NE(recovered.err.find("1 gap left out"), std::string::npos) << recovered.err;
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), 30);
  EXPECT_EQ(vault_.expect_json(3, {"gaps"}).at("summary"), json({{"OK", 3}, {"MISSING", 1}}));
  // Again: nothing that could be put back, and that is no success.
  EXPECT_EQ(vault_.expect_json(3, {"recover", "--gaps", "--yes"}).at("gaps_left"), 1);
}

TEST_F(DamageTest, ADamagedSealCostsNothing) {
  flip(archive() / "_ledger/seals/000000000002.json");
  const json gaps = vault_.expect_json(3, {"gaps"});
  EXPECT_EQ(gaps.at("summary"), json({{"MISSING", 4}}));
  EXPECT_EQ(gaps.at("problems").size(), 1U);
  vault_.expect(0, {"recover", "--gaps", "--yes"});
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), 40);
  // Nothing is missing any more; that the archive is not whole is said all the same.
  const json after = vault_.expect_json(4, {"gaps"});
  EXPECT_EQ(after.at("summary"), json({{"OK", 4}}));
}

TEST_F(DamageTest, ADamagedCommitCostsItsHour) {
  // Slots of the one partition: a claim and a commit for each run of archive.
  int damaged = 0;
  for (const auto& file : fs::directory_iterator(archive() / "_ledger/p000")) {
    std::ifstream in(file.path());
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    if (bytes.find("2025/01/15/13-batch") == std::string::npos) continue;
    flip(file.path());
    ++damaged;
  }
  ASSERT_EQ(damaged, 1);
  EXPECT_EQ(vault_.expect_json(3, {"gaps"}).at("summary"), json({{"MISSING", 4}})) << "seals say it all";
  const Outcome recovered = vault_.expect(3, {"recover", "--gaps", "--yes"});
  EXPECT_NE(recovered.err.find("1 gap left out"), std::string::npos) << recovered.err;
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), 30);
}

}  // namespace
}  // namespace changevault::testing
