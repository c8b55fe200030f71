// What is damaged in the archive costs the hours that it belongs to: `gaps` shows all others, `recover
// --gaps` repairs all others, and neither ends with a success.
#include <algorithm>
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

TEST_F(DamageTest, T19_OneDamagedSegmentCostsOneHour) {
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
  // Every hour is proven; that the archive is not whole is said all the same.
  const json after = vault_.expect_json(0, {"gaps"});
  EXPECT_EQ(after.at("summary"), json({{"OK", 4}}));
  EXPECT_EQ(after.at("problems").size(), 1U);
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
  vault_.expect(0, {"recover", "--gaps", "--yes"});
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), 40) << "the seals name the file";
}

TEST_F(DamageTest, RecoveringAnotherHourOrDayIsASuccess) {
  flip(segment("13"));
  for (const char* hour : {"12", "14", "15"}) {
    const json done = vault_.expect_json(0, {"recover", "shop", "orders", "2025/01/15", hour, "--yes"});
    EXPECT_EQ(done.at("inserted"), 10) << hour;
    EXPECT_EQ(done.at("gaps_left"), 0) << hour;
  }
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), 30);
}

// The whole scope is refused, by the file's name and with the command that recovers all the rest of it.
TEST_F(DamageTest, ARefusalSaysHowToRecoverTheRest) {
  const std::string file = segment("13").filename().string();
  flip(segment("13"));
  const Outcome refused = vault_.expect(4, {"recover", "shop", "orders", "2025/01/15", "--yes"});
  EXPECT_NE(refused.err.find(file), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find("'recover --gaps' with the same scope"), std::string::npos) << refused.err;
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), 0);
  const json rest = vault_.expect_json(3, {"recover", "--gaps", "shop", "orders", "2025/01/15", "--yes"});
  EXPECT_EQ(rest.at("inserted"), 30);
  EXPECT_EQ(rest.at("gaps_left"), 1) << "the damaged hour";
}

// Hour 15 holds an event of hour 12 again, as a hub may; its row stands in hour 12.
class DamagedPlaceOfARepeatTest : public DamageTest {
 protected:
  void SetUp() override {
    DamageTest::SetUp();
    vault_.expect(0, {"publish", "--time-from", "cluster_time", "--allow-late",
                      vault_.write("again.jsonl", event(40, kBegin + 4 * 3600) + event(3, kBegin + 3))});
    vault_.expect(0, {"archive", "--once", "--close"});
    vault_.expect(0, {"sql", "DELETE FROM changevault_loads"});
    vault_.expect(0, {"load", "--once"});
    vault_.expect(0, {"gaps"});
    vault_.expect(0, {"sql", "DELETE FROM mongodb_changes WHERE enqueued_time >= '2025-01-15 16:00'"});
    flip(segment("12"));
  }
  std::vector<std::string> recover() const {
    return {"recover", "shop", "orders", "2025/01/15", "16", "--yes"};
  }
};

// Nobody can read there that the row belongs there, but all rows there together are what the ledger counted.
TEST_F(DamagedPlaceOfARepeatTest, IsProvenByItsNumbers) {
  const json done = vault_.expect_json(0, recover());
  EXPECT_EQ(done.at("inserted"), 1);
  EXPECT_EQ(done.at("already_present"), 1);
  EXPECT_EQ(vault_.expect_json(0, {"gaps"}).at("summary"), json({{"OK", 5}}));
}

TEST_F(DamagedPlaceOfARepeatTest, IsNotProvenWhereItsNumbersDiffer) {
  vault_.expect(0, {"sql", "DELETE FROM mongodb_changes WHERE json_extract(document_key, '$._id') = 5"});
  const Outcome done = vault_.expect(4, recover());
  EXPECT_NE(done.out.find("1 row inserted"), std::string::npos) << done.out;
  EXPECT_NE(done.out.find("no gaps are left in what could be checked"), std::string::npos) << done.out;
  EXPECT_NE(done.err.find(segment("12").filename().string()), std::string::npos) << done.err;
}

// Two partitions, four sealed hours, and one hour that is not sealed.
class DamagedSlotTest : public ::testing::Test {
 protected:
  static constexpr int kHours = 5;
  static constexpr int kEvents = 20;  // in each hour

  void SetUp() override {
    vault_.expect(0, {"init", "--set", "hub.partitions=2"});
    for (int hour = 0; hour < kHours; ++hour) {
      std::string lines;
      for (int n = 0; n < kEvents; ++n) lines += event(hour * kEvents + n, kBegin + hour * 3600 + n);
      vault_.expect(0, {"publish", "--time-from", "cluster_time",
                        vault_.write("hour" + std::to_string(hour) + ".jsonl", lines)});
      const bool last = hour + 1 == kHours;
      vault_.expect(0, last ? std::vector<std::string>{"archive", "--once"}
                            : std::vector<std::string>{"archive", "--once", "--close"});
    }
  }

  fs::path ledger() const { return vault_.folder() / "data/archive/changestreams/_ledger"; }
  fs::path slot(int number) const {
    const std::string digits = std::to_string(number);
    return ledger() / "p001" / (std::string(12 - digits.size(), '0') + digits + ".json");
  }

  // What every verb that reads shows of the sealed hours, and that it names the slot.
  void expect_all_is_shown(int code, int status_code, const std::string& damaged) {
    const json listed = vault_.expect_json(code, {"ls"});
    EXPECT_EQ(listed.at("total").at("records"), kHours * kEvents);
    EXPECT_EQ(vault_.expect_json(code, {"du"}).at("total").at("records"), kHours * kEvents);
    const Outcome cat = vault_.expect(code, {"cat"});
    EXPECT_EQ(std::count(cat.out.begin(), cat.out.end(), '\n'), kHours * kEvents);
    EXPECT_NE(cat.err.find(damaged), std::string::npos) << cat.err;
    EXPECT_NE(cat.err.find("changevault repair"), std::string::npos) << cat.err;
    fs::remove_all(vault_.folder() / "got");
    EXPECT_EQ(vault_.expect_json(code, {"get", "-d", "got"}).at("total").at("records"), kHours * kEvents);
    // It looks at the seals and the ends of the chains alone.
    // Of the slots below the seals it may read the newest, to say who wrote it.
    const Outcome status = vault_.run({"status", "--output", "json"});
    EXPECT_TRUE(status.exit_code == status_code || status.exit_code == 4) << status.out << status.err;
    const json told = json::parse(status.out, nullptr, false);
    ASSERT_TRUE(told.is_object()) << status.out;
    EXPECT_EQ(told.at("archive").at("records"), kHours * kEvents);
    EXPECT_EQ(told.at("failures").size(), status.exit_code == 0 ? 0U : 1U);
    EXPECT_TRUE(told.at("partitions").is_array());
    vault_.expect(0, {"ack", "--list"});
    const Outcome hour = vault_.expect(0, {"cat", "shop", "orders", "2025/01/15", "13"});
    EXPECT_EQ(std::count(hour.out.begin(), hour.out.end(), '\n'), kEvents);
  }

  Vault vault_;
};

TEST_F(DamagedSlotTest, BelowTheSealsCostsNothing) {
  // Claim and first commit, one in the middle, the newest below the seals; flipped and gone.
  for (const int number : {0, 1, 4, 9}) {
    for (const bool gone : {false, true}) {
      SCOPED_TRACE("slot " + std::to_string(number) + (gone ? " gone" : " flipped"));
      const fs::path kept = vault_.folder() / "kept.json";
      fs::copy_file(slot(number), kept, fs::copy_options::overwrite_existing);
      gone ? static_cast<void>(fs::remove(slot(number))) : flip(slot(number));
      expect_all_is_shown(0, 0, slot(number).filename().string());
      fs::copy_file(kept, slot(number), fs::copy_options::overwrite_existing);
    }
  }
  vault_.expect(0, {"verify"});
}

TEST_F(DamagedSlotTest, BelowTheSealsIsLoadedAndRecovered) {
  flip(slot(4));
  const Outcome loaded = vault_.expect(0, {"load", "--once"});
  EXPECT_NE(loaded.err.find("p001/000000000004.json"), std::string::npos) << loaded.err;
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), kHours * kEvents);
  EXPECT_EQ(vault_.expect_json(0, {"load", "--once"}).at("segments"), 0);
  vault_.expect(0, {"sql", "DELETE FROM mongodb_changes"});
  vault_.expect(0, {"recover", "shop", "orders", "2025/01/15", "13", "--yes"});
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), kEvents);
}

TEST_F(DamagedSlotTest, BehindTheSealsIsSaid) {
  // The commit of the hour that is not sealed: what it listed nobody else says.
  flip(slot(13));
  const json listed = vault_.expect_json(5, {"ls"});
  EXPECT_GE(listed.at("total").at("records"), (kHours - 1) * kEvents);
  EXPECT_LT(listed.at("total").at("records"), kHours * kEvents);
  vault_.expect(0, {"ls", "shop", "orders", "2025/01/15", "13"});
  vault_.expect(5, {"ls", "shop", "orders", "2025/01/15", "16"});
  const Outcome loaded = vault_.expect(4, {"load", "--once"});
  EXPECT_NE(loaded.err.find("p001/000000000013.json"), std::string::npos) << loaded.err;
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"),
            listed.at("total").at("records").get<std::int64_t>());
}

// What it costs are hours outside of the scope: said, but the scope is recovered and proven.
TEST_F(DamagedSlotTest, BehindTheSealsCostsNoOtherHour) {
  flip(slot(13));
  const Outcome done = vault_.expect(0, {"recover", "shop", "orders", "2025/01/15", "13", "--yes"});
  EXPECT_NE(done.err.find("p001/000000000013.json"), std::string::npos) << done.err;
  EXPECT_NE(done.out.find("no gaps are left in this scope"), std::string::npos) << done.out;
  vault_.expect(4, {"recover", "shop", "orders", "2025/01/15", "16", "--yes"});
  vault_.expect(0, {"recover", "--gaps", "shop", "orders", "2025/01/15", "12", "--yes"});
  vault_.expect(4, {"recover", "shop", "orders", "2025/01/15", "--yes"});
  EXPECT_GE(vault_.number("SELECT count(*) FROM mongodb_changes"), (kHours - 1) * kEvents);
}

TEST_F(DamagedSlotTest, WithoutSealsTheChainsSayIt) {
  fs::remove_all(ledger() / "seals");
  expect_all_is_shown(0, 4, "_ledger/seals/");
  vault_.expect(0, {"load", "--once"});
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), kHours * kEvents);
}

}  // namespace
}  // namespace changevault::testing
