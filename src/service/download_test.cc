#include "service/download.h"

#include <fstream>
#include <iterator>

#include "service/archive_files.h"
#include "store/faulty_store.h"
#include "tests/support/archive_fixture.h"
#include "tests/support/temp_dir.h"

namespace changevault {
namespace {

namespace fs = std::filesystem;
using testing::ArchiveFixture;
using testing::at;
using testing::value;

std::string content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

class DownloadTest : public ::testing::Test {
 protected:
  // Hours 1 to 5 of shop.orders, a segment each.
  void SetUp() override {
    fixture_.init();
    for (int n = 0; n < 50; ++n)
      fixture_.hub.append(PartitionId(0), testing::event("shop", "orders", n), at(1 + n / 10, n % 10), false);
    ASSERT_OK(fixture_.archive(ArchiveMode::kOnceAndClose));
    files_ = value(archived_files(fixture_.store, fixture_.layout, {})).files;
    ASSERT_EQ(files_.size(), 5U);
  }

  std::vector<DownloadedFile> run(const std::vector<ArchivedFile>& files, bool overwrite = false) {
    return run_from(fixture_.store, files, overwrite);
  }
  std::vector<DownloadedFile> run_from(ObjectStore& store, const std::vector<ArchivedFile>& files,
                                       bool overwrite) {
    const TargetFolder target = value(TargetFolder::open(folder_.path()));
    std::vector<DownloadRequest> requests;
    for (const ArchivedFile& file : files)
      requests.push_back({file, file.segment.key.substr(fixture_.layout.archive_prefix().size())});
    DownloadOptions options;
    options.overwrite = overwrite;
    std::vector<DownloadedFile> done;
    EXPECT_OK(download(store, fixture_.random, target, requests, options,
                       [&](const DownloadedFile& file) { done.push_back(file); }));
    return done;
  }
  fs::path place(const ArchivedFile& file) const {
    return folder_.path() / file.segment.key.substr(fixture_.layout.archive_prefix().size());
  }
  std::size_t files_on_disk() const {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path()))
      count += entry.is_regular_file() ? 1 : 0;
    return count;
  }

  ArchiveFixture fixture_;
  testing::TempDir folder_;
  std::vector<ArchivedFile> files_;
};

using Outcome = DownloadedFile::Outcome;

TEST_F(DownloadTest, BytesAreIdenticalAndReportedInOrder) {
  const std::vector<DownloadedFile> done = run(files_);
  ASSERT_EQ(done.size(), files_.size());
  for (std::size_t i = 0; i < done.size(); ++i) {
    EXPECT_EQ(done[i].key, files_[i].segment.key);
    EXPECT_EQ(done[i].outcome, Outcome::kWritten);
    EXPECT_EQ(done[i].records, 10);
    EXPECT_EQ(content(place(files_[i])), value(fixture_.store.get(files_[i].segment.key)));
  }
  for (const DownloadedFile& file : run(files_)) EXPECT_EQ(file.outcome, Outcome::kAlreadyThere);
}

TEST_F(DownloadTest, OneDamagedFileEndsNoOther) {
  const std::string& key = files_[1].segment.key;
  std::string bytes = value(fixture_.store.get(key));
  bytes[bytes.size() / 2] ^= 1;
  fixture_.store.corrupt(key, bytes);
  EXPECT_OK(fixture_.store.remove(files_[3].segment.key));
  const std::vector<DownloadedFile> done = run(files_);
  for (const std::size_t bad : {1U, 3U}) {
    ASSERT_TRUE(done[bad].error);
    EXPECT_EQ(done[bad].error->code, ErrorCode::kCorrupt);
    EXPECT_FALSE(fs::exists(place(files_[bad])));
  }
  EXPECT_EQ(files_on_disk(), 3U) << "no temporary file stays";
}

// A connection that breaks in the middle: run again, and only what is missing comes.
TEST_F(DownloadTest, T25_WhatCouldNotBeReachedComesWithTheNextRun) {
  FaultyStore shaky(fixture_.store, [&](StoreOperation operation, const std::string& key) {
    return operation == StoreOperation::kGet && key == files_[2].segment.key ? Fault::kFailBefore
                                                                             : Fault::kNone;
  });
  const std::vector<DownloadedFile> first = run_from(shaky, files_, false);
  ASSERT_TRUE(first[2].error);
  EXPECT_EQ(first[2].error->code, ErrorCode::kUnreachable);
  EXPECT_EQ(files_on_disk(), 4U);
  const std::vector<DownloadedFile> second = run(files_);
  for (std::size_t i = 0; i < second.size(); ++i)
    EXPECT_EQ(second[i].outcome, i == 2 ? Outcome::kWritten : Outcome::kAlreadyThere);
}

TEST_F(DownloadTest, ADifferentFileIsKeptUnlessToldOtherwise) {
  fs::create_directories(place(files_[0]).parent_path());
  std::ofstream(place(files_[0])) << "mine";
  EXPECT_EQ(run({files_[0]})[0].error->code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(content(place(files_[0])), "mine");
  EXPECT_EQ(run({files_[0]}, true)[0].outcome, Outcome::kWritten);
  EXPECT_EQ(content(place(files_[0])), value(fixture_.store.get(files_[0].segment.key)));
}

// An archive of somebody else: gzip and records are the only proof.
TEST_F(DownloadTest, WithoutALedgerTheRecordsAreRead) {
  std::vector<ArchivedFile> files = {files_[0]};
  files[0].segment.sha256.clear();
  files[0].segment.records = 0;
  const DownloadedFile done = run(files)[0];
  EXPECT_EQ(done.outcome, Outcome::kWritten);
  EXPECT_EQ(done.records, 10);
  EXPECT_EQ(run(files)[0].outcome, Outcome::kAlreadyThere);
  fs::remove(place(files_[0]));
  std::string bytes = value(fixture_.store.get(files[0].segment.key));
  bytes[bytes.size() - 6] ^= 1;  // gzip's checksum
  fixture_.store.corrupt(files[0].segment.key, bytes);
  EXPECT_EQ(run(files)[0].error->code, ErrorCode::kCorrupt);
  EXPECT_FALSE(fs::exists(place(files_[0])));
}

TEST_F(DownloadTest, AStopEndsItAndLeavesNoHalfFile) {
  const TargetFolder target = value(TargetFolder::open(folder_.path()));
  std::stop_source stop;
  stop.request_stop();
  DownloadOptions options;
  options.stop = stop.get_token();
  EXPECT_ERROR(download(fixture_.store, fixture_.random, target, {{files_[0], "x"}}, options,
                        [](const DownloadedFile&) { FAIL(); }),
               ErrorCode::kCancelled);
  EXPECT_EQ(files_on_disk(), 0U);
}

}  // namespace
}  // namespace changevault
