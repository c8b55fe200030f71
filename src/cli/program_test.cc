// The command line as a whole, in process, on memory drivers.
#include "cli/program.h"

#include <algorithm>
#include <fstream>

#include <gtest/gtest.h>

#include "base/manual_clock.h"
#include "cli/verbs.h"
#include "codec/json.h"
#include "hub/memory/memory_hub.h"
#include "store/memory/memory_store.h"
#include "tests/support/temp_dir.h"

namespace changevault {
namespace {

// Hands out one shared part, so that state outlives a command.
struct SharedStore final : ObjectStore {
  explicit SharedStore(ObjectStore& store) : inner(store) {}
  Result<PutOutcome> put_if_absent(const std::string& k, std::string_view b, const PutOptions& o) override {
    return inner.put_if_absent(k, b, o);
  }
  Result<std::string> get(const std::string& k, std::optional<ByteRange> r, const std::string& e) override {
    return inner.get(k, r, e);
  }
  Result<ObjectInfo> head(const std::string& k) override { return inner.head(k); }
  Result<ListPage> list(const std::string& p, std::optional<char> d, const std::string& c,
                        std::size_t n) override {
    return inner.list(p, d, c, n);
  }
  Result<void> remove(const std::string& k) override { return inner.remove(k); }
  Result<std::optional<Timestamp>> clock() override { return inner.clock(); }
  std::string url() const override { return inner.url(); }
  ObjectStore& inner;
};

class FullWriter final : public Writer {
 public:
  explicit FullWriter(ErrorCode code) : code_(code) {}
  Result<void> write(std::string_view) override { return Error(code_, "cannot write the output"); }

 private:
  ErrorCode code_;
};

struct ProgramTest : ::testing::Test {
  ProgramTest() {
    identity.version = "1.2.3";
    drivers.stores["memory"] = [this](const OpenRequest&) -> Result<std::unique_ptr<ObjectStore>> {
      return std::unique_ptr<ObjectStore>(std::make_unique<SharedStore>(store));
    };
  }

  int run(std::vector<std::string> arguments) { return run_with(arguments, out); }

  int run_with(const std::vector<std::string>& arguments, Writer& writer) {
    out.text.clear();
    err.text.clear();
    const Outside outside{
        drivers, clock, system_random(), writer, err, terminal, identity, environment, folder.path(), {}, [] {
          return std::optional<std::string>();
        }};
    return run_program(arguments, outside);
  }

  void configure() { std::ofstream(folder / "changevault.toml") << "[store]\nurl = \"memory:x\"\n"; }

  testing::TempDir folder;
  ManualClock clock{Timestamp{1'736'951'400'000}};
  MemoryStore store;
  Drivers drivers;
  Environment environment;
  Identity identity;
  Terminal terminal;
  StringWriter out;
  StringWriter err;
};

TEST_F(ProgramTest, WithoutWordsItShowsHelpAndSaysUsage) {
  EXPECT_EQ(run({}), 2);
  EXPECT_EQ(out.text, "");
  EXPECT_NE(err.text.find("usage: changevault VERB"), std::string::npos);
}

TEST_F(ProgramTest, HelpInAllItsForms) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--help"}, {"-h"}, {"help"}, {"help", "--quiet"}, {"--quiet", "--help"}}) {
    EXPECT_EQ(run(words), 0);
    EXPECT_EQ(out.text, program_help());
  }
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"ls", "--help"}, {"--help", "ls"}, {"help", "ls"}, {"ls", "-h"}}) {
    EXPECT_EQ(run(words), 0);
    EXPECT_EQ(out.text, verb_help(*make_ls_verb()));
  }
}

TEST_F(ProgramTest, Version) {
  EXPECT_EQ(run({"--version"}), 0);
  EXPECT_EQ(out.text, "changevault 1.2.3\n");
}

TEST_F(ProgramTest, WrongWordsNameTheNearestRightOne) {
  struct Case {
    std::vector<std::string> words;
    const char* message;
    const char* hint;
  };
  const std::vector<Case> cases = {
      {{"archiv"}, "unknown verb: archiv", "did you mean: changevault archive?"},
      {{"xyzzy"}, "unknown verb: xyzzy", "changevault --help"},
      {{"ls", "--colection", "x"}, "unknown flag: --colection", "did you mean --collection?"},
      {{"ls", "--outptu=json"}, "unknown flag: --outptu", "did you mean --output?"},
      {{"load", "now"}, "unexpected word: now", "changevault load --help"},
      {{"ls", "--output", "xml"}, "--output", "changevault ls --help"},
      {{"ls", "--db"}, "--db", "changevault ls --help"},
      {{"archive", "--close"}, "--once", "changevault archive --once --close"},
  };
  configure();
  for (const Case& c : cases) {
    EXPECT_EQ(run(c.words), 2) << c.message;
    EXPECT_NE(err.text.find(c.message), std::string::npos) << err.text;
    EXPECT_NE(err.text.find(c.hint), std::string::npos) << err.text;
    EXPECT_EQ(out.text, "");
  }
}

TEST_F(ProgramTest, CommonFlagsStandBeforeOrAfterTheVerb) {
  std::ofstream(folder / "other.toml") << "[store]\nurl = \"memory:x\"\n";
  const std::vector<std::vector<std::string>> orders = {
      {"--config", "other.toml", "--output", "json", "ls"},
      {"ls", "--config", "other.toml", "--output=json"},
      {"--output=json", "ls", "--config=other.toml"},
      {"--set", "store.root=a", "ls", "--set", "store.root=b", "--config", "other.toml", "--output", "json"}};
  for (const auto& words : orders) {
    EXPECT_EQ(run(words), 5) << err.text;  // nothing is archived
    EXPECT_NE(err.text.find("\"code\": \"indeterminate\""), std::string::npos) << err.text;
  }
}

// A collection may be called like a verb, a database like a list.
TEST_F(ProgramTest, NamesAreNotTakenForVerbsOrLists) {
  configure();
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"ls", "status", "load"}, {"ls", "[ab]", "*"}, {"ls", "--db", "[ab]"}}) {
    EXPECT_EQ(run(words), 5) << err.text;
    EXPECT_EQ(err.text.find("unexpected"), std::string::npos) << err.text;
  }
}

TEST_F(ProgramTest, WithoutConfigurationTheHintIsInit) {
  EXPECT_EQ(run({"ls"}), 2);
  EXPECT_NE(err.text.find("changevault init"), std::string::npos) << err.text;
}

TEST_F(ProgramTest, ErrorsAreJsonWhereJsonIsWanted) {
  EXPECT_EQ(run({"ls", "--output", "json"}), 2);
  const Json document = Json::parse(err.text);
  EXPECT_EQ(document["error"]["code"], "usage");
  EXPECT_NE(document["error"]["hint"], "");
  EXPECT_EQ(run({"lss", "--output", "json"}), 2);
  EXPECT_EQ(Json::parse(err.text)["error"]["object"], "lss");
  EXPECT_EQ(out.text, "");
}

TEST_F(ProgramTest, AnEmptyArchiveIsNeverASuccess) {
  configure();
  for (const char* verb : {"ls", "cat"}) {
    EXPECT_EQ(run({verb}), 5);
    EXPECT_NE(err.text.find("there is no archive yet"), std::string::npos) << err.text;
    EXPECT_EQ(out.text, "");
  }
}

TEST_F(ProgramTest, ArchivesWithoutALedgerAreListed) {
  configure();
  const std::string key = "changestreams/db/c/2025/01/15/14-part-1.jsonl.gz";
  ASSERT_TRUE(store.put_if_absent(key, "x").has_value());
  EXPECT_EQ(run({"ls", "db", "c", "2025/01/15", "14", "--output", "json"}), 0) << err.text;
  const Json document = Json::parse(out.text);
  ASSERT_EQ(document["segments"].size(), 1U);
  EXPECT_EQ(document["segments"][0]["key"], key);
  EXPECT_EQ(document["segments"][0]["hour"], "2025-01-15T14:00:00Z");
  EXPECT_TRUE(document["segments"][0]["records"].is_null());
  EXPECT_EQ(run({"ls", "db", "c", "2025/01/15", "15"}), 5);
}

TEST_F(ProgramTest, AnUnknownDriverIsNamedWithTheKnownOnes) {
  std::ofstream(folder / "changevault.toml") << "[store]\nurl = \"azur:x\"\n";
  EXPECT_EQ(run({"ls"}), 2);
  EXPECT_NE(err.text.find("known are: memory:"), std::string::npos) << err.text;
}

TEST_F(ProgramTest, TheArchivesGroupIsNotForConsumers) {
  configure();
  EXPECT_EQ(run({"consume", "--group", "snowflake-pipeline"}), 2);
  EXPECT_NE(err.text.find("belongs to the archive"), std::string::npos) << err.text;
}

TEST_F(ProgramTest, ConsumePrintsEventsAsTheyCame) {
  std::ofstream(folder / "changevault.toml") << "[hub]\nurl = \"memory:x\"\n";
  drivers.hubs["memory"] = [](const OpenRequest& request) -> Result<std::unique_ptr<Hub>> {
    auto hub = std::make_unique<MemoryHub>(2, request.clock);
    hub->append(PartitionId(0), "{\"a\": 1}", request.clock.now());
    hub->append(PartitionId(0), "not json", request.clock.now());
    hub->append(PartitionId(1), "", request.clock.now());
    return std::unique_ptr<Hub>(std::move(hub));
  };
  const auto lines = [&] { return std::count(out.text.begin(), out.text.end(), '\n'); };
  EXPECT_EQ(run({"consume"}), 0) << err.text;
  EXPECT_EQ(lines(), 3);
  EXPECT_NE(out.text.find("{\"a\": 1}\nnot json\n"), std::string::npos) << out.text;
  EXPECT_EQ(run({"consume", "--from", "1"}), 0) << err.text;
  EXPECT_EQ(out.text, "not json\n");
  EXPECT_EQ(run({"consume", "--from", "end"}), 0) << err.text;
  EXPECT_EQ(out.text, "");
  EXPECT_EQ(run({"consume", "--max", "1"}), 0) << err.text;
  EXPECT_EQ(lines(), 1);
  EXPECT_EQ(run({"consume", "--max", "0"}), 0) << err.text;
  EXPECT_EQ(out.text, "");
  EXPECT_EQ(run({"consume", "--from", "yesterday"}), 2);
}

TEST_F(ProgramTest, AReaderThatWentAwayIsNoErrorAFullDiskIs) {
  FullWriter gone(ErrorCode::kCancelled);
  EXPECT_EQ(run_with({"--help"}, gone), 0);
  EXPECT_EQ(err.text, "");
  FullWriter full(ErrorCode::kUnreachable);
  EXPECT_EQ(run_with({"--help"}, full), 6);
  EXPECT_NE(err.text, "");
}

TEST_F(ProgramTest, ColoursOnTerminalsOnly) {
  EXPECT_EQ(run({"nothing"}), 2);
  EXPECT_EQ(err.text.find('\x1b'), std::string::npos);
  terminal.err = terminal.color = true;
  EXPECT_EQ(run({"nothing"}), 2);
  EXPECT_NE(err.text.find("\x1b[31mchangevault:"), std::string::npos);
}

}  // namespace
}  // namespace changevault
