// The real program on a terminal: progress, Ctrl-C, the picture of gaps at 80 cells.
#include <algorithm>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/e2e/vault.h"
#include "tests/support/terminal_process.h"

namespace changevault::testing {
namespace {

class TerminalTest : public ::testing::Test {
 protected:
  void SetUp() override { vault_.expect(0, {"init", "--set", "hub.partitions=2"}); }

  TerminalProcess start(std::vector<std::string> arguments,
                        const std::map<std::string, std::string>& environment = {}) {
    arguments.insert(arguments.begin(), program_path());
    ProcessOptions options;
    options.folder = vault_.folder();
    options.environment = environment;
    return TerminalProcess::start(arguments, options);
  }

  // Many small segments, so that whatever takes them one by one takes its time.
  static constexpr std::int64_t kEvents = 1500;
  void import_many() {
    vault_.expect(0, {"publish", "--time-from", "cluster_time", vault_.write_shop_events(kEvents, 5)});
    vault_.expect(0, {"archive", "--once", "--close", "--set", "archive.segment_bytes=1KiB"});
  }

  // Begins it, waits for its progress, presses Ctrl-C; what it said then.
  std::string interrupt(const std::vector<std::string>& arguments, const std::string& progress) {
    TerminalProcess process = start(arguments);
    EXPECT_TRUE(process.shows(progress)) << arguments.front() << " ended before it showed any progress";
    process.type(kCtrlC);
    const Outcome outcome = process.wait();
    EXPECT_EQ(outcome.exit_code, 130) << arguments.front() << ": " << outcome.out;
    EXPECT_NE(outcome.out.find("hint: "), std::string::npos) << outcome.out;
    return outcome.out;
  }

  Vault vault_;
};

TEST_F(TerminalTest, CtrlCInLoadStopsCleanlyAndSaysHowToGoOn) {
  import_many();
  const std::string said = interrupt({"load", "--once", "--set", "load.batch_bytes=1"}, " of ");
  EXPECT_NE(said.find("run the same command again"), std::string::npos) << said;
  const std::int64_t before = vault_.number("SELECT count(*) FROM mongodb_changes");
  EXPECT_GT(before, 0);
  EXPECT_LT(before, kEvents);
  vault_.expect(0, {"load", "--once"});
  vault_.expect(0, {"gaps"});
}

TEST_F(TerminalTest, CtrlCInRecoverBeforeTheMergeChangesNothing) {
  import_many();
  const std::string said =
      interrupt({"recover", "--date", "2025-01-15", "--yes", "--set", "load.batch_bytes=1"}, "stage: ");
  EXPECT_NE(said.find("nothing was merged"), std::string::npos) << said;
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), 0);
}

// The same command could not begin it anew.
TEST_F(TerminalTest, CtrlCInAnAppliedPlanLeavesItToBeResumed) {
  import_many();
  vault_.expect(0, {"recover", "--date", "2025-01-15", "--plan=plan.json"});
  std::string said =
      interrupt({"recover", "--apply", "plan.json", "--yes", "--set", "load.batch_bytes=1"}, "stage: ");
  EXPECT_NE(said.find("nothing was merged"), std::string::npos) << said;
  const auto id = [&] {
    const std::size_t at = said.find("--resume ") + 9;
    return said.substr(at, said.find_first_of(" \r\n;", at) - at);
  };
  EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), 0);
  vault_.expect(7, {"recover", "--apply", "plan.json", "--yes"});
  said = interrupt({"recover", "--resume", id()}, "stage: ");
  vault_.expect(0, {"recover", "--resume", id()});
  vault_.expect(0, {"gaps"});
}

TEST_F(TerminalTest, CtrlCInRecoverNamesTheRecoveryToResume) {
  import_many();
  const std::string said = interrupt(
      {"recover", "--date", "2025-01-15", "--yes", "--set", "load.batch_bytes=128KiB"}, "merge: part ");
  const std::size_t at = said.find("--resume ");
  ASSERT_NE(at, std::string::npos) << said;
  const std::string id = said.substr(at + 9, said.find_first_of(" \r\n;", at + 9) - at - 9);
  vault_.expect(0, {"recover", "--resume", id});
  vault_.expect(0, {"gaps"});
}

TEST_F(TerminalTest, CtrlCInGetAndCopyBringsTheRestTheNextTime) {
  import_many();
  const std::string said = interrupt({"get", "-d", "restored"}, "written");
  EXPECT_NE(said.find("what is there already is skipped"), std::string::npos) << said;
  const json rest = vault_.expect_json(0, {"get", "-d", "restored"});
  EXPECT_GT(rest["total"]["already_there"], 0);
  EXPECT_GT(rest["total"]["written"], 0);
}

TEST_F(TerminalTest, CtrlCInPublishSaysFromWhereToGoOn) {
  TerminalProcess process = start({"publish", "-"});
  ASSERT_TRUE(process.shows("publishing"));
  process.type("{\"operationType\":\"insert\"}\n");
  process.type(kCtrlC);
  const Outcome outcome = process.wait();
  EXPECT_EQ(outcome.exit_code, 130) << outcome.out;
  EXPECT_NE(outcome.out.find("events were sent before"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("in the warehouse once"), std::string::npos) << outcome.out;
}

TEST_F(TerminalTest, CtrlCEndsADaemonWell) {
  TerminalProcess process = start({"archive"});
  EXPECT_TRUE(process.shows("stop with Ctrl-C"));
  process.type(kCtrlC);
  EXPECT_EQ(process.wait().exit_code, 0);
}

// Read without colour, and within 80 cells.
TEST_F(TerminalTest, GapsAreReadWithoutColor) {
  vault_.import(vault_.write_shop_events(400, 7));
  vault_.expect(0, {"sql", "DELETE FROM mongodb_changes WHERE collection_name = 'orders'"});
  const Outcome plain = start({"gaps"}, {{"NO_COLOR", "1"}}).wait();
  EXPECT_EQ(plain.exit_code, 3);
  const std::string report = plain.out.substr(plain.out.find("collection "));  // behind the progress line
  EXPECT_EQ(report.find('\x1b'), std::string::npos) << report;
  EXPECT_NE(report.find('M'), std::string::npos);
  std::istringstream lines(report.substr(0, report.find("collections from")));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
  const Outcome painted = start({"gaps"}).wait();
  EXPECT_NE(painted.out.find("\x1b[31m"), std::string::npos);
}

TEST_F(TerminalTest, QuietShowsNoProgress) {
  import_many();
  const Outcome outcome = start({"load", "--once", "--quiet", "--set", "load.batch_bytes=64KiB"}).wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out;
  EXPECT_EQ(outcome.out.find("\x1b[K"), std::string::npos) << outcome.out;
}

}  // namespace
}  // namespace changevault::testing
