// Verify, repair and recover through the real program: what is damaged is found, what can be is put back, and
// a recovery brings back its scope and nothing else.
#include <fstream>
#include <iterator>
#include <set>

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/e2e/vault.h"
#include "tests/support/generator.h"

namespace changevault::testing {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string day_of_events(std::int64_t events) {
  GeneratorOptions options;
  options.seed = 23;
  options.first = *from_date(2025, 1, 15);
  options.last = options.first + hours(24);
  options.events = events;
  options.collections = shop_collections(hour_of(options.first + hours(3)));
  std::string out;
  generate_events(options, [&](const GeneratedEvent& event) { out.append(event.line) += '\n'; });
  return out;
}

class Proof : public ::testing::Test {
 protected:
  static constexpr std::int64_t kEvents = 2000;

  void SetUp() override {
    vault_.expect(0, {"init"});
    vault_.import(vault_.write("day.jsonl", day_of_events(kEvents)));
  }
  fs::path archive() const { return vault_.folder() / "data/archive"; }
  // The key of the biggest segment.
  std::string a_segment() {
    std::string key;
    std::int64_t most = 0;
    const json listed = vault_.expect_json(0, {"ls"});
    for (const json& segment : listed.at("segments")) {
      if (segment.at("bytes").get<std::int64_t>() <= most) continue;
      most = segment.at("bytes").get<std::int64_t>();
      key = segment.at("key").get<std::string>();
    }
    return key;
  }
  // Writes over a stored file, which is made read-only.
  void overwrite(const std::string& key, const std::string& bytes) const {
    fs::remove(archive() / key);
    std::ofstream(archive() / key, std::ios::binary) << bytes;
  }
  std::set<std::string> ids(const std::string& where, const std::string& table = "mongodb_changes") {
    std::set<std::string> out;
    for (const auto& row : vault_.rows("SELECT event_id FROM " + table + " WHERE " + where))
      out.insert(row.at(0));
    return out;
  }

  Vault vault_;
};

TEST_F(Proof, EachModeSaysWhatItLookedAt) {
  const json full = vault_.expect_json(0, {"verify"});
  EXPECT_EQ(full.at("mode"), "full");
  const json quick = vault_.expect_json(0, {"verify", "--quick"});
  EXPECT_EQ(quick.at("mode"), "quick");
  EXPECT_EQ(quick.at("not_checked"), json::array({"content"}));
  EXPECT_EQ(quick.at("segments_checked"), full.at("segments_checked"));
  EXPECT_EQ(quick.at("records_checked"), 0);
  EXPECT_NE(vault_.expect(0, {"verify", "--quick"}).out.find("not read"), std::string::npos);

  const json incremental = vault_.expect_json(0, {"verify", "--incremental"});
  EXPECT_EQ(incremental.at("segments_checked"), 0);
  EXPECT_EQ(incremental.at("remembered"), full.at("segments_checked"));
  EXPECT_TRUE(incremental.at("oldest_check").is_string());
  EXPECT_FALSE(fs::exists(archive() / "verify.memory"));
  EXPECT_TRUE(fs::exists(vault_.folder() / "data/verify.memory"));
  vault_.expect(2, {"verify", "--quick", "--incremental"});

  // A memory that is damaged costs a full reading and a note.
  vault_.write("data/verify.memory", "nonsense");
  const Outcome again = vault_.expect(0, {"verify", "--incremental"});
  EXPECT_NE(again.err.find("everything is checked"), std::string::npos) << again.err;
  EXPECT_NE(again.out.find("0 unchanged files"), std::string::npos) << again.out;
}

TEST_F(Proof, WhatChangedSinceIsReadAgain) {
  vault_.expect(0, {"verify"});
  const std::string key = a_segment();
  std::string bytes = read_file(archive() / key);
  bytes[bytes.size() / 2] ^= 1;
  overwrite(key, bytes);
  EXPECT_EQ(vault_.expect_json(0, {"verify", "--quick"}).at("result"), "PASS");
  for (const char* mode : {"--incremental", "--incremental"}) {
    const json report = vault_.expect_json(4, {"verify", mode});
    EXPECT_EQ(report.at("segments_checked"), 1);
    EXPECT_EQ(report.at("problems").at(0).at("key"), key);
  }
}

TEST_F(Proof, ALostAndADamagedFileComeBackFromTheHub) {
  const std::string key = a_segment();
  const std::string bytes = read_file(archive() / key);
  for (const bool lost : {true, false}) {
    if (lost) {
      fs::remove(archive() / key);
    } else {
      std::string damaged = bytes;
      damaged[damaged.size() / 2] ^= 1;
      overwrite(key, damaged);
    }
    // Without a terminal and without --yes: the plan, and nothing happens.
    const json planned = vault_.expect_json(2, {"repair"});
    EXPECT_EQ(planned.at("state"), "planned");
    EXPECT_EQ(planned.at("items").at(0).at("key"), key);
    vault_.expect(4, {"verify"});
    const json repaired = vault_.expect_json(0, {"repair", "--yes"});
    EXPECT_EQ(repaired.at("state"), "done");
    EXPECT_EQ(repaired.at("done"), json::array({key}));
    EXPECT_EQ(read_file(archive() / key), bytes);
    EXPECT_EQ(fs::exists(vault_.folder() / "data/repair/damaged" / key), !lost);
    EXPECT_EQ(vault_.expect_json(0, {"verify"}).at("result"), "PASS");
  }
  EXPECT_EQ(vault_.expect_json(0, {"repair"}).at("state"), "nothing to do");
  const json past = vault_.expect_json(0, {"repair", "--list"}).at("repairs");
  ASSERT_EQ(past.size(), 2U);
  EXPECT_EQ(past.at(1).at("done"), json::array({key}));
}

TEST_F(Proof, WhatCannotBeRebuiltIsSaidWithAWayOut) {
  const std::string key = a_segment();
  const std::string slot = "changestreams/_ledger/p000/000000000001.json";
  fs::copy(archive(), vault_.folder() / "backup", fs::copy_options::recursive);
  fs::remove(archive() / key);
  fs::remove(archive() / slot);
  for (const char* name : {"hub.db", "hub.db-wal", "hub.db-shm"}) fs::remove(vault_.folder() / "data" / name);
  const Outcome refused = vault_.expect(4, {"repair", "--yes"});
  EXPECT_NE(refused.out.find("--copy"), std::string::npos) << refused.out;
  EXPECT_NE(refused.err.find("without the hub"), std::string::npos) << refused.err;
  // The slot first: what it lists is known again only then.
  vault_.run({"repair", "--yes", "--copy", "backup"});
  vault_.run({"repair", "--yes", "--copy", "backup"});
  EXPECT_EQ(vault_.expect_json(0, {"verify"}).at("result"), "PASS");
}

TEST_F(Proof, LeftoversAreCountedAndRemoved) {
  const std::string key = a_segment();
  // What an archiver that died under the first claim would have left.
  const std::string leftover =
      "changestreams/shop/x/2025/01/15/"
      "08-batch-p000-00000000000000000000-00000000000000000001-c000000000000.jsonl.gz";
  fs::create_directories((archive() / leftover).parent_path());
  std::ofstream(archive() / leftover) << "cut off";
  EXPECT_EQ(vault_.expect_json(0, {"verify"}).at("leftovers"), json::array({leftover}));
  EXPECT_EQ(vault_.expect_json(0, {"repair"}).at("kept").at(0).at("key"), leftover)
      << "its archiver may list it";
  vault_.expect(0, {"archive", "--once"});  // claims
  EXPECT_EQ(vault_.expect_json(0, {"repair", "--yes"}).at("done"), json::array({leftover}));
  EXPECT_FALSE(fs::exists(archive() / leftover));
  EXPECT_TRUE(fs::exists(archive() / key));
}

struct ScopeCase {
  std::vector<std::string> words;
  std::string where;  // the same in SQL
};

TEST_F(Proof, ARecoveryBringsBackItsScopeAndNothingElse) {
  const std::string document = vault_
                                   .rows(
                                       "SELECT document_key FROM mongodb_changes WHERE database_name = "
                                       "'inventory_db' AND collection_name = "
                                       "'products' AND document_key IS NOT NULL ORDER BY event_id LIMIT 1")
                                   .at(0)
                                   .at(0);
  const std::vector<ScopeCase> cases{
      {{"inventory_db", "products", "2025/01/15", "14"},
       "database_name = 'inventory_db' AND collection_name = 'products' AND hour(enqueued_time) = 14"},
      {{"inventory_db", "--hours", "10-11"},
       "database_name = 'inventory_db' AND hour(enqueued_time) IN (10, 11)"},
      {{"--db", "sales", "--op", "delete,update"},
       "database_name = 'sales' AND operation_type IN ('delete', 'update')"},
      {{"--date", "2025-01-15", "--collection", "orders"}, "collection_name = 'orders'"},
      {{"--from", "2025-01-15T09:20:00Z", "--to", "2025-01-15T09:50:00Z"},
       "enqueued_time >= '2025-01-15 09:20:00' AND enqueued_time < '2025-01-15 09:50:00'"},
      {{"inventory_db", "products", "--key", document},
       "database_name = 'inventory_db' AND collection_name = 'products' AND document_key = '" + document +
           "'"},
      {{"--db", "*", "--hours", "23"}, "hour(enqueued_time) = 23"},
  };
  // Everything is lost; each recovery brings back exactly its part.
  const std::set<std::string> all = ids("true");
  ASSERT_EQ(all.size(), static_cast<std::size_t>(kEvents));
  vault_.expect(0, {"sql", "CREATE TABLE aside AS SELECT * FROM mongodb_changes"});
  for (const ScopeCase& one : cases) {
    const std::set<std::string> wanted = ids(one.where, "aside");
    ASSERT_FALSE(wanted.empty()) << one.where;
    vault_.expect(0, {"sql", "DELETE FROM mongodb_changes"});
    std::vector<std::string> line{"recover", "--yes"};
    line.insert(line.end(), one.words.begin(), one.words.end());
    const json recovered = vault_.expect_json(0, line);
    EXPECT_EQ(recovered.at("inserted"), static_cast<std::int64_t>(wanted.size())) << one.where;
    EXPECT_EQ(ids("true"), wanted) << one.where;
  }
}

TEST_F(Proof, InManySmallPartsTheSameComesBack) {
  vault_.expect(0, {"sql", "DELETE FROM mongodb_changes"});
  const json recovered =
      vault_.expect_json(0, {"recover", "--date", "2025-01-15", "--yes", "--set", "load.batch_bytes=400KiB"});
  EXPECT_EQ(recovered.at("inserted"), kEvents);
  EXPECT_EQ(recovered.at("gaps_left"), 0);
  EXPECT_GT(
      vault_.number("SELECT count(DISTINCT recovery_id) FROM changevault_loads WHERE kind = 'recovery'"), 3);
  EXPECT_EQ(vault_.number("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE '%recovery%'"), 0);
  EXPECT_EQ(vault_.number("SELECT count(DISTINCT event_id) FROM mongodb_changes"), kEvents);
}

TEST_F(Proof, StagedRowsWaitAreShownAndMerged) {
  const std::string hour =
      "database_name = 'inventory_db' AND collection_name = 'products' AND hour(enqueued_time) = 14";
  const std::set<std::string> wanted = ids(hour);
  vault_.expect(0, {"sql", "DELETE FROM mongodb_changes WHERE " + hour});
  const std::vector<std::string> scope{"inventory_db", "products", "2025/01/15", "14"};
  std::vector<std::string> line{"recover", "--stage-only", "--yes"};
  line.insert(line.end(), scope.begin(), scope.end());
  const json staged = vault_.expect_json(0, line);
  EXPECT_EQ(staged.at("state"), "staged");
  EXPECT_EQ(staged.at("staged"), static_cast<std::int64_t>(wanted.size()));
  EXPECT_EQ(staged.at("inserted"), 0);
  EXPECT_TRUE(ids(hour).empty());
  const std::string table = staged.at("side_tables").at(0).get<std::string>();
  EXPECT_EQ(vault_.number("SELECT count(*) FROM " + table), static_cast<std::int64_t>(wanted.size()));
  EXPECT_NE(vault_.expect(0, {"audit"}).out.find("waiting"), std::string::npos);
  vault_.expect(0, {"repair", "--yes"});  // leaves it alone
  const std::string id = staged.at("id").get<std::string>();
  const json done = vault_.expect_json(0, {"recover", "--resume", id});
  EXPECT_EQ(done.at("state"), "done");
  EXPECT_FALSE(done.contains("done_before"));
  EXPECT_EQ(ids(hour), wanted);
  // Asked for once more it tells when it ended, and vouches for nothing.
  vault_.expect(0, {"sql", "DELETE FROM mongodb_changes WHERE " + hour});
  const Outcome over = vault_.expect(3, {"recover", "--resume", id});
  EXPECT_NE(over.out.find("nothing was done: this recovery ended at "), std::string::npos) << over.out;
  EXPECT_EQ(over.out.find("exactly once"), std::string::npos) << over.out;
  EXPECT_TRUE(vault_.expect_json(3, {"recover", "--resume", id}).at("done_before").is_string());
  vault_.expect(0, {"recover", "--yes", "inventory_db", "products", "2025/01/15", "14"});
  EXPECT_EQ(vault_.number("SELECT count(*) FROM duckdb_tables() WHERE table_name = '" + table + "'"), 0);

  // And one that is given up.
  const Outcome shown = vault_.expect(0, line);
  EXPECT_NE(shown.out.find("--discard"), std::string::npos) << shown.out;
  const json audit = vault_.expect_json(0, {"audit"});
  const std::string second = audit.at("recoveries").front().at("id").get<std::string>();
  vault_.expect(0, {"recover", "--discard", second});
  vault_.expect(7, {"recover", "--resume", second});
  EXPECT_EQ(ids(hour), wanted);
}

TEST_F(Proof, WhatADamagedRecoveryLeftIsDroppedByAPersonsWord) {
  const std::filesystem::path recoveries = vault_.folder() / "data/archive/changestreams/_ledger/recoveries";
  const auto cut = [](const std::filesystem::path& file) { std::filesystem::resize_file(file, 50); };
  const auto remove_slots = [](const std::filesystem::path& folder) {
    for (int slot = 0; std::filesystem::remove(folder / fmt::format("{:012}.json", slot)); ++slot) {
    }
  };
  vault_.expect(0, {"sql", "DELETE FROM mongodb_changes WHERE hour(enqueued_time) = 14"});
  for (const std::string what : {"plan cut", "plan gone", "slots gone"}) {
    const json staged = vault_.expect_json(
        0, {"recover", "inventory_db", "products", "2025/01/15", "14", "--stage-only", "--yes"});
    const std::string id = staged.at("id");
    if (what == "plan cut") cut(recoveries / id / "plan.json");
    if (what == "plan gone") std::filesystem::remove(recoveries / id / "plan.json");
    if (what == "slots gone") remove_slots(recoveries / id);
    const auto tables = [&] {
      return vault_.number("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE '%" + id + "%'");
    };
    EXPECT_EQ(tables(), 1) << what;
    const Outcome asked = vault_.expect(2, {"recover", "--discard", id});
    EXPECT_NE(asked.err.find("1 side table"), std::string::npos) << asked.err;
    EXPECT_EQ(tables(), 1) << what;
    EXPECT_EQ(vault_.expect_json(0, {"recover", "--discard", id, "--yes"}).at("inserted"), 0) << what;
    EXPECT_EQ(tables(), 0) << what;
  }
  vault_.expect(5, {"recover", "--discard", "20250116t081500z_00000000", "--yes"});
}

// A person drops the table: it is made anew, and filled anew from the archive.
TEST_F(Proof, ATableThatWasDroppedIsLoadedAnew) {
  const std::set<std::string> all = ids("true");
  vault_.expect(0, {"sql", "DROP TABLE mongodb_changes"});
  vault_.expect(0, {"init"});
  EXPECT_EQ(vault_.expect_json(0, {"load", "--once"}).at("inserted"), kEvents);
  EXPECT_EQ(ids("true"), all);
  vault_.expect(0, {"gaps"});
}

TEST_F(Proof, APlanFileIsAppliedOnlyWhileItFits) {
  vault_.expect(0, {"sql", "DELETE FROM mongodb_changes WHERE hour(enqueued_time) = 9"});
  const std::vector<std::string> make{"recover", "--hours", "9", "--plan", "--save"};
  std::vector<std::string> line = make;
  line.push_back("plan.json");
  vault_.expect(0, line);
  const std::string plan = read_file(vault_.folder() / "plan.json");
  // Somebody edits it: its hash and checksum are wrong.
  std::string edited = plan;
  edited.replace(edited.find("\"rows\":"), 7, "\"rows\":1");
  vault_.expect(4, {"recover", "--yes", "--apply", vault_.write("edited.json", edited)});
  const Outcome cut =
      vault_.expect(4, {"recover", "--yes", "--apply", vault_.write("cut.json", plan.substr(0, 300))});
  EXPECT_NE(cut.err.find("the plan file is damaged"), std::string::npos) << cut.err;
  EXPECT_NE(cut.err.find("--plan=FILE"), std::string::npos) << cut.err;
  // Another archive does not list its segments.
  Vault other;
  other.expect(0, {"init"});
  other.import(other.write("day.jsonl", day_of_events(50)));
  const std::int64_t rows = other.number("SELECT count(*) FROM mongodb_changes");
  other.expect(7, {"recover", "--yes", "--apply", (vault_.folder() / "plan.json").string()});
  EXPECT_EQ(other.number("SELECT count(*) FROM mongodb_changes"), rows);
  // Where it fits it is carried out, once.
  EXPECT_EQ(vault_.expect_json(0, {"recover", "--yes", "--apply", "plan.json"}).at("state"), "done");
  const Outcome twice = vault_.expect(7, {"recover", "--yes", "--apply", "plan.json"});
  EXPECT_NE(twice.err.find("carried out before"), std::string::npos) << twice.err;
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), kEvents);
}

// More would be inserted than somebody agreed to.
TEST_F(Proof, APlanOfAWarehouseThatLostRowsSinceIsRefused) {
  vault_.expect(
      0, {"sql", "DELETE FROM mongodb_changes WHERE hour(enqueued_time) = 9 AND minute(enqueued_time) < 30"});
  const json plan = vault_.expect_json(0, {"recover", "--hours", "9", "--plan=plan.json"});
  EXPECT_GT(plan.at("new").get<int>(), 0);
  std::int64_t fresh = 0;
  for (const json& cell : plan.at("cells")) {
    fresh += cell.at("new").get<std::int64_t>();
    EXPECT_EQ(cell.at("archive").get<int>(), cell.at("warehouse").get<int>() + cell.at("new").get<int>());
  }
  EXPECT_EQ(fresh, plan.at("new").get<std::int64_t>());
  vault_.expect(0, {"sql", "DELETE FROM mongodb_changes WHERE hour(enqueued_time) = 9"});
  const Outcome refused = vault_.expect(7, {"recover", "--yes", "--apply", "plan.json"});
  EXPECT_NE(refused.err.find("changed: "), std::string::npos) << refused.err;
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes WHERE hour(enqueued_time) = 9"), 0);
  vault_.expect(0, {"recover", "--yes", "--hours", "9"});
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), kEvents);
}

// The count of rows stayed; the events that the plan found there did not.
TEST_F(Proof, APlanIsHeldAgainstEventsNotAgainstRows) {
  const std::string half = " WHERE hour(enqueued_time) = 9 AND sequence_number % 2 = ";
  vault_.expect(0, {"sql", "DELETE FROM mongodb_changes" + half + "0"});
  const json plan = vault_.expect_json(0, {"recover", "--hours", "9", "--plan=plan.json"});
  EXPECT_TRUE(plan.at("gaps_left").is_null());
  vault_.expect(0, {"sql", "UPDATE mongodb_changes SET event_id = 'x' || event_id" + half + "1"});
  const std::int64_t rows = vault_.number("SELECT count(*) FROM mongodb_changes");
  const Outcome refused = vault_.expect(7, {"recover", "--yes", "--apply", "plan.json"});
  EXPECT_NE(refused.err.find("changed: "), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find("the plan says " + std::to_string(plan.at("new").get<int>())), std::string::npos)
      << refused.err;
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), rows);
}

// Rows too many are another trouble than events too few: it hides none of them.
TEST_F(Proof, WhatIsMissingBesideStrangersAndDuplicatesComesBack) {
  const std::string hour = " WHERE collection_name = 'products' AND hour(enqueued_time) = ";
  vault_.expect(0, {"sql", "DELETE FROM mongodb_changes" + hour + "9"});
  vault_.expect(
      0, {"sql",
          "INSERT INTO mongodb_changes (event_id, enqueued_time, database_name, collection_name, "
          "operation_type) VALUES ('stranger', '2025-01-15 09:10', 'inventory_db', 'products', 'insert')"});
  vault_.expect(0, {"sql", "DELETE FROM mongodb_changes" + hour + "14 AND sequence_number % 2 = 0"});
  vault_.expect(0,
                {"sql", "INSERT INTO mongodb_changes SELECT * FROM mongodb_changes" + hour + "14 LIMIT 1"});
  const Outcome gaps = vault_.expect(3, {"gaps"});
  EXPECT_NE(gaps.out.find("EXTRA"), std::string::npos) << gaps.out;
  EXPECT_NE(gaps.out.find("DUPLICATE"), std::string::npos) << gaps.out;
  EXPECT_NE(gaps.out.find("changevault recover --gaps"), std::string::npos) << gaps.out;
  vault_.expect(3, {"recover", "--gaps", "--yes"});  // the rows too many are there still
  EXPECT_EQ(vault_.number("SELECT count(DISTINCT event_id) FROM mongodb_changes"), kEvents + 1);
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), kEvents + 2);
  const Outcome again = vault_.expect(3, {"recover", "--gaps", "--yes"});
  EXPECT_NE(again.out.find("nothing is missing that the archive could put back"), std::string::npos)
      << again.out;
}

// Loading, and three recoveries of the same rows, all at once.
TEST(ProofAtOnce, EachEventIsInsertedOnce) {
  Vault vault;
  vault.expect(0, {"init"});
  constexpr std::int64_t kAll = 6000;
  vault.expect(0, {"publish", "--time-from", "cluster_time", vault.write("day.jsonl", day_of_events(kAll))});
  vault.expect(0, {"archive", "--once", "--close"});
  ProcessOptions options = vault.options();
  options.folder = vault.folder();
  std::vector<Process> running;
  running.push_back(Process::start(
      {program_path(), "load", "--once", "--quiet", "--set", "load.batch_bytes=1MiB"}, options));
  for (int i = 0; i < 3; ++i) {
    running.push_back(Process::start({program_path(), "recover", "--date", "2025-01-15", "--yes", "--quiet",
                                      "--set", "load.batch_bytes=" + std::to_string(i + 1) + "MiB"},
                                     options));
  }
  for (Process& process : running) {
    const Outcome outcome = process.wait();
    EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  }
  EXPECT_EQ(vault.number("SELECT count(*) FROM mongodb_changes"), kAll);
  EXPECT_EQ(vault.number("SELECT count(DISTINCT event_id) FROM mongodb_changes"), kAll);
  EXPECT_EQ(vault.number("SELECT sum(rows_inserted) FROM changevault_loads"), kAll);
  vault.expect_json(0, {"gaps"});
}

// Killed with SIGKILL wherever it is, in one of its many parts: a resume ends it, and every event is there
// once.
TEST(ProofAtOnce, AKilledRecoveryIsEndedByItsResume) {
  Vault vault;
  vault.expect(0, {"init"});
  constexpr std::int64_t kAll = 4000;
  vault.import(vault.write("day.jsonl", day_of_events(kAll)));
  const fs::path recoveries = vault.folder() / "data/archive/changestreams/_ledger/recoveries";
  ProcessOptions options = vault.options();
  options.folder = vault.folder();
  // The journal's entries and the merges behind them are what it dies after.
  for (const char* last : {"000000000000.json", "000000000002.json", "000000000003.json"}) {
    vault.expect(0, {"sql", "DELETE FROM mongodb_changes"});
    std::set<fs::path> before;
    if (fs::exists(recoveries)) before.insert(fs::directory_iterator(recoveries), fs::directory_iterator());
    Process process = Process::start(
        {program_path(), "recover", "--date", "2025-01-15", "--yes", "--set", "load.batch_bytes=1MiB"},
        options);
    fs::path own;
    while (own.empty() || !fs::exists(own / last)) {
      if (process.ended_within(milliseconds(1))) break;
      std::error_code not_yet;
      for (const auto& folder : fs::directory_iterator(recoveries, not_yet)) {
        if (!before.contains(folder.path())) own = folder.path();
      }
    }
    process.kill(SIGKILL);
    process.wait();
    ASSERT_FALSE(own.empty());
    const json done = vault.expect_json(0, {"recover", "--resume", own.filename().string()});
    EXPECT_EQ(done.at("state"), "done") << last;
    EXPECT_EQ(done.at("inserted"), kAll) << last;
    const auto counts = vault.rows("SELECT count(*), count(DISTINCT event_id) FROM mongodb_changes");
    EXPECT_EQ(counts.at(0), (std::vector<std::string>{std::to_string(kAll), std::to_string(kAll)})) << last;
    EXPECT_EQ(vault.number("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE '%recovery%'"), 0);
  }
}

// All gaps of many hours: cut into parts of bounded text, each a transaction, and gone on with part by part.
TEST(ProofAtOnce, GapsOfManyHoursComeBackPartByPart) {
  Vault vault;
  vault.expect(0, {"init"});
  constexpr std::int64_t kAll = 6000;
  vault.import(vault.write("day.jsonl", day_of_events(kAll)));
  const fs::path recoveries = vault.folder() / "data/archive/changestreams/_ledger/recoveries";
  vault.expect(0, {"sql", "DELETE FROM mongodb_changes WHERE minute(enqueued_time) % 2 = 0"});
  const std::int64_t before = vault.number("SELECT count(*) FROM mongodb_changes");
  ProcessOptions options = vault.options();
  options.folder = vault.folder();
  const std::vector<std::string> parts{"--set", "load.batch_bytes=1MiB"};
  Process process =
      Process::start({program_path(), "recover", "--gaps", "--yes", parts[0], parts[1]}, options);
  // All is staged and proven: what follows are the merges.
  fs::path own;
  while (own.empty() || !fs::exists(own / "000000000002.json")) {
    if (process.ended_within(milliseconds(1))) break;
    std::error_code not_yet;
    for (const auto& folder : fs::directory_iterator(recoveries, not_yet)) own = folder.path();
  }
  process.ended_within(milliseconds(300));
  process.kill(SIGKILL);
  process.wait();
  const std::int64_t merged =
      vault.number("SELECT count(DISTINCT recovery_id) FROM changevault_loads WHERE kind = 'recovery'");
  const json started = json::parse(std::ifstream(own / "000000000000.json"));
  ASSERT_GE(started.at("chunks").size(), 5U) << "many transactions, each bounded";
  EXPECT_LE(merged, static_cast<std::int64_t>(started.at("chunks").size()));
  const std::int64_t rows = vault.number("SELECT count(*) FROM mongodb_changes");
  EXPECT_EQ(
      rows - before,
      vault.number("SELECT coalesce(sum(rows_inserted), 0) FROM changevault_loads WHERE kind = 'recovery'"))
      << "whole parts, or nothing of them";
  const json done = vault.expect_json(0, {"recover", "--resume", own.filename().string()});
  EXPECT_EQ(done.at("inserted"), kAll - before);
  EXPECT_EQ(done.at("gaps_left"), 0);
  std::printf("  %lld of %zu parts were merged when it was killed\n", static_cast<long long>(merged),
              started.at("chunks").size());
}

// An interrupted recovery says how to go on, and changes nothing.
TEST(ProofAtOnce, AnInterruptedRecoverySaysHowToGoOn) {
  Vault vault;
  vault.expect(0, {"init"});
  vault.import(vault.write("day.jsonl", day_of_events(60'000)));
  vault.expect(0, {"sql", "DELETE FROM mongodb_changes"});
  ProcessOptions options = vault.options();
  options.folder = vault.folder();
  Process process = Process::start({program_path(), "recover", "--date", "2025-01-15", "--yes"}, options);
  // Begun means: its plan is in the archive.
  const fs::path recoveries = vault.folder() / "data/archive/changestreams/_ledger/recoveries";
  while (!fs::exists(recoveries) && !process.ended_within(milliseconds(1))) {
  }
  process.kill(SIGINT);
  const Outcome outcome = process.wait();
  if (outcome.exit_code == 0) GTEST_SKIP() << "it was quicker than the signal";
  EXPECT_EQ(outcome.exit_code, 130) << outcome.err;
  EXPECT_NE(outcome.err.find("hint:"), std::string::npos) << outcome.err;
  vault.expect(0, {"recover", "--date", "2025-01-15", "--yes"});
  EXPECT_EQ(vault.number("SELECT count(*) FROM mongodb_changes"), 60'000);
}

}  // namespace
}  // namespace changevault::testing
