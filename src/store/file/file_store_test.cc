#include "store/file/file_store.h"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hash.h"
#include "store/file/atomic_create.h"
#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"

namespace changevault {
namespace {

namespace fs = std::filesystem;
using testing::TempDir;
using testing::value;

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::vector<std::string> all_keys(ObjectStore& store) {
  std::vector<std::string> keys;
  EXPECT_OK(for_each_object(store, "", [&](const ObjectInfo& object) -> Result<void> {
    keys.push_back(object.key);
    return {};
  }));
  return keys;
}

class FileStoreTest : public ::testing::Test {
 protected:
  TempDir folder_;
  std::string root_ = folder_ / "archive";
  std::unique_ptr<ObjectStore> store_ = value(FileStore::open(root_, true));
};

TEST_F(FileStoreTest, AnObjectIsAFileOfThatName) {
  ASSERT_OK(store_->put_if_absent("a/b/c.gz", "bytes"));
  EXPECT_EQ(read_file(root_ + "/a/b/c.gz"), "bytes");
  EXPECT_EQ(store_->url(), "file:" + root_);
}

TEST_F(FileStoreTest, AMissingFolderIsNotAnEmptyArchive) {
  const auto missing = FileStore::open(folder_ / "not/mounted", false);
  EXPECT_ERROR(missing, ErrorCode::kUnreachable);
  EXPECT_THAT(missing.error().hint, ::testing::HasSubstr("init"));
  EXPECT_FALSE(fs::exists(folder_ / "not"));
  EXPECT_OK(FileStore::open(folder_ / "deep/er/store/", true));
  EXPECT_EQ(value(FileStore::open(folder_ / "deep/er/store/", false))->url(),
            "file:" + (folder_ / "deep/er/store"));
  ASSERT_OK(store_->put_if_absent("file", "x"));
  EXPECT_ERROR(FileStore::open(root_ + "/file", true), ErrorCode::kUnreachable);
  EXPECT_ERROR(FileStore::open("", true), ErrorCode::kUsage);
}

TEST_F(FileStoreTest, AFolderTakenAwayIsNotAnEmptyArchive) {
  ASSERT_OK(store_->put_if_absent("a/b", "x"));
  fs::remove_all(root_);
  fs::create_directory(root_);
  EXPECT_ERROR(store_->get("a/b"), ErrorCode::kUnreachable);
  EXPECT_ERROR(store_->head("top"), ErrorCode::kUnreachable);
  EXPECT_ERROR(store_->list(""), ErrorCode::kUnreachable);
  EXPECT_ERROR(store_->put_if_absent("a/c", "x"), ErrorCode::kUnreachable);
  EXPECT_TRUE(fs::is_empty(root_));
}

TEST_F(FileStoreTest, TheStoreItselfMayBeALink) {
  fs::create_directory_symlink(root_, folder_ / "link");
  const auto store = value(FileStore::open(folder_ / "link", false));
  EXPECT_OK(store->put_if_absent("a/b", "x"));
  EXPECT_EQ(value(store_->get("a/b")), "x");
}

TEST_F(FileStoreTest, LinksInsideLeadNowhere) {
  const std::string outside = folder_ / "outside";
  fs::create_directory(outside);
  std::ofstream(outside + "/secret") << "secret";
  ASSERT_OK(store_->put_if_absent("real/object", "x"));
  fs::create_directory_symlink(outside, root_ + "/away");
  fs::create_directory_symlink("../outside", root_ + "/real/up");
  fs::create_symlink(outside + "/secret", root_ + "/real/file");
  fs::create_symlink(outside + "/new", root_ + "/real/dangling");
  for (const std::string key : {"away/secret", "real/up/secret", "real/file", "real/dangling"}) {
    SCOPED_TRACE(key);
    EXPECT_ERROR(store_->get(key), ErrorCode::kUsage);
    EXPECT_ERROR(store_->head(key), ErrorCode::kUsage);
  }
  EXPECT_ERROR(store_->put_if_absent("away/new", "x"), ErrorCode::kUsage);
  EXPECT_ERROR(store_->put_if_absent("real/up/below/new", "x"), ErrorCode::kUsage);
  EXPECT_ERROR(store_->remove("away/secret"), ErrorCode::kUsage);
  EXPECT_ERROR(store_->list("away/"), ErrorCode::kUsage);
  EXPECT_ERROR(store_->list(""), ErrorCode::kUsage);  // said, not left out
  // The name is taken; what it leads to stays as it is.
  EXPECT_EQ(value(store_->put_if_absent("real/dangling", "x")), PutOutcome::kExists);
  EXPECT_EQ(value(store_->put_if_absent("real/file", "x")), PutOutcome::kExists);
  EXPECT_EQ(std::distance(fs::directory_iterator(outside), {}), 1);
  EXPECT_EQ(read_file(outside + "/secret"), "secret");
}

TEST_F(FileStoreTest, WhatIsNoFileIsNoObject) {
  ASSERT_OK(store_->put_if_absent("a/object", "x"));
  ASSERT_EQ(::mkfifo((root_ + "/a/pipe").c_str(), 0600), 0);
  std::ofstream(root_ + "/a/.changevault-tmp-0123") << "half";
  EXPECT_ERROR(store_->get("a/pipe"), ErrorCode::kNotFound);
  EXPECT_ERROR(store_->get("a"), ErrorCode::kNotFound);
  EXPECT_THAT(all_keys(*store_), ::testing::ElementsAre("a/object"));
  EXPECT_ERROR(store_->put_if_absent("a/object/below", "x"), ErrorCode::kUsage);
}

TEST_F(FileStoreTest, TheEtagChangesWithTheFile) {
  ASSERT_OK(store_->put_if_absent("a", "one"));
  const ObjectInfo before = value(store_->head("a"));
  EXPECT_THAT(before.etag, ::testing::MatchesRegex("3-[0-9a-f]+-[0-9a-f]+"));
  EXPECT_EQ(value(store_->list("")).objects.at(0).etag, before.etag);
  fs::remove(root_ + "/a");
  std::ofstream(root_ + "/a") << "two";
  fs::last_write_time(root_ + "/a", fs::file_time_type::clock::now() + std::chrono::seconds(2));
  EXPECT_NE(value(store_->head("a")).etag, before.etag);
}

TEST_F(FileStoreTest, AFolderWithoutRightsIsUnreachableAndSaysWhatToDo) {
  if (::geteuid() == 0) GTEST_SKIP() << "SKIPPED: root may write everywhere, so refusal cannot be tried";
  ASSERT_OK(store_->put_if_absent("a/object", "x"));
  fs::permissions(root_ + "/a", fs::perms::owner_read | fs::perms::owner_exec);
  const auto refused = store_->put_if_absent("a/new", "x");
  fs::permissions(root_ + "/a", fs::perms::owner_all);
  EXPECT_ERROR(refused, ErrorCode::kUnreachable);
  EXPECT_THAT(refused.error().hint, ::testing::HasSubstr("right"));
}

// A refusal that root meets too: files may not grow past a limit.
TEST_F(FileStoreTest, AWriteThatFailsHalfwayLeavesNothing) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, 4096};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto unnamed = store_->put_if_absent("a/big", std::string(100'000, 'x'));
    const int folder = ::open((root_ + "/a").c_str(), O_RDONLY | O_DIRECTORY);
    const auto named =
        file::create_file(folder, "big", std::string(100'000, 'x'), "a/big", file::CreateMethod::kNamed);
    const auto failed = [](const auto& r) {
      return !r.has_value() && r.error().code == ErrorCode::kUnreachable;
    };
    ::_exit(failed(unnamed) && failed(named) ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(fs::is_empty(root_ + "/a"));
  EXPECT_EQ(value(store_->put_if_absent("a/big", "small")), PutOutcome::kCreated);
}

TEST_F(FileStoreTest, TheNamedWayKeepsTheSamePromise) {
  const file::Descriptor folder(::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto create = [&](std::string_view bytes) {
    return value(file::create_file(folder.get(), "slot", bytes, "slot", file::CreateMethod::kNamed));
  };
  EXPECT_EQ(create("first"), PutOutcome::kCreated);
  EXPECT_EQ(create("second"), PutOutcome::kExists);
  EXPECT_EQ(read_file(root_ + "/slot"), "first");
  EXPECT_EQ(std::distance(fs::directory_iterator(root_), {}), 1) << "no temporary file stays";
}

// --- killed at any moment ---

std::string content_of(const std::string& name) {
  std::string bytes = name + "\n";
  while (bytes.size() < 20'000 + name.size() * 977) bytes += sha256_hex(bytes);
  return bytes;
}

// Puts objects until it is killed, and says so on `progress` after each.
[[noreturn]] void write_until_killed(const std::string& root, int round, int progress,
                                     file::CreateMethod method) {
  auto store = FileStore::open(root, false);
  for (int i = 0; store.has_value(); ++i) {
    const std::string folder = "r" + std::to_string(round) + "f" + std::to_string(i % 3);
    const std::string name = "o" + std::to_string(i);
    if (method == file::CreateMethod::kUnnamed) {
      if (!(*store)->put_if_absent(folder + "/" + name, content_of(name)).has_value()) break;
    } else {
      ::mkdir((root + "/" + folder).c_str(), 0777);
      const int fd = ::open((root + "/" + folder).c_str(), O_RDONLY | O_DIRECTORY);
      if (!file::create_file(fd, name, content_of(name), name, method).has_value()) break;
      ::close(fd);
    }
    if (::write(progress, "+", 1) != 1) break;
  }
  ::_exit(1);
}

void kill_at_random_moments(const std::string& root, int rounds, file::CreateMethod method) {
  const unsigned seed = std::random_device()();
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  const auto store = value(FileStore::open(root, false));
  std::size_t acknowledged = 0;
  for (int round = 0; round < rounds; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const pid_t child = ::fork();
    if (child == 0) write_until_killed(root, round, ends[1], method);
    ::close(ends[1]);
    char byte = 0;
    for (auto wait = random() % 6; wait > 0 && ::read(ends[0], &byte, 1) == 1; --wait) ++acknowledged;
    const auto moment = std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 4000);
    while (std::chrono::steady_clock::now() < moment) {
    }
    ::kill(child, SIGKILL);
    while (::read(ends[0], &byte, 1) == 1) ++acknowledged;
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself";
  }
  const std::vector<std::string> keys = all_keys(*store);
  EXPECT_GE(keys.size(), acknowledged) << "an acknowledged object is gone";
  EXPECT_GT(keys.size(), 0U);
  for (const std::string& key : keys) {
    const std::string name = key.substr(key.find('/') + 1);
    EXPECT_TRUE(value(store->get(key)) == content_of(name)) << key << " is not whole";
  }
}

TEST_F(FileStoreTest, AKillLeavesWholeObjectsOrNone) {
  kill_at_random_moments(root_, 50, file::CreateMethod::kUnnamed);
  for (const auto& entry : fs::recursive_directory_iterator(root_)) {
    EXPECT_FALSE(entry.path().filename().string().starts_with(".changevault-tmp-")) << entry.path();
  }
}

TEST_F(FileStoreTest, AKillLeavesWholeObjectsOrNoneTheNamedWay) {
  kill_at_random_moments(root_, 50, file::CreateMethod::kNamed);
}

}  // namespace
}  // namespace changevault
