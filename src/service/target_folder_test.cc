#include "service/target_folder.h"

#include <fstream>
#include <iterator>

#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"

namespace changevault {
namespace {

namespace fs = std::filesystem;
using testing::value;

std::string content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

class TargetFolderTest : public ::testing::Test {
 protected:
  Result<void> put(const std::string& path, const std::string& bytes, bool replace = false) {
    CV_ASSIGN(const TargetFolder target, TargetFolder::open(inside_));
    CV_ASSIGN(NewFile file, target.create(path, "nonce"));
    CV_TRY(file.write(bytes));
    CV_TRY(file.sync());
    return file.place(replace);
  }
  std::size_t files_outside() const {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(outside_))
      count += entry.is_regular_file() ? 1 : 0;
    return count;
  }

  testing::TempDir folder_;
  const fs::path inside_ = folder_.path() / "inside";
  const fs::path outside_ = [this] {
    fs::create_directories(folder_.path() / "outside");
    return folder_.path() / "outside";
  }();
};

TEST_F(TargetFolderTest, MakesFoldersAndFiles) {
  EXPECT_OK(put("a/b/c.gz", "text"));
  EXPECT_EQ(content(inside_ / "a/b/c.gz"), "text");
}

TEST_F(TargetFolderTest, ReplacesOnlyWhenToldTo) {
  EXPECT_OK(put("a/c", "old"));
  EXPECT_ERROR(put("a/c", "new"), ErrorCode::kAlreadyExists);
  EXPECT_EQ(content(inside_ / "a/c"), "old");
  EXPECT_OK(put("a/c", "new", true));
  EXPECT_EQ(content(inside_ / "a/c"), "new");
}

TEST_F(TargetFolderTest, NamesThatLeadOutsideAreRefused) {
  for (const char* path : {"../x", "a/../../x", "/x", "a//x", "./x", "a/.", "..", ""})
    EXPECT_ERROR(put(path, "text"), ErrorCode::kUsage);
  EXPECT_EQ(files_outside(), 0U);
}

TEST_F(TargetFolderTest, SymbolicLinksBelowAreNeverFollowed) {
  fs::create_directories(inside_);
  fs::create_directory_symlink(outside_, inside_ / "link");
  EXPECT_ERROR(put("link/x", "text"), ErrorCode::kUsage);
  std::ofstream(outside_ / "victim") << "victim";
  fs::create_symlink(outside_ / "victim", inside_ / "file");
  EXPECT_ERROR(put("file", "text"), ErrorCode::kAlreadyExists);
  const TargetFolder target = value(TargetFolder::open(inside_));
  EXPECT_ERROR(target.existing("file"), ErrorCode::kUsage);
  EXPECT_ERROR(target.existing("link/victim"), ErrorCode::kUsage);
  // Replacing replaces the link, not what it leads to.
  EXPECT_OK(put("file", "text", true));
  EXPECT_EQ(content(outside_ / "victim"), "victim");
  EXPECT_EQ(files_outside(), 1U);
}

TEST_F(TargetFolderTest, TheFolderItselfMayBeALink) {
  fs::create_directory_symlink(outside_, inside_);
  EXPECT_OK(put("a/x", "text"));
  EXPECT_EQ(content(outside_ / "a/x"), "text");
}

TEST_F(TargetFolderTest, WhatWasNotPlacedIsGone) {
  {
    const TargetFolder target = value(TargetFolder::open(inside_));
    NewFile file = value(target.create("a/x", "nonce"));
    EXPECT_OK(file.write("half"));
  }
  EXPECT_TRUE(fs::is_empty(inside_ / "a"));
}

TEST_F(TargetFolderTest, AFileInTheWayIsNamed) {
  std::ofstream(folder_.path() / "plain") << "x";
  EXPECT_ERROR(TargetFolder::open(folder_.path() / "plain"), ErrorCode::kUsage);
  EXPECT_OK(put("a", "text"));
  EXPECT_ERROR(put("a/b", "text"), ErrorCode::kUsage);
}

}  // namespace
}  // namespace changevault
