// Databases and collections whose names would steer a terminal, leave a folder, end a statement or start a
// program, where somebody forgot to quote them: through the real program, on a terminal and without one.
#include <set>

#include <gtest/gtest.h>

#include "tests/e2e/vault.h"
#include "tests/support/terminal_process.h"

namespace changevault::testing {
namespace {

namespace fs = std::filesystem;

const std::vector<std::pair<std::string, std::string>>& hostile_names() {
  static const std::vector<std::pair<std::string, std::string>> kNames = {
      {"shop", "clear\x1b[2J\x1b]0;pwned\x07"},
      {"shop", "two\nlines\r\tand a tab"},
      {"shop", "'; drop table mongodb_changes; --"},
      {"shop", "\" or 1=1; --"},
      {"shop", "$(touch pwned)`touch pwned`;touch pwned|touch pwned"},
      {"shop", "=cmd|' /C calc'!A0"},
      {"shop", "turned\u202Egnp.exe"},
      {"shop", "hidden\u200Bblank"},
      {"shop", "c1\u009B2J"},
      {"shop", std::string("nul\0byte", 8)},
      {"shop", "back\\slash\\..\\..\\x"},
      {"shop", "glob*[a-z]?"},
      {"shop", "--yes"},
      {"shop", "2025-01-15"},
      {"shop", "<script>alert(1)</script>"},
      {"..", "../../../../tmp/pwned"},
      {"/etc", "/passwd"},
      {".", "."},
      {"_ledger", "p000"},
      {"evil\x1b[31m\u202E", std::string(3000, 'l')},
  };
  return kNames;
}

// What steers a terminal, without what this program writes itself.
std::string steering_of(std::string screen) {
  for (const char* own :
       {"\x1b[K", "\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[34m"}) {
    for (std::size_t at = 0; (at = screen.find(own, at)) != std::string::npos;)
      screen.erase(at, std::string_view(own).size());
  }
  std::string found;
  for (const char c : screen) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\r' && c != '\t') || byte == 0x7F)
      found += std::to_string(byte) + " ";
  }
  for (const char* wrong : {"\u202E", "\u200B", "\u009B"}) {
    if (screen.find(wrong) != std::string::npos) found += "a hidden or turning character ";
  }
  return found;
}

class HostileNames : public ::testing::Test {
 protected:
  static constexpr int kEvents = 3;  // of each collection

  void SetUp() override {
    vault_.expect(0, {"init", "--set", "hub.partitions=1"});
    std::string lines;
    int n = 0;
    for (const auto& [database, collection] : hostile_names()) {
      for (int i = 0; i < kEvents; ++i, ++n) {
        const json event = {{"_id", {{"_data", "82" + std::to_string(100000 + n)}}},
                            {"operationType", "insert"},
                            {"clusterTime", {{"$timestamp", {{"t", 1736899200 + n}, {"i", 1}}}}},
                            {"ns", {{"db", database}, {"coll", collection}}},
                            {"documentKey", {{"_id", collection}}},
                            {"fullDocument", {{"_id", collection}, {"text", "\x1b[2J\x07\u202E"}}}};
        lines += event.dump() + "\n";
      }
    }
    // Not even UTF-8, and no event either.
    lines += "{\"operationType\":\"insert\",\"ns\":{\"db\":\"bad\xFF\x1b[2J\",\"coll\":\"\x9B\"}}\n";
    vault_.import(vault_.write("hostile.jsonl", lines));
  }

  std::string on_screen(std::vector<std::string> arguments, const std::string& keys = "") {
    arguments.insert(arguments.begin(), program_path());
    ProcessOptions options;
    options.folder = vault_.folder();
    TerminalProcess process = TerminalProcess::start(arguments, options);
    if (!keys.empty()) {
      EXPECT_TRUE(process.shows("[y/N]"));
      process.type(keys);
    }
    return process.wait().out;
  }

  void delete_rows() { vault_.expect(0, {"sql", "DELETE FROM mongodb_changes"}); }

  std::int64_t rows() { return vault_.number("SELECT count(*) FROM mongodb_changes"); }

  std::set<std::string> files() {
    std::set<std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator(vault_.folder()))
      out.insert(entry.path().lexically_relative(vault_.folder()).string());
    return out;
  }

  static std::int64_t all() { return static_cast<std::int64_t>(hostile_names().size()) * kEvents; }

  Vault vault_;
};

TEST_F(HostileNames, NothingSteersTheTerminal) {
  ASSERT_EQ(rows(), all());
  delete_rows();
  const std::vector<std::vector<std::string>> commands = {
      {"ls"},
      {"ls", "--dead-letters"},
      {"ls", "--output", "json"},
      {"ls", "--output", "csv"},
      {"du", "--by", "hour"},
      {"du", "--output", "json"},
      {"status"},
      {"gaps"},
      {"gaps", "--output", "json"},
      {"gaps", "--output", "csv"},
      {"cat"},
      {"cat", "--pretty"},
      {"cat", "--fields", "collection_name,full_document.text"},
      {"consume", "--group", "looker", "--from", "start"},
      {"verify"},
      {"get", "-d", "brought"},
      {"get", "-d", "brought", "--output", "csv"},
      {"recover", "--gaps", "--plan"},
      {"recover", "shop", "*", "--plan"},
      {"ls", "no\x1b[2Jsuch", "\u202Ecollection"},
      {"audit", "--event", "\x1b[2J"},
      {"consume", "--group", "\x1b[2J", "--from", "end"},
      {"groups", "describe", "\x1b[2J"},
      {"\x1b[2J"},
      {"ls", "--\x1b[2J"},
      {"sql", "select '\x1b[2J'"},
      {"export", "-o", "\x1b[2J.jsonl"},
  };
  for (const auto& command : commands) {
    const std::string screen = on_screen(command);
    EXPECT_EQ(steering_of(screen), "") << command[0] << " " << command.back() << "\n"
                                       << screen.substr(0, 3000);
  }
  const std::string asked = on_screen({"recover", "--gaps"}, "y\n");
  EXPECT_EQ(steering_of(asked), "") << asked;
  EXPECT_EQ(rows(), all());
  EXPECT_EQ(steering_of(on_screen({"sql", "select collection_name, full_document from mongodb_changes"})),
            "");
}

// Lines of stderr are for people, wherever they go; results in a pipe keep every byte of the data.
TEST_F(HostileNames, WithoutATerminalDataStaysWhatItIs) {
  const Outcome unknown = vault_.expect(5, {"ls", "no\x1b[2Jsuch\nhint: rm -rf"});
  EXPECT_EQ(steering_of(unknown.err), "") << unknown.err;
  EXPECT_EQ(unknown.err.find("\nhint: rm"), std::string::npos) << unknown.err;
  EXPECT_EQ(steering_of(vault_.expect(0, {"ls"}).out), "");
  EXPECT_EQ(steering_of(vault_.expect(0, {"gaps"}).out), "");
  const Outcome lines = vault_.expect(0, {"cat", "--db", "shop"});
  EXPECT_NE(lines.out.find("turned\u202Egnp.exe"), std::string::npos);
}

TEST_F(HostileNames, JsonIsValidAndNamesAreWhole) {
  std::set<std::pair<std::string, std::string>> expected(hostile_names().begin(), hostile_names().end());
  const json listed = vault_.expect_json(0, {"ls"});
  std::set<std::pair<std::string, std::string>> found;
  for (const json& segment : listed["segments"]) found.emplace(segment["database"], segment["collection"]);
  EXPECT_EQ(found, expected);
  found.clear();
  const json compared = vault_.expect_json(0, {"gaps"});
  for (const json& cell : compared["cells"]) found.emplace(cell["database"], cell["collection"]);
  EXPECT_EQ(found, expected);
  vault_.expect_json(0, {"du", "--by", "hour"});
  vault_.expect_json(0, {"status"});
  vault_.expect_json(0, {"verify"});
}

TEST_F(HostileNames, EachIsFoundAndRecoveredByItsName) {
  delete_rows();
  std::int64_t there = 0;
  for (const auto& [database, collection] : hostile_names()) {
    const bool has_nul = collection.find('\0') != std::string::npos;  // no argument can hold one
    if (has_nul || collection.find_first_of("*?[\\") != std::string::npos) continue;
    const std::vector<std::string> scope{"--db=" + database, "--collection=" + collection};
    vault_.expect(3, {"gaps", scope[0], scope[1]});
    vault_.expect(0, {"recover", scope[0], scope[1], "--yes"});
    there += kEvents;
    EXPECT_EQ(rows(), there) << collection.substr(0, 100);
    vault_.expect(0, {"gaps", scope[0], scope[1]});
  }
  EXPECT_GT(there, all() / 2);
}

TEST_F(HostileNames, GetWritesBelowItsFolderAlone) {
  const std::set<std::string> before = files();
  const json brought = vault_.expect_json(0, {"get", "-d", "brought/here"});
  EXPECT_EQ(brought["total"]["records"], all());
  for (const std::string& file : files()) {
    if (before.contains(file) || file == "brought") continue;
    EXPECT_TRUE(file.starts_with("brought/here") || file.starts_with("data/")) << file;
  }
  EXPECT_FALSE(fs::exists("/tmp/pwned"));
  for (const auto& entry : fs::recursive_directory_iterator(vault_.folder() / "brought"))
    EXPECT_FALSE(fs::is_symlink(entry.path())) << entry.path();
}

// What it tells a person to type next does what it says, in a shell, and nothing else.
TEST_F(HostileNames, SuggestedCommandsAreQuotedForAShell) {
  const auto ids = vault_.rows(
      "SELECT min(event_id), collection_name FROM mongodb_changes WHERE database_name = "
      "'shop' GROUP BY ALL ORDER BY ALL");
  delete_rows();
  std::int64_t there = 0;
  for (const auto& row : ids) {
    if (row[1].find('\0') != std::string::npos || row[1].find("\\u0000") != std::string::npos ||
        row[1].find_first_of("*?[\\") != std::string::npos)
      continue;
    const std::string said = vault_.expect(0, {"audit", "--event", row[0]}).out;
    const std::size_t at = said.find("changevault recover");
    ASSERT_NE(at, std::string::npos) << said;
    const std::string command = said.substr(at, said.find('\n', at) - at);
    const fs::path bin = fs::path(program_path()).parent_path();
    ProcessOptions options;
    options.folder = vault_.folder();
    const Outcome outcome =
        testing::run({"bash", "-c", "PATH=" + bin.string() + ":$PATH; " + command + " --yes"}, options);
    EXPECT_EQ(outcome.exit_code, 0) << command << "\n" << outcome.out << outcome.err;
    there += kEvents;
    EXPECT_EQ(rows(), there) << command;
  }
  EXPECT_GT(there, all() / 3);
  EXPECT_FALSE(fs::exists(vault_.folder() / "pwned"));
}

}  // namespace
}  // namespace changevault::testing
