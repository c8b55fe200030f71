#include "cli/completion.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "cli/grammar.h"
#include "cli/manual.h"

namespace changevault {
namespace {

const KnownNames kNames{
    [] { return std::vector<std::string>{"inventory_db", "sales", "evil\x1b[2J", "$(reboot)"}; },
    [](const std::string& database) {
      return database == "sales" ? std::vector<std::string>{"orders", "odd name"}
                                 : std::vector<std::string>{};
    }};

std::vector<std::string> offered(const std::vector<std::string>& words) {
  std::vector<std::string> out;
  for (const Candidate& candidate : complete(words, kNames).words) out.push_back(candidate.word);
  return out;
}

bool offers(const std::vector<std::string>& words, const std::string& word) {
  const std::vector<std::string> all = offered(words);
  return std::find(all.begin(), all.end(), word) != all.end();
}

using Words = std::vector<std::string>;

TEST(Completion, VerbsFromTheRegistry) {
  EXPECT_EQ(offered({"reco"}), Words{"recover"});
  std::size_t verbs = 0;
  for (const VerbWords& verb : all_words()) verbs += offers({""}, verb.name) ? 1 : 0;
  EXPECT_EQ(verbs, all_words().size());
  EXPECT_EQ(offered({"--config", "x.toml", "--quiet", "ver"}), Words{"verify"});
}

TEST(Completion, EveryFlagOfEveryVerb) {
  for (const VerbWords& verb : all_words()) {
    for (const auto* const list : {&verb.flags, &verb.common}) {
      for (const FlagWords& flag : *list)
        EXPECT_TRUE(offers({verb.name, "-"}, flag.names.front())) << verb.name;
    }
  }
  EXPECT_EQ(offered({"get", "--over"}), Words{"--overwrite"});
}

TEST(Completion, ValuesOfFlags) {
  EXPECT_EQ(offered({"du", "--by", ""}), (Words{"database", "collection", "day", "hour"}));
  EXPECT_EQ(offered({"du", "--output", ""}), (Words{"table", "json", "csv"}));
  EXPECT_EQ(offered({"run", "--output", ""}), (Words{"table", "json"}));
  EXPECT_EQ(offered({"ls", "--db", "s"}), Words{"sales"});
  EXPECT_EQ(offered({"ls", "--db", "sales", "--collection", ""}), (Words{"orders", "odd name"}));
  EXPECT_EQ(complete({"ls", "--config", ""}, kNames).kind, Completions::Kind::kFiles);
  EXPECT_EQ(complete({"get", "-d", ""}, kNames).kind, Completions::Kind::kFolders);
  EXPECT_EQ(offered({"ls", "--from", ""}), Words{});  // a time: nothing to offer
}

TEST(Completion, Positions) {
  EXPECT_EQ(offered({"gaps", "inv"}), Words{"inventory_db"});
  EXPECT_EQ(offered({"gaps", "sales", "o"}), (Words{"orders", "odd name"}));
  EXPECT_EQ(offered({"gaps", "--quiet", "sales", "--op", "insert", "or"}), Words{"orders"});
  EXPECT_EQ(offered({"gaps", "sales", "orders", ""}), Words{});
  EXPECT_EQ(offered({"groups", "de"}), (Words{"describe", "delete"}));
  EXPECT_EQ(offered({"completion", ""}), (Words{"bash", "zsh", "fish"}));
  EXPECT_EQ(complete({"publish", ""}, kNames).kind, Completions::Kind::kFiles);
  EXPECT_EQ(offered({"unknown", "x"}), Words{});
}

// A name is offered as it is, for the script to quote; one that steers the terminal is not.
TEST(Completion, HostileNames) {
  EXPECT_EQ(offered({"ls", ""}), (Words{"inventory_db", "sales", "$(reboot)"}));
}

TEST(Completion, LinesForTheScripts) {
  EXPECT_EQ(lines_of(complete({"groups", "li"}, kNames)), "words\nlist\n");
  EXPECT_EQ(lines_of(complete({"publish", ""}, kNames)), "files\n");
  EXPECT_EQ(lines_of(complete({"reco"}, kNames)),
            "words\nrecover\tput a lost slice of the archive back into the warehouse\n");
  for (const std::string& shell : known_shells()) EXPECT_NE(completion_script(shell), "") << shell;
  EXPECT_EQ(completion_script("tcsh"), "");
}

TEST(Manual, EveryVerbAndFlagIsInIt) {
  const std::string page = manual_page();
  for (const VerbWords& verb : all_words()) {
    EXPECT_NE(page.find("\n.SS " + verb.name + "\n"), std::string::npos) << verb.name;
    for (const FlagWords& flag : verb.flags) {
      std::string name;
      for (const char c : flag.names.front()) name += c == '-' ? std::string("\\-") : std::string(1, c);
      EXPECT_NE(page.find("\\fB" + name + "\\fR"), std::string::npos) << verb.name << " " << name;
    }
  }
}

}  // namespace
}  // namespace changevault
