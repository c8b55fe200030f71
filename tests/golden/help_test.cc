// The help texts, word for word: scripts and people rely on them. With CHANGEVAULT_UPDATE_GOLDEN set, the
// files are written anew instead; read the difference before keeping it.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include <gtest/gtest.h>

#include "cli/manual.h"
#include "cli/program.h"
#include "cli/text.h"
#include "cli/verbs.h"

namespace changevault {
namespace {

std::filesystem::path help_folder() {
  return std::filesystem::path(__FILE__).parent_path() / "help";
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void expect_golden(const std::string& name, const std::string& text) {
  const std::filesystem::path path = help_folder() / (name + ".txt");
  if (std::getenv("CHANGEVAULT_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
    return;
  }
  ASSERT_TRUE(std::filesystem::exists(path)) << path;
  EXPECT_EQ(text, read_file(path)) << name;
}

TEST(Help, Program) {
  expect_golden("changevault", program_help());
}

// docs/changevault.1 is what `changevault --man` prints.
TEST(Help, ManualPage) {
  const std::filesystem::path page =
      std::filesystem::path(__FILE__).parent_path().parent_path().parent_path() / "docs" / "changevault.1";
  if (std::getenv("CHANGEVAULT_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(page, std::ios::binary) << manual_page();
    return;
  }
  EXPECT_EQ(manual_page(), read_file(page)) << "write it anew with: changevault --man > docs/changevault.1";
}

TEST(Help, EveryVerb) {
  for (const auto& verb : all_verbs()) expect_golden(verb->name(), verb_help(*verb));
}

TEST(Help, NoFileIsLeftOfAVerbThatIsGone) {
  std::set<std::string> names{"changevault"};
  for (const auto& verb : all_verbs()) names.insert(verb->name());
  for (const auto& file : std::filesystem::directory_iterator(help_folder())) {
    EXPECT_TRUE(names.contains(file.path().stem().string())) << file.path();
  }
}

// Whatever the words are, a help text keeps its shape.
TEST(Help, EveryVerbHasUsageExamplesAndShortLines) {
  for (const auto& verb : all_verbs()) {
    const std::string text = verb_help(*verb);
    EXPECT_NE(text.find("\nusage: changevault " + verb->name()), std::string::npos) << verb->name();
    EXPECT_NE(text.find("\nexamples\n  "), std::string::npos) << verb->name();
    std::size_t from = 0;
    for (std::size_t end = 0; (end = text.find('\n', from)) != std::string::npos; from = end + 1) {
      const std::string line = text.substr(from, end - from);
      EXPECT_LE(display_width(line), 120U) << line;
      EXPECT_FALSE(line.ends_with(' ')) << line;
    }
  }
}

}  // namespace
}  // namespace changevault
