// The main job through the real program: JSON outputs and exit codes are what scripts depend on.
#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "tests/e2e/vault.h"
#include "tests/support/generator.h"

namespace changevault::testing {
namespace {

constexpr std::int64_t kEvents = 6000;
const std::string kLongName(230, 'x');  // as long as MongoDB takes
const Timestamp kDay = *from_date(2025, 1, 15);

std::string day_of_events() {
  GeneratorOptions options;
  options.seed = 17;
  options.first = kDay;
  options.last = kDay + hours(24);
  options.events = kEvents;
  options.collections = shop_collections(hour_of(kDay + hours(3)));
  options.collections.push_back({{"logs", kLongName}, 1, {}});
  options.one_in_structure = 100;
  std::string out;
  generate_events(options, [&](const GeneratedEvent& event) { out.append(event.line) += '\n'; });
  return out;
}

// "2025-01-15T14:00:00Z inventory_db.products MISSING" of every cell whose state is not one of these.
std::set<std::string> cells_other_than(const json& gaps, const std::set<std::string>& states) {
  std::set<std::string> out;
  for (const json& cell : gaps.at("cells")) {
    const std::string state = cell.at("state");
    if (states.contains(state)) continue;
    out.insert(cell.at("hour").get<std::string>() + " " + cell.at("database").get<std::string>() + "." +
               cell.at("collection").get<std::string>() + " " + state);
  }
  return out;
}

// One import for all tests that only look.
class ImportedDay : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    vault_ = new Vault;
    vault_->expect(0, {"init"});
    vault_->import(vault_->write("day.jsonl", day_of_events()));
  }
  static void TearDownTestSuite() { delete vault_; }
  static Vault* vault_;
};
Vault* ImportedDay::vault_ = nullptr;

TEST_F(ImportedDay, EveryEventIsInTheArchiveAndTheWarehouseOnce) {
  const json listed = vault_->expect_json(0, {"ls"});
  EXPECT_EQ(listed.at("total").at("records"), kEvents);
  std::int64_t records = 0;
  for (const json& segment : listed.at("segments")) {
    for (const char* field : {"key", "database", "collection", "hour", "records", "bytes", "modified"}) {
      EXPECT_TRUE(segment.contains(field)) << field;
    }
    records += segment.at("records").get<std::int64_t>();
  }
  EXPECT_EQ(records, kEvents);
  EXPECT_EQ(vault_->number("SELECT count(*) FROM mongodb_changes"), kEvents);
  EXPECT_EQ(vault_->number("SELECT count(DISTINCT event_id) FROM mongodb_changes"), kEvents);
}

TEST_F(ImportedDay, VerifyPassesAndSaysWhatItRead) {
  const json verified = vault_->expect_json(0, {"verify"});
  EXPECT_EQ(verified.at("result"), "PASS");
  EXPECT_EQ(verified.at("records_checked"), kEvents);
  EXPECT_GT(verified.at("segments_checked"), 0);
  EXPECT_TRUE(verified.at("problems").empty());
}

TEST_F(ImportedDay, NothingIsLeftToDo) {
  const json archived = vault_->expect_json(0, {"archive", "--once"});
  EXPECT_EQ(archived.at("events"), 0);
  const json loaded = vault_->expect_json(0, {"load", "--once"});
  EXPECT_EQ(loaded.at("segments"), 0);
  EXPECT_EQ(loaded.at("inserted"), 0);
}

TEST_F(ImportedDay, GapsAreCleanAndEveryCellHasItsNumbers) {
  const json gaps = vault_->expect_json(0, {"gaps"});
  EXPECT_EQ(cells_other_than(gaps, {"OK", "QUIET"}), std::set<std::string>{});
  EXPECT_EQ(gaps.at("range").at("from"), "2025-01-15T00:00:00Z");
  EXPECT_EQ(gaps.at("range").at("to"), "2025-01-16T00:00:00Z");
  std::int64_t archive = 0;
  for (const json& cell : gaps.at("cells")) {
    EXPECT_EQ(cell.at("sealed"), true);
    EXPECT_EQ(cell.at("archive"), cell.at("warehouse"));
    EXPECT_EQ(cell.at("distinct"), cell.at("warehouse"));
    archive += cell.at("archive").get<std::int64_t>();
  }
  EXPECT_EQ(archive, kEvents);
}

TEST_F(ImportedDay, ASealedQuietHourIsASuccess) {
  const json gaps = vault_->expect_json(0, {"gaps", "inventory_db", "warehouses", "2025/01/15", "03"});
  ASSERT_EQ(gaps.at("cells").size(), 1U);
  EXPECT_EQ(gaps.at("cells").at(0).at("state"), "QUIET");
  for (const char* verb : {"gaps", "ls", "cat", "recover"}) {
    std::vector<std::string> line{verb, "inventory_db", "warehouses", "2025/01/15", "03"};
    if (line[0] == "recover") line.push_back("--yes");
    const Outcome outcome = vault_->expect(0, line);
    EXPECT_NE((outcome.out + outcome.err).find("quiet"), std::string::npos)
        << verb << ": " << outcome.out << outcome.err;
  }
}

TEST_F(ImportedDay, AScopeAboutWhichNothingIsKnownIsIndeterminate) {
  const std::vector<std::vector<std::string>> scopes{{"inventory_db", "no_such_collection"},
                                                     {"no_such_database"},
                                                     {"inventory_db", "products", "2019/01/01", "14"},
                                                     {"inventory_db", "products", "2031/01/01", "14"}};
  for (const auto& scope : scopes) {
    for (const char* verb : {"gaps", "ls", "cat", "verify", "recover"}) {
      std::vector<std::string> line{verb};
      line.insert(line.end(), scope.begin(), scope.end());
      if (line[0] == "recover") line.push_back("--yes");
      vault_->expect(5, line);
    }
  }
}

TEST_F(ImportedDay, T28_OddNamesAreFoundByTheirTrueNames) {
  const std::vector<Namespace> odd{
      {"sales", "odd/name 100%"}, {"sales", "_drafts"}, {"logs", kLongName}, {"каталог", "商品"}};
  for (const auto& [database, name] : odd) {
    const json listed = vault_->expect_json(0, {"ls", "--db", database, "--collection", name});
    EXPECT_GT(listed.at("total").at("records"), 0) << name;
    for (const json& segment : listed.at("segments")) EXPECT_EQ(segment.at("collection"), name);
  }
  // Names are as easy as positions.
  EXPECT_GT(vault_->expect_json(0, {"ls", "каталог", "商品"}).at("total").at("records"), 0);
}

TEST_F(ImportedDay, OtherReadersKeepTheirOwnPlace) {
  const auto lines = [](const std::string& text) { return std::count(text.begin(), text.end(), '\n'); };
  const std::string first =
      vault_->expect(0, {"consume", "--group", "analytics", "--from", "start", "--max", "5"}).out;
  const std::string second = vault_->expect(0, {"consume", "--group", "analytics", "--max", "5"}).out;
  EXPECT_EQ(lines(first), 5);
  EXPECT_EQ(lines(second), 5);
  EXPECT_NE(first, second);
  vault_->expect(2, {"consume", "--group", "snowflake-pipeline", "--max", "1"});
}

TEST_F(ImportedDay, WrongUsageIsExitTwoWithAHint) {
  const std::vector<std::vector<std::string>> lines{
      {"gasp"},
      {"gaps", "--no-such-flag"},
      {"gaps", "inventory_db", "products", "2025/02/30"},
      {"gaps", "inventory_db", "products", "2025/01/15", "24"},
      {"gaps", "--from", "2025-01-16", "--to", "2025-01-15"},
      {"gaps", "--hours", "15-10"},
      {"gaps", "--date", "2025-13-01"},
      {"gaps", "--output", "xml"},
      {"gaps", "--set", "archive.flush_intervall=1s"},
      {"gaps", "--set", "archive.flush_interval=soon"},
      {"gaps", "--set", "hub.group="},
      {"gaps", "--config", "no-such-file.toml"},
      {"archive", "--close"},
      {"recover"},
  };
  for (const auto& line : lines) {
    const Outcome outcome = vault_->expect(2, line);
    EXPECT_EQ(outcome.out, "") << "errors go to stderr";
    EXPECT_NE(outcome.err.find("hint:"), std::string::npos) << line.back() << ": " << outcome.err;
  }
}

TEST_F(ImportedDay, AnUnknownKeyNamesTheOneThatWasMeant) {
  const Outcome outcome = vault_->expect(2, {"status", "--set", "archive.flush_intervall=1s"});
  EXPECT_NE(outcome.err.find("flush_interval"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("flush_intervall"), std::string::npos) << outcome.err;
}

TEST_F(ImportedDay, ErrorsAsJsonAreOneDocumentOnStderr) {
  const Outcome outcome = vault_->expect(5, {"ls", "no_such_database", "--output", "json"});
  const json error = json::parse(outcome.err, nullptr, false);
  ASSERT_FALSE(error.is_discarded()) << outcome.err;
  EXPECT_TRUE(error.at("error").contains("code"));
  EXPECT_TRUE(error.at("error").contains("message"));
}

TEST(MainJob, LostSlicesAreFoundAndPutBack) {
  Vault vault;
  vault.expect(0, {"init"});
  vault.import(vault.write("day.jsonl", day_of_events()));
  const std::string hour_14 =
      "database_name = 'inventory_db' AND collection_name = 'products' AND enqueued_time >= '2025-01-15 "
      "14:00:00' AND "
      "enqueued_time < '2025-01-15 15:00:00'";
  const std::string part_of_9 =
      "database_name = 'sales' AND collection_name = 'orders' AND enqueued_time >= '2025-01-15 09:00:00' AND "
      "enqueued_time < '2025-01-15 10:00:00' AND sequence_number % 3 = 0";
  const std::int64_t lost_14 = vault.number("SELECT count(*) FROM mongodb_changes WHERE " + hour_14);
  const std::int64_t lost_9 = vault.number("SELECT count(*) FROM mongodb_changes WHERE " + part_of_9);
  ASSERT_GT(lost_14, 0);
  ASSERT_GT(lost_9, 0);
  vault.expect(0, {"sql", "DELETE FROM mongodb_changes WHERE " + hour_14});
  vault.expect(0, {"sql", "DELETE FROM mongodb_changes WHERE " + part_of_9});

  const std::set<std::string> both{"2025-01-15T09:00:00Z sales.orders PARTIAL",
                                   "2025-01-15T14:00:00Z inventory_db.products MISSING"};
  EXPECT_EQ(cells_other_than(vault.expect_json(3, {"gaps"}), {"OK", "QUIET"}), both);

  // Without a terminal and without --yes: the plan, and nothing happens.
  vault.expect(2, {"recover", "inventory_db", "products", "2025/01/15", "14"});
  EXPECT_EQ(cells_other_than(vault.expect_json(3, {"gaps"}), {"OK", "QUIET"}), both);

  const std::vector<std::string> one_hour{"recover", "inventory_db", "products", "2025/01/15", "14", "--yes"};
  const json recovered = vault.expect_json(0, one_hour);
  EXPECT_EQ(recovered.at("state"), "done");
  EXPECT_EQ(recovered.at("expected"), lost_14);
  EXPECT_EQ(recovered.at("staged"), lost_14);
  EXPECT_EQ(recovered.at("inserted"), lost_14);
  EXPECT_EQ(recovered.at("gaps_left"), 0);
  EXPECT_EQ(cells_other_than(vault.expect_json(3, {"gaps"}), {"OK", "QUIET"}),
            std::set<std::string>{"2025-01-15T09:00:00Z sales.orders PARTIAL"});
  // The same again changes nothing.
  EXPECT_EQ(vault.expect_json(0, one_hour).at("inserted"), 0);

  EXPECT_EQ(vault.expect_json(0, {"recover", "--gaps", "--yes"}).at("inserted"), lost_9);
  EXPECT_EQ(cells_other_than(vault.expect_json(0, {"gaps"}), {"OK", "QUIET"}), std::set<std::string>{});
  EXPECT_EQ(vault.number("SELECT count(*) FROM mongodb_changes"), kEvents);
  EXPECT_EQ(vault.number("SELECT count(DISTINCT event_id) FROM mongodb_changes"), kEvents);
  EXPECT_EQ(vault.expect_json(0, {"verify"}).at("result"), "PASS");
  EXPECT_NE(vault.expect(0, {"audit"}).out.find(recovered.at("id").get<std::string>()), std::string::npos);
}

TEST(EmptyArchive, T22_NothingIsKnownAboutAnything) {
  Vault vault;
  vault.expect(2, {"gaps"});  // no configuration yet
  vault.expect(0, {"init"});
  vault.expect(0, {"init"});  // again: nothing is overwritten
  for (const char* verb : {"gaps", "ls", "cat", "verify"}) vault.expect(5, {verb});
  vault.expect(5, {"recover", "inventory_db", "products", "2025/01/15", "14", "--yes"});
  vault.expect(0, {"status"});
  vault.expect(0, {"archive", "--once"});
  vault.expect(0, {"load", "--once"});
}

TEST(UnwritableFolder, IsToldByInit) {
  Vault vault;
  // A file where a folder should be refuses root too.
  vault.write("data", "a file");
  const Outcome outcome = vault.expect(6, {"init"});
  EXPECT_NE(outcome.err.find("data"), std::string::npos) << outcome.err;
}

TEST(ManyLines, AReaderThatGoesAwayIsNoError) {
  Vault vault;
  vault.expect(0, {"init"});
  vault.import(vault.write("day.jsonl", day_of_events()));
  ProcessOptions options;
  options.folder = vault.folder();
  const Outcome outcome =
      run({"bash", "-c", "set -o pipefail; \"$0\" cat | head -n 1 >/dev/null", program_path()}, options);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
}

}  // namespace
}  // namespace changevault::testing
