#include "service/record_reading.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "service/newest_first.h"
#include "store/metered_store.h"
#include "tests/support/archive_fixture.h"

namespace changevault {
namespace {

using testing::ArchiveFixture;
using testing::at;
using testing::value;

constexpr int kPerHour = 2000;

// A day of three hours of six collections in two partitions: segments of some 20 small blocks. Only one
// collection has deletes, in one hour.
class RecordReadingTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    archive_ = new ArchiveFixture();
    archive_->options.segment.block_text_bytes = 8 << 10;
    archive_->init();
    int number = 0;
    for (int hour = 10; hour < 13; ++hour) {
      for (int i = 0; i < kPerHour; ++i, ++number) {
        const std::string collection = "c" + std::to_string(i % 6);
        const bool is_delete = hour == 11 && i % 6 == 2 && i % 7 == 0;
        archive_->hub.append(PartitionId(i / 6 % 2),
                             testing::event("shop", collection, number, is_delete ? "delete" : "insert"),
                             at(hour, 0) + milliseconds(i * 3'600'000LL / kPerHour), false);
      }
    }
    ASSERT_OK(archive_->archive(ArchiveMode::kOnceAndClose));
  }
  static void TearDownTestSuite() {
    delete archive_;
    archive_ = nullptr;
  }

  ArchivedFiles files(const Scope& scope) {
    return value(archived_files(archive_->store, archive_->layout, scope, BlockIndex::kTake));
  }
  static std::int64_t bytes_of(const ArchivedFiles& found) {
    std::int64_t sum = 0;
    for (const ArchivedFile& file : found.files) sum += file.bytes;
    return sum;
  }

  struct Reading {
    std::vector<std::string> lines;
    std::int64_t requests = 0;
    std::int64_t bytes = 0;
    ReadTally tally;
  };
  Reading read(const std::vector<ArchivedFile>& of, const Scope& scope, const ReadingOptions& options = {}) {
    MeteredStore metered(archive_->store);
    SegmentFeed feed(metered, scope);
    Reading out;
    out.tally = value(read_records(of, feed, options, [&](std::string_view line) -> Result<void> {
      out.lines.emplace_back(line);
      return {};
    }));
    out.requests = metered.requests();
    out.bytes = metered.usage(StoreOperation::kGet).bytes;
    EXPECT_EQ(feed.bytes_read(), out.bytes);
    return out;
  }

  static Timestamp time_of(const std::string& line) {
    const std::string field = R"("enqueued_time":")";
    return *parse_rfc3339(line.substr(line.find(field) + field.size(), 24));
  }

  static ArchiveFixture* archive_;
};

ArchiveFixture* RecordReadingTest::archive_ = nullptr;

TEST_F(RecordReadingTest, OneHourOfOneCollectionIsItsFilesAndNoMore) {
  const ArchivedFiles all = files({});
  Scope scope;
  scope.collection = "c3";
  scope.time = {at(11, 0), at(12, 0)};
  const ArchivedFiles hour = files(scope);
  ASSERT_EQ(hour.files.size(), 2U);  // one of each partition
  const Reading reading = read(hour.files, scope);
  EXPECT_EQ(reading.lines.size(), kPerHour / 6U);
  EXPECT_EQ(reading.requests, 2);
  EXPECT_EQ(reading.bytes, bytes_of(hour));
  EXPECT_LT(reading.bytes * 15, bytes_of(all));
}

TEST_F(RecordReadingTest, SegmentsWithoutTheOperationAreNotRead) {
  Scope scope;
  scope.operations = {"delete"};
  const ArchivedFiles with_deletes = files(scope);
  ASSERT_EQ(with_deletes.files.size(), 2U);
  const Reading reading = read(with_deletes.files, scope);
  EXPECT_EQ(reading.lines.size(), 48U);
  EXPECT_EQ(reading.requests, 2);
  EXPECT_EQ(reading.bytes, bytes_of(with_deletes));
}

TEST_F(RecordReadingTest, AFewSecondsAreAFewBlocks) {
  Scope scope;
  scope.collection = "c0";
  scope.time = {at(11, 30), at(11, 30, 40)};
  const ArchivedFiles found = files(scope);
  const Reading reading = read(found.files, scope);
  EXPECT_EQ(reading.lines.size(), 4U);
  EXPECT_LE(reading.requests, 4);
  EXPECT_LT(reading.bytes * 3, bytes_of(found));
  for (const std::string& line : reading.lines) EXPECT_TRUE(scope.matches_time(time_of(line))) << line;
  // To the millisecond: exactly one event.
  scope.time = {time_of(reading.lines[1]), time_of(reading.lines[1]) + milliseconds(1)};
  EXPECT_EQ(read(files(scope).files, scope).lines, std::vector<std::string>{reading.lines[1]});
  scope.time = {scope.time.from + milliseconds(1), scope.time.from + milliseconds(2)};
  EXPECT_TRUE(read(files(scope).files, scope).lines.empty());
}

TEST_F(RecordReadingTest, ALimitEndsTheReading) {
  const ArchivedFiles found = files({});
  const Reading reading = read(found.files, {}, {.limit = 10});
  const Reading all = read(found.files, {});
  EXPECT_EQ(reading.lines, std::vector<std::string>(all.lines.begin(), all.lines.begin() + 10));
  EXPECT_EQ(reading.requests, 1);
  EXPECT_LT(reading.bytes * 100, all.bytes);
  EXPECT_TRUE(read(found.files, {}, {.limit = 0}).lines.empty());
}

TEST_F(RecordReadingTest, TheLastAreReadFromTheEnd) {
  const ArchivedFiles found = files({});
  std::vector<std::string> all = read(found.files, {}).lines;
  const Reading reading = read(found.files, {}, {.limit = 10, .newest_first = true});
  ASSERT_EQ(reading.lines.size(), 10U);
  std::ranges::stable_sort(all, std::greater(), time_of);
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(time_of(reading.lines[i]), time_of(all[i])) << i;
  EXPECT_LE(reading.requests, 12);  // the last block of each file of the last hour at most
  EXPECT_LT(reading.bytes * 20, bytes_of(found));
}

TEST_F(RecordReadingTest, NewestFirstIsAllOfThemWhateverFitsIntoMemory) {
  Scope scope;
  scope.time.from = at(11, 50);
  const ArchivedFiles found = files(scope);
  std::vector<std::string> expected = read(found.files, scope).lines;
  std::ranges::stable_sort(expected, std::greater(), time_of);
  SegmentFeed feed(archive_->store, scope);
  for (const std::int64_t memory : {1LL << 30, 100'000LL, 5'000LL, 1LL}) {
    const std::size_t few = memory == 1 ? 20 : expected.size();  // line by line is slow
    std::vector<std::string> lines;
    ASSERT_OK(read_newest_first(found.files, feed, {static_cast<std::int64_t>(few), memory},
                                [&](std::string_view line) -> Result<void> {
                                  lines.emplace_back(line);
                                  return {};
                                }));
    ASSERT_EQ(lines.size(), few) << memory;
    EXPECT_TRUE(std::ranges::equal(lines, std::span(expected).first(few))) << memory;
  }
}

TEST_F(RecordReadingTest, WhatWasReadIsCountedAgainstTheLedger) {
  const auto listed = [](const std::vector<ArchivedFile>& of) {
    std::int64_t sum = 0;
    for (const ArchivedFile& file : of) sum += file.segment.records;
    return sum;
  };
  Scope deletes;
  deletes.collection = "c2";
  deletes.operations = {"delete"};
  const std::vector<ArchivedFile> whole = files(deletes).files;
  for (const bool newest_first : {false, true}) {
    const Reading all = read(whole, deletes, {.limit = {}, .newest_first = newest_first});
    EXPECT_EQ(all.tally.records, listed(whole));
    EXPECT_EQ(all.tally.promised, listed(whole));
    EXPECT_LT(static_cast<std::int64_t>(all.lines.size()), all.tally.records);
    EXPECT_TRUE(all.tally.is_known);
    EXPECT_FALSE(all.tally.cut_short);
    const Reading some = read(whole, deletes, {.limit = 3, .newest_first = newest_first});
    EXPECT_TRUE(some.tally.cut_short);
    EXPECT_EQ(some.tally.records, some.tally.promised);
  }
  Scope minutes;
  minutes.collection = "c1";
  minutes.time = {at(12, 20), at(12, 21)};
  const std::vector<ArchivedFile> parts = files(minutes).files;
  const Reading part = read(parts, minutes);
  EXPECT_GE(part.tally.records, static_cast<std::int64_t>(part.lines.size()));
  EXPECT_LT(part.tally.records, listed(parts));
  EXPECT_EQ(part.tally.records, part.tally.promised);
  EXPECT_FALSE(part.tally.cut_short);
  std::vector<ArchivedFile> unlisted = whole;
  unlisted.back().segment.sha256.clear();
  EXPECT_FALSE(read(unlisted, deletes).tally.is_known);
}

// Read in several passes, counted once.
TEST_F(RecordReadingTest, NewestFirstCountsOnce) {
  Scope scope;
  scope.time.from = at(11, 50);
  const std::vector<ArchivedFile> found = files(scope).files;
  SegmentFeed feed(archive_->store, scope);
  const ReadTally tally = value(read_newest_first(found, feed, {.limit = {}, .lines_in_memory = 5'000},
                                                  [](std::string_view) { return Result<void>(); }));
  EXPECT_FALSE(tally.cut_short);
  EXPECT_EQ(tally.records, read(found, scope).tally.records);
}

TEST_F(RecordReadingTest, OtherThanTheLedgersCountIsAnError) {
  std::vector<ArchivedFile> found = value(archived_files(archive_->store, archive_->layout, {})).files;
  ++found[1].segment.records;
  const Scope all;
  SegmentFeed feed(archive_->store, all);
  const auto read = read_records(found, feed, {}, [](std::string_view) { return Result<void>(); });
  EXPECT_ERROR(read, ErrorCode::kCorrupt);
  EXPECT_EQ(read.error().object, found[1].segment.key);
}

// Files of which no block is known: of an archive without a ledger.
TEST_F(RecordReadingTest, NewestFirstWithoutBlocks) {
  std::vector<ArchivedFile> found = value(archived_files(archive_->store, archive_->layout, {})).files;
  const Reading last = read(found, {}, {.limit = 25, .newest_first = true});
  EXPECT_EQ(last.lines, read(files({}).files, {}, {.limit = 25, .newest_first = true}).lines);
  EXPECT_EQ(last.requests, 12);  // the files of the last hour
}

// A record that was passed on cannot be taken back: whatever byte is wrong, no record is given that is not
// the archive's, and the end is an error.
TEST_F(RecordReadingTest, WhatIsPassedOnIsProvenFirst) {
  Scope scope;
  scope.collection = "c1";
  const std::vector<ArchivedFile> found{files(scope).files.front()};
  ASSERT_FALSE(found[0].is_part);
  ASSERT_GT(found[0].blocks.size(), 10U);
  const ReadingOptions options{.limit = {}, .proven_first = true};
  const Reading whole = read(found, scope, options);
  EXPECT_EQ(whole.lines, read(found, scope).lines);
  EXPECT_EQ(whole.bytes, found[0].bytes);
  EXPECT_LT(whole.requests, 6);
  const std::string good = value(archive_->store.get(found[0].segment.key));
  std::vector<std::string> damaged{good + '\0', good + good, good.substr(0, good.size() - 1),
                                   good.substr(0, 5)};
  for (std::size_t at = 0; at < good.size(); at += 1 + good.size() / 40) {
    damaged.push_back(good);
    damaged.back()[at] ^= 2;
  }
  for (const std::string& bytes : damaged) {
    archive_->store.corrupt(found[0].segment.key, bytes);
    SegmentFeed feed(archive_->store, scope);
    std::size_t given = 0;
    const auto result = read_records(found, feed, options, [&](std::string_view line) -> Result<void> {
      EXPECT_EQ(line, whole.lines.at(given++));
      return {};
    });
    EXPECT_ERROR(result, ErrorCode::kCorrupt);
  }
  archive_->store.corrupt(found[0].segment.key, good);
}

TEST_F(RecordReadingTest, ADamagedBlockIsRefusedBeforeItsRecordsAreGiven) {
  Scope scope;
  scope.collection = "c1";
  scope.time = {at(12, 20), at(12, 20, 20)};
  const std::vector<ArchivedFile> found = files(scope).files;
  ASSERT_TRUE(found[0].is_part);
  ASSERT_FALSE(found[0].blocks.empty());
  const std::string good = value(archive_->store.get(found[0].segment.key));
  const BlockFacts& block = found[0].blocks[0];
  for (const std::int64_t offset :
       {block.byte_offset, block.byte_offset + block.bytes / 2, block.byte_offset + block.bytes - 1}) {
    std::string bad = good;
    bad[static_cast<std::size_t>(offset)] ^= 0x20;
    archive_->store.corrupt(found[0].segment.key, bad);
    SegmentFeed feed(archive_->store, scope);
    const auto refused =
        feed.read_blocks(found[0].segment, found[0].blocks, [](const RecordView&) -> Result<void> {
          ADD_FAILURE() << "a record of a damaged block";
          return {};
        });
    EXPECT_ERROR(refused, ErrorCode::kCorrupt);
  }
  archive_->store.corrupt(found[0].segment.key,
                          good.substr(0, static_cast<std::size_t>(block.byte_offset + 3)));
  SegmentFeed feed(archive_->store, scope);
  EXPECT_ERROR(read_records(found, feed, {}, [](std::string_view) { return Result<void>(); }),
               ErrorCode::kCorrupt);
  archive_->store.corrupt(found[0].segment.key, good);
}

}  // namespace
}  // namespace changevault
