// The completion scripts in the shells that they are for. A shell that is not installed is skipped, and said.
#include <gtest/gtest.h>

#include "tests/e2e/vault.h"

namespace changevault::testing {
namespace {

namespace fs = std::filesystem;

class ShellCompletion : public ::testing::Test {
 protected:
  void SetUp() override {
    vault_.expect(0, {"init", "--set", "hub.partitions=1"});
    std::string lines;
    int n = 0;
    for (const char* collection : {"orders", "odd name", "$(touch pwned)", "`touch pwned`", "it's"}) {
      lines += json({{"operationType", "insert"},
                     {"clusterTime", {{"$timestamp", {{"t", 1736899200 + n++}, {"i", 1}}}}},
                     {"ns", {{"db", "sales"}, {"coll", collection}}},
                     {"documentKey", {{"_id", n}}}})
                   .dump() +
               "\n";
    }
    vault_.import(vault_.write("events.jsonl", lines));
  }

  bool installed(const std::string& shell) {
    try {
      return testing::run({shell, "-c", "exit 0"}).exit_code == 0;
    } catch (const std::runtime_error&) {
      return false;
    }
  }

  // What a shell's program prints; the archive's folder is where it runs.
  std::string run(const std::vector<std::string>& argv) {
    ProcessOptions options;
    options.folder = vault_.folder();
    options.environment["PATH"] =
        fs::path(program_path()).parent_path().string() + ":/usr/local/bin:/usr/bin:/bin";
    const Outcome outcome = testing::run(argv, options);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
    EXPECT_EQ(outcome.err, "");
    EXPECT_FALSE(fs::exists(vault_.folder() / "pwned"));
    return outcome.out;
  }

  // As bash calls the function behind Tab: the words, the last one at the cursor.
  std::string bash(const std::string& words) {
    return run(
        {"bash", "--norc", "-c",
         "source <(changevault completion bash); COMP_WORDS=(" + words +
             "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _changevault; printf '%s\\n' \"${COMPREPLY[@]}\""});
  }

  // As fish says what Tab would offer.
  std::string fish(const std::string& line) {
    return run(
        {"fish", "--no-config", "-c", "changevault completion fish | source; complete -C '" + line + "'"});
  }

  Vault vault_;
};

TEST_F(ShellCompletion, Bash) {
  if (!installed("bash")) GTEST_SKIP() << "bash is not installed";
  EXPECT_EQ(bash("changevault reco"), "recover\n");
  EXPECT_EQ(bash("changevault ls --coll"), "--collection\n");
  EXPECT_EQ(bash("changevault du --by h"), "hour\n");
  EXPECT_EQ(bash("changevault du --output = js"), "json\n");
  EXPECT_EQ(bash("changevault gaps sal"), "sales\n");
  EXPECT_EQ(bash("changevault gaps sales o"), "odd\\ name\norders\n");
  EXPECT_EQ(bash("changevault gaps sales '$'"), "\\$\\(touch\\ pwned\\)\n");
  EXPECT_EQ(bash("changevault gaps sales ''"),
            "\\$\\(touch\\ pwned\\)\n\\`touch\\ pwned\\`\nit\\'s\nodd\\ name\norders\n");
}

TEST_F(ShellCompletion, Fish) {
  if (!installed("fish")) GTEST_SKIP() << "fish is not installed";
  EXPECT_NE(fish("changevault reco").find("recover\tput a lost slice"), std::string::npos);
  EXPECT_NE(fish("changevault gaps sales or").find("orders"), std::string::npos);
  EXPECT_NE(fish("changevault gaps sales ").find("$(touch pwned)"), std::string::npos);
}

// Through zle on a terminal of its own, which zsh's own module gives.
TEST_F(ShellCompletion, Zsh) {
  if (!installed("zsh")) GTEST_SKIP() << "zsh is not installed";
  vault_.write("press_tab.zsh", R"(
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PS1=; autoload -U compinit && compinit -u -D && source <(changevault completion zsh); print re''ady"
zpty -r z seen '*ready*'
zpty -n -w z "$1"$'\t'
zpty -n -w z $'\x01print -r -- "<<" \x05 ">>"\n'
while zpty -r z line; do
  print -r -- "$line"
  [[ $line == *'<< '* && $line != *print* ]] && break
done
zpty -d z
)");
  EXPECT_NE(run({"zsh", "-f", "press_tab.zsh", "changevault reco"}).find("<< changevault recover"),
            std::string::npos);
  EXPECT_NE(run({"zsh", "-f", "press_tab.zsh", "changevault gaps sales od"})
                .find("<< changevault gaps sales odd name"),
            std::string::npos);
}

}  // namespace
}  // namespace changevault::testing
