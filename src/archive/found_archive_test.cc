#include "archive/found_archive.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "archive/memory_file.h"
#include "base/manual_clock.h"
#include "store/memory/memory_store.h"
#include "store/metered_store.h"
#include "tests/support/archive_fixture.h"
#include "tests/support/temp_dir.h"

namespace changevault {
namespace {

using testing::at;
using testing::kDay;
using testing::TempDir;
using testing::value;

class FoundArchiveTest : public ::testing::Test {
 protected:
  // A record of that time with an id of its own.
  static std::string record(Timestamp time, int number, const std::string& collection = "orders") {
    return R"({"event_id":")" + std::to_string(number) + R"(","enqueued_time":")" + to_rfc3339(time) +
           R"(","operation_type":"insert","database_name":"shop","collection_name":")" + collection +
           R"(","raw_event":{"n":)" + std::to_string(number) + "}}\n";
  }
  static std::string key(int hour, const std::string& name, const std::string& collection = "orders") {
    return "changestreams/shop/" + collection + "/2025/01/15/" + hour_digits(hour_of(at(hour, 0))) + "-" +
           name;
  }
  void put(const std::string& name, const std::string& bytes) {
    EXPECT_EQ(value(store_.put_if_absent(name, bytes)), PutOutcome::kCreated);
  }
  static Scope hour_scope(int hour) {
    Scope scope;
    scope.time = {at(hour, 0), at(hour + 1, 0)};
    return scope;
  }
  Result<FoundArchive> read(const Scope& scope = {}) {
    metered_.reset();
    FoundOptions options;
    options.source_id = "default";
    options.memory = &memory_;
    options.now = clock_.now();
    return FoundArchive::read(metered_, layout_, scope, options);
  }
  std::int64_t bytes_read() const { return metered_.usage(StoreOperation::kGet).bytes; }

  ManualClock clock_{at(23, 0)};
  MemoryStore store_{clock_};
  MeteredStore metered_{store_};
  KeyLayout layout_{"changestreams"};
  FoundMemory memory_;
};

TEST_F(FoundArchiveTest, CountsByTheTimeOfTheRecords) {
  put(key(8, "a.jsonl"), record(at(8, 1), 1) + record(at(7, 59), 2) + record(at(8, 2), 3));
  put(key(9, "a.json"), record(at(9, 0), 4, "users"));
  const FoundArchive found = value(read());
  ASSERT_EQ(found.files().size(), 2U);
  const FoundFile& first = found.files()[0];
  ASSERT_EQ(first.cells.size(), 2U);
  EXPECT_EQ(first.cells[0].hour, hour_of(at(7, 0)));
  EXPECT_EQ(first.cells[0].digest.records, 1);
  EXPECT_EQ(first.cells[1].digest.records, 2);
  EXPECT_EQ(first.cells[1].operations, (OperationCounts{{"insert", 2}}));
  EXPECT_EQ(first.min_time, at(7, 59));
  EXPECT_EQ(first.max_time, at(8, 2));
  EXPECT_EQ(found.notes().other_hour, 1);
  EXPECT_EQ(found.notes().latest, 1);
  EXPECT_EQ(found.notes().earliest, 0);
  EXPECT_EQ(found.notes().other_name, 1);
  const Catalog catalog = found.catalog(layout_, hour_scope(7));
  ASSERT_EQ(catalog.segments().size(), 1U);
  EXPECT_EQ(catalog.cells(hour_scope(7)).at(0).digest.records, 1);
  EXPECT_FALSE(takes_whole(hour_scope(7), catalog.segments()[0]));
  EXPECT_TRUE(takes_whole({}, catalog.segments()[0]));
}

TEST_F(FoundArchiveTest, WhatIsUnchangedIsNotReadAgain) {
  for (int hour = 0; hour < 5; ++hour) put(key(hour, "a.jsonl"), record(at(hour, 1), hour));
  const FoundArchive first = value(read());
  EXPECT_GT(bytes_read(), 0);
  const FoundArchive again = value(read());
  EXPECT_EQ(bytes_read(), 0);
  EXPECT_EQ(metered_.usage(StoreOperation::kGet).requests, 0);
  EXPECT_EQ(again.files(), first.files());
  EXPECT_EQ(again.notes().remembered, 5);
  const std::string changed = record(at(2, 1), 77);
  store_.corrupt(key(2, "a.jsonl"), changed);  // of the same size
  EXPECT_NE(value(read()).files(), first.files());
  EXPECT_EQ(bytes_read(), static_cast<std::int64_t>(changed.size()));
}

TEST_F(FoundArchiveTest, AnHourBringsItsNeighboursAndNoMore) {
  for (int hour = 0; hour < 12; ++hour) put(key(hour, "a.jsonl"), record(at(hour, 1), hour));
  EXPECT_EQ(value(read(hour_scope(5))).files().size(), 3U);
}

TEST_F(FoundArchiveTest, FollowsTheClockOfTheFolders) {
  for (int hour = 0; hour < 12; ++hour) put(key(hour + 6, "a.jsonl"), record(at(hour, 1), hour));
  // What lies around hour 8 says that folders are 6 hours ahead; so its records lie in folder 14.
  const FoundArchive found = value(read(hour_scope(8)));
  const auto files = found.files();
  EXPECT_TRUE(std::any_of(files.begin(), files.end(),
                          [](const FoundFile& file) { return file.key == key(14, "a.jsonl"); }));
  EXPECT_FALSE(std::any_of(files.begin(), files.end(),
                           [](const FoundFile& file) { return file.key == key(17, "a.jsonl"); }));
  EXPECT_EQ(found.catalog(layout_, hour_scope(8)).segments().size(), 1U);
}

TEST_F(FoundArchiveTest, ARecordFromAnotherAgeDoesNotBringTheWholeArchive) {
  for (int hour = 0; hour < 12; ++hour) put(key(hour, "a.jsonl"), record(at(hour, 1), hour));
  put(key(5, "b.jsonl"), record(Timestamp{0}, 99));
  const FoundArchive found = value(read(hour_scope(5)));
  EXPECT_EQ(found.files().size(), 4U);
  EXPECT_EQ(found.notes().far, 1);
}

TEST_F(FoundArchiveTest, DamageIsAValueAndNeverRemembered) {
  put(key(1, "a.jsonl"), record(at(1, 1), 1) + "{\"no\": record}\n" + record(at(1, 2), 2));
  put(key(2, "a.jsonl.gz"), std::string("\x1f\x8b\x08", 3));
  put(key(3, "a.jsonl"), record(at(3, 1), 3));
  for (int round = 0; round < 2; ++round) {
    const FoundArchive found = value(read());
    EXPECT_EQ(found.notes().damaged, 2);
    EXPECT_EQ(found.files()[0].records, 2);
    EXPECT_EQ(found.files()[0].bad_records, 1);
    EXPECT_NE(found.files()[0].problem.find("line 2"), std::string::npos) << found.files()[0].problem;
    EXPECT_EQ(found.files()[1].problem, "gzip data is cut");
    EXPECT_TRUE(found.files()[2].is_whole());
    EXPECT_EQ(found.notes().remembered, round);
  }
}

// Whoever writes into a file while it is read must not be remembered as something between.
class WrittenWhileRead final : public ObjectStore {
 public:
  WrittenWhileRead(MemoryStore& inner, std::string key, std::string bytes)
      : inner_(inner), key_(std::move(key)), bytes_(std::move(bytes)) {}
  Result<PutOutcome> put_if_absent(const std::string& key, std::string_view bytes,
                                   const PutOptions& options) override {
    return inner_.put_if_absent(key, bytes, options);
  }
  Result<std::string> get(const std::string& key, std::optional<ByteRange> range,
                          const std::string& etag) override {
    Result<std::string> got = inner_.get(key, range, etag);
    if (key == key_) inner_.corrupt(key_, bytes_);
    return got;
  }
  Result<ObjectInfo> head(const std::string& key) override { return inner_.head(key); }
  Result<ListPage> list(const std::string& prefix, std::optional<char> delimiter,
                        const std::string& continuation, std::size_t page_size) override {
    return inner_.list(prefix, delimiter, continuation, page_size);
  }
  Result<void> remove(const std::string& key) override { return inner_.remove(key); }
  Result<std::optional<Timestamp>> clock() override { return inner_.clock(); }
  std::string url() const override { return inner_.url(); }

 private:
  MemoryStore& inner_;
  std::string key_;
  std::string bytes_;
};

TEST_F(FoundArchiveTest, AFileThatIsBeingWrittenIsNotBelieved) {
  put(key(1, "a.jsonl"), record(at(1, 1), 1));
  WrittenWhileRead writing(store_, key(1, "a.jsonl"), record(at(1, 1), 1) + record(at(1, 2), 2));
  FoundOptions options;
  options.memory = &memory_;
  const FoundArchive found = value(FoundArchive::read(writing, layout_, {}, options));
  EXPECT_EQ(found.files()[0].problem, "it changed while it was read");
  EXPECT_EQ(memory_.size(), 0U);
}

TEST_F(FoundArchiveTest, NoFileIsNoAnswer) {
  EXPECT_ERROR(read(), ErrorCode::kIndeterminate);
  put("changestreams/shop/orders/2025/01/15/notes.jsonl", "x");
  EXPECT_ERROR(read(), ErrorCode::kIndeterminate);
}

TEST_F(FoundArchiveTest, StopsWhenAsked) {
  put(key(1, "a.jsonl"), record(at(1, 1), 1));
  std::stop_source stop;
  stop.request_stop();
  FoundOptions options;
  options.stop = stop.get_token();
  EXPECT_ERROR(FoundArchive::read(store_, layout_, {}, options), ErrorCode::kCancelled);
}

// --- the memory's file ---

TEST_F(FoundArchiveTest, TheMemoryIsReadBack) {
  put(key(1, "a.jsonl"), record(at(1, 1), 1) + record(at(2, 1), 2));
  memory_ = FoundMemory(FoundMemory::archive_name("memory:", "changestreams", "default"));
  value(read());
  const TempDir folder;
  const std::filesystem::path file = folder.path() / "found.memory";
  ASSERT_OK(write_found_memory(memory_, file));
  auto back = value(read_found_memory(file));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->archive(), memory_.archive());
  EXPECT_EQ(back->encode(), memory_.encode());
  const ObjectInfo object = value(store_.head(key(1, "a.jsonl")));
  ASSERT_NE(back->find(object, clock_.now()), nullptr);
  EXPECT_EQ(*back->find(object, clock_.now()), *memory_.find(object, clock_.now()));
  EXPECT_EQ(value(read_found_memory(folder.path() / "none")), std::nullopt);
}

TEST_F(FoundArchiveTest, EveryFlippedBitOfTheMemoryIsSeen) {
  put(key(1, "a.jsonl"), record(at(1, 1), 1));
  value(read());
  const std::string bytes = memory_.encode();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    EXPECT_FALSE(FoundMemory::decode(flipped, "memory").has_value()) << i;
    EXPECT_FALSE(FoundMemory::decode(bytes.substr(0, i), "memory").has_value()) << i;
  }
}

TEST_F(FoundArchiveTest, TheMemoryIsBounded) {
  for (int hour = 0; hour < 10; ++hour) put(key(hour, "a.jsonl"), record(at(hour, 1), hour));
  value(read());
  clock_.advance(minutes(1));
  value(read(hour_scope(8)));  // asked for last: 7, 8 and 9
  const std::size_t whole = memory_.encode().size();
  const FoundMemory less = value(FoundMemory::decode(memory_.encode(whole / 2), "memory"));
  EXPECT_LT(less.size(), 10U);
  EXPECT_GE(less.size(), 3U);
  FoundMemory asked = less;
  for (int hour = 7; hour < 10; ++hour)
    EXPECT_NE(asked.find(value(store_.head(key(hour, "a.jsonl"))), clock_.now()), nullptr) << hour;
}

// docs/formats/samples/found-memory-v1.jsonl must be readable for ever.
TEST(FoundMemorySample, IsReadForEver) {
  const auto path =
      std::filesystem::path(__FILE__).parent_path() / "../../docs/formats/samples/found-memory-v1.jsonl";
  std::ifstream in(path, std::ios::binary);
  ASSERT_TRUE(in) << path;
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  FoundMemory memory = value(FoundMemory::decode(text, path.string()));
  EXPECT_EQ(memory.size(), 1U);
  EXPECT_EQ(memory.encode(), text);
}

TEST(FoundMemorySample, ANewerOneIsNotGuessedAt) {
  const std::string body = R"({"version":2,"kind":"found-memory","archive":""})"
                           "\n";
  EXPECT_ERROR(FoundMemory::decode(with_checksum(body), "memory"), ErrorCode::kUsage);
}

}  // namespace
}  // namespace changevault
