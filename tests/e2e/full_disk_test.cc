// A disk without room, or one that has become read-only: small file systems of the tests' own. What was
// acknowledged stays, the message says what to do, and with room again the same command goes on.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <random>
#include <string>

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>

#include "tests/e2e/vault.h"

namespace changevault::testing {
namespace {

namespace fs = std::filesystem;

constexpr int kEvents = 3'000;

// A file system in memory that is as small as wanted.
class SmallDisk {
 public:
  SmallDisk(fs::path folder, int kib) : folder_(std::move(folder)) {
    fs::create_directories(folder_);
    if (::mount("changevault-test", folder_.c_str(), "tmpfs", 0, size(kib).c_str()) != 0) problem_ = errno;
  }
  ~SmallDisk() {
    if (mounted()) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool mounted() const { return problem_ == 0; }
  std::string problem() const { return std::strerror(problem_); }
  void resize(int kib) const { remount(0, size(kib)); }
  void make_read_only(bool read_only) const { remount(read_only ? MS_RDONLY : 0, ""); }

 private:
  static std::string size(int kib) { return fmt::format("size={}k", kib); }
  void remount(unsigned long flags, const std::string& data) const {
    EXPECT_EQ(
        ::mount("none", folder_.c_str(), "tmpfs", MS_REMOUNT | flags, data.empty() ? nullptr : data.c_str()),
        0)
        << std::strerror(errno);
  }

  fs::path folder_;
  int problem_ = 0;
};

// Some 9 MB that cannot be compressed well.
std::string events() {
  std::mt19937_64 random(7);
  std::string lines;
  for (int n = 0; n < kEvents; ++n) {
    std::string text;
    while (text.size() < 2'500) text += fmt::format("{:016x}", random());
    lines += fmt::format(
        R"({{"_id":{{"_data":"82670000{}"}},"operationType":"insert","clusterTime":{{"$timestamp":{{"t":{},"i":{}}}}},)"
        R"("ns":{{"db":"shop","coll":"orders"}},"documentKey":{{"_id":{}}},"fullDocument":{{"_id":{},"text":"{}"}}}})"
        "\n",
        100'000 + n, 1'736'942'400 + n, n, n, n, text);
  }
  return lines;
}

class FullDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    disk_.emplace(vault_.folder() / "small", 2'048);
    if (!disk_->mounted())
      GTEST_SKIP() << "no small file system can be mounted here (" << disk_->problem()
                   << "), rights are missing";
  }
  void init(const std::string& setting) {
    vault_.expect(0, {"init", "--set", "hub.partitions=1", "--set", setting});
    file_ = vault_.write("events.jsonl", events());
  }
  void publish() { vault_.expect(0, {"publish", "--time-from", "cluster_time", file_}); }
  void expect_no_room(const Outcome& outcome) {
    EXPECT_TRUE(outcome.err.find("No space left") != std::string::npos ||
                outcome.err.find("is full") != std::string::npos)
        << outcome.err;
    EXPECT_TRUE(outcome.err.find("hint: ") != std::string::npos) << outcome.err;
    EXPECT_LT(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 6) << outcome.err;
  }
  void expect_all_loaded() {
    EXPECT_EQ(vault_.number("SELECT count(*) FROM mongodb_changes"), kEvents);
    EXPECT_EQ(vault_.number("SELECT count(DISTINCT event_id) FROM mongodb_changes"), kEvents);
    vault_.expect(0, {"gaps"});
    vault_.expect(0, {"verify"});
  }

  Vault vault_;
  std::optional<SmallDisk> disk_;
  std::string file_;
};

TEST_F(FullDisk, OfTheStore) {
  init("store.url=file:small/archive");
  publish();
  expect_no_room(vault_.expect(6, {"archive", "--once", "--close"}));
  // Nothing is listed, or what is listed is whole.
  const int verified = vault_.run({"verify"}).exit_code;
  EXPECT_TRUE(verified == 0 || verified == 5) << verified;
  disk_->resize(65'536);
  vault_.expect(0, {"archive", "--once", "--close"});
  vault_.expect(0, {"load", "--once"});
  expect_all_loaded();
}

TEST_F(FullDisk, OfTheWarehouse) {
  init("warehouse.url=duckdb:small/warehouse.duckdb");
  publish();
  vault_.expect(0, {"archive", "--once", "--close"});
  expect_no_room(vault_.expect(6, {"load", "--once"}));
  expect_no_room(vault_.expect(6, {"recover", "shop", "orders", "--yes"}));
  disk_->resize(262'144);
  vault_.expect(0, {"recover", "shop", "orders", "--yes"});
  vault_.expect(0, {"load", "--once"});
  expect_all_loaded();
}

TEST_F(FullDisk, OfTheHub) {
  init("hub.url=sqlite:small/hub.db");
  const Outcome outcome = vault_.expect(6, {"publish", "--time-from", "cluster_time", file_});
  expect_no_room(outcome);
  EXPECT_NE(outcome.err.find("accepted"), std::string::npos) << outcome.err;
  disk_->resize(65'536);
  // What was accepted is there, and the file may be given again: an event that comes twice is loaded once.
  vault_.expect(0, {"publish", "--time-from", "cluster_time", "--allow-late", file_});
  vault_.expect(0, {"archive", "--once", "--close"});
  vault_.expect(0, {"load", "--once"});
  expect_all_loaded();
}

TEST_F(FullDisk, ThatIsReadOnly) {
  disk_->resize(65'536);
  init("store.url=file:small/archive");
  publish();
  disk_->make_read_only(true);
  const Outcome outcome = vault_.expect(6, {"archive", "--once", "--close"});
  EXPECT_NE(outcome.err.find("Read-only"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("hint: "), std::string::npos) << outcome.err;
  disk_->make_read_only(false);
  vault_.expect(0, {"archive", "--once", "--close"});
  disk_->make_read_only(true);
  // Everything that only reads the archive goes on.
  vault_.expect(0, {"load", "--once"});
  expect_all_loaded();
  disk_->make_read_only(false);
}

// The store's disk may no longer be written while a running archiver needs it: it waits, says so, stays, and
// goes on by itself.
TEST_F(FullDisk, ThatBecomesReadOnlyUnderARunningArchiver) {
  disk_->resize(65'536);
  init("store.url=file:small/archive");
  ProcessOptions options = vault_.options();
  options.folder = vault_.folder();
  Process archiver =
      Process::start({program_path(), "archive", "--set", "archive.flush_interval=100ms"}, options);
  vault_.expect(0, {"publish", vault_.write("first.jsonl", events().substr(0, 3'000))});
  const auto archived = [&] {
    const Outcome outcome = vault_.run({"ls", "--output", "json"});
    return outcome.exit_code != 0 ? 0 : json::parse(outcome.out).at("total").at("records").get<int>();
  };
  const auto wait_until = [&](const auto& holds) {
    for (int tries = 0; tries < 600 && !holds(); ++tries) {
      if (archiver.ended_within(milliseconds(100))) break;
    }
    return holds();
  };
  ASSERT_TRUE(wait_until([&] { return archived() > 0; })) << archiver.err_so_far();
  disk_->make_read_only(true);
  vault_.expect(0, {"publish", file_});
  const Outcome outcome = archiver.wait();
  EXPECT_EQ(outcome.exit_code, 6) << outcome.err;
  EXPECT_NE(outcome.err.find("Read-only"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("hint: "), std::string::npos) << outcome.err;
  disk_->make_read_only(false);
  vault_.expect(0, {"archive", "--once"});
  EXPECT_GT(archived(), kEvents);
  vault_.expect(0, {"verify"});
}

}  // namespace
}  // namespace changevault::testing
