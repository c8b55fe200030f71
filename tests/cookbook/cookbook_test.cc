// Every page of docs/cookbook and the runbook: its commands are run by the real program on the embedded
// parts, and what they print must be what the page says, but for times, ids and sizes of compressed files.
// With CHANGEVAULT_UPDATE_GOLDEN set, the pages are written anew instead; read the difference before keeping
// it.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>

#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include "tests/cookbook/masked.h"
#include "tests/cookbook/page.h"
#include "tests/support/generator.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace changevault::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kEvents = 6000;
constexpr Timestamp kFirstDay{1'736'899'200'000};  // 2025-01-15T00:00:00Z
const fs::path kDocs = CHANGEVAULT_DOCS;

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) out.push_back(line);
  return out;
}

std::vector<std::string> page_names() {
  std::vector<std::string> names{"runbook"};
  for (const auto& entry : fs::directory_iterator(kDocs / "cookbook"))
    names.push_back("cookbook/" + entry.path().stem().string());
  std::ranges::sort(names);
  return names;
}

// Three days of a shop, from 2025-01-15 on; inventory_db.warehouses is quiet in the third hour.
void write_shop(const fs::path& path) {
  const Hour quiet = hour_of(kFirstDay + hours(3));
  GeneratorOptions options;
  options.first = kFirstDay;
  options.last = kFirstDay + hours(72);
  options.events = kEvents;
  options.collections = {{{"inventory_db", "products"}, 10, {}},
                         {{"inventory_db", "warehouses"}, 3, {quiet}},
                         {{"sales", "customers"}, 4, {}},
                         {{"sales", "orders"}, 8, {}}};
  std::ofstream out(path, std::ios::binary);
  generate_events(options, [&](const GeneratedEvent& event) { out << event.line << '\n'; });
}

class Cookbook : public ::testing::TestWithParam<std::string> {
 protected:
  // The vault that pages begin with is made once and copied for each.
  static void SetUpTestSuite() {
    shop_ = std::make_unique<TempDir>();
    write_shop(shop_->path() / "shop.jsonl");
    for (const char* command : {"changevault init --set hub.partitions=2",
                                "changevault publish --time-from cluster_time shop.jsonl",
                                "changevault archive --once --close", "changevault load --once"}) {
      const Outcome done = shell(command, shop_->path());
      if (done.exit_code != 0) throw std::runtime_error(command + ("\n" + done.out));
    }
  }
  static void TearDownTestSuite() { shop_.reset(); }

  void SetUp() override {
    path_ = kDocs / (GetParam() + ".md");
    page_ = parse_page(read(path_));
    fs::create_directory(vault());
    if (page_.empty) {
      fs::copy(shop_->path() / "shop.jsonl", vault());
    } else {
      fs::copy(shop_->path(), vault(), fs::copy_options::recursive);
    }
  }

  // Named as in the pages: the program shows paths.
  fs::path vault() const { return folder_.path() / "vault"; }

  static Outcome shell(const std::string& command, const fs::path& folder) {
    ProcessOptions options;
    options.folder = folder;
    const char* const path = std::getenv("PATH");
    options.environment = {
        {"PATH", fs::path(program_path()).parent_path().string() + ":" + (path ? path : "")},
        {"NO_COLOR", "1"},
        {"TZ", "UTC"},
        {"XDG_STATE_HOME", folder.string() + "/.state"}};
    return run({"bash", "-c", "exec 2>&1\nset -o pipefail\n" + command}, options);
  }

  // The output as a reader would have it: their folder, their name.
  std::vector<std::string> told(const Outcome& outcome) const {
    std::string text = outcome.out;
    const auto replace_all = [&text](const std::string& from, const std::string& to) {
      for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
    };
    char host[256] = {};
    ::gethostname(host, sizeof host - 1);
    const passwd* const user = ::getpwuid(::geteuid());
    replace_all(fs::canonical(folder_.path()).string(), "…");
    replace_all(folder_.path().string(), "…");
    const std::string name = user ? user->pw_name : "";
    replace_all(name + "@" + host, "ada@ops");
    replace_all(std::string(host) + ":", "ops:");
    replace_all("\"" + name + "\"", "\"ada\"");
    replace_all("\"" + std::string(host) + "\"", "\"ops\"");
    std::vector<std::string> lines = lines_of(text);
    for (std::string& line : lines) line.erase(line.find_last_not_of(' ') + 1);
    if (outcome.exit_code != 0) lines.push_back("exit code " + std::to_string(outcome.exit_code));
    return lines;
  }

  TempDir folder_;
  fs::path path_;
  Page page_;

 private:
  static std::unique_ptr<TempDir> shop_;
};

std::unique_ptr<TempDir> Cookbook::shop_;

std::string all_masked(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += masked(line) + "\n";
  return out;
}

TEST_P(Cookbook, SaysWhatHappens) {
  const bool update = std::getenv("CHANGEVAULT_UPDATE_GOLDEN") != nullptr;
  std::size_t steps = 0;
  for (PagePart& part : page_.parts) {
    if (!part.before.empty()) {
      const Outcome done = shell("set -e\n" + part.before, vault());
      ASSERT_EQ(done.exit_code, 0) << part.before << done.out;
    }
    for (PageStep& step : part.steps) {
      const std::vector<std::string> lines = told(shell(step.command, vault()));
      ++steps;
      if (!update) {
        EXPECT_EQ(all_masked(lines), all_masked(step.output)) << "of: " << step.command;
      } else if (all_masked(lines) != all_masked(step.output)) {
        step.output = lines;
      }
    }
  }
  EXPECT_GT(steps, 0U) << "nothing was run";
  if (update) std::ofstream(path_, std::ios::binary) << to_text(page_);
}

INSTANTIATE_TEST_SUITE_P(Pages, Cookbook, ::testing::ValuesIn(page_names()), [](const auto& page) {
  std::string name = page.param;
  std::ranges::replace_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
});

TEST(CookbookPages, AreAllInTheirList) {
  const std::string list = read(kDocs / "cookbook" / "README.md");
  for (const std::string& name : page_names()) {
    if (!name.starts_with("cookbook/") || name == "cookbook/README") continue;
    EXPECT_NE(list.find("(" + name.substr(9) + ".md)"), std::string::npos) << name << " is not listed";
  }
}

}  // namespace
}  // namespace changevault::testing
