#include "archive/segment_feed.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/hash.h"
#include "codec/record_builder.h"
#include "codec/segment_writer.h"
#include "store/memory/memory_store.h"
#include "store/metered_store.h"
#include "tests/support/expect.h"

namespace changevault {
namespace {

using testing::value;

constexpr Timestamp kNoon{1'736'942'400'000};  // 2025-01-15T12:00:00Z

class SegmentFeedTest : public ::testing::Test {
 protected:
  // Ten events, one each ten minutes from noon on, of documents 0 to 4; every third is a delete.
  void SetUp() override {
    for (int n = 0; n < 10; ++n) {
      const std::string payload =
          R"({"_id":{"_data":"82)" + std::to_string(n) + R"("},"operationType":")" +
          (n % 3 == 2 ? "delete" : "insert") +
          R"(","ns":{"db":"shop","coll":"orders"},"documentKey":{"_id":{"$numberInt":")" +
          std::to_string(n % 5) + R"("}}})";
      const HubEvent event{PartitionId(0), Sequence(n), "0", kNoon + minutes(10 * n), payload};
      const auto parsed = builder_.parse(event);
      ASSERT_TRUE(parsed.has_value()) << parsed.error();
      builder_.append_record(*parsed, event, event.broker_time, event.broker_time, writer_.text());
      writer_.added({event.sequence, event.broker_time, parsed->id, parsed->operation}, compressor_);
    }
    bytes_ = writer_.finish(compressor_).bytes;
    ref_ = put("a", bytes_);
  }

  SegmentRef put(const std::string& key, const std::string& bytes) {
    EXPECT_OK(store_.put_if_absent(key, bytes));
    return {key, sha256_hex(bytes), PartitionId(0), Slot(1), 10};
  }

  Result<std::vector<std::int64_t>> sequences(const SegmentRef& ref, const Scope& scope = {},
                                              std::stop_token stop = {}) {
    SegmentFeed feed(store_, scope, stop);
    std::vector<std::int64_t> out;
    CV_TRY(feed.read(ref, [&](const RecordView& record) -> Result<void> {
      out.push_back(record.sequence_number.value_or(-1));
      return {};
    }));
    EXPECT_EQ(feed.records_read(), 10);
    return out;
  }

  static std::string gzip_of(const std::string& lines) {
    BlockWorker compressor(1);
    SegmentWriter writer({});
    writer.text() = lines;
    writer.added({Sequence(0), kNoon, EventId{}, "insert"}, compressor);
    return writer.finish(compressor).bytes;
  }

  MemoryStore store_;
  RecordBuilder builder_{{"default", "hub", Epoch(0)}};
  BlockWorker compressor_{1};
  SegmentWriter writer_{{}};
  std::string bytes_;
  SegmentRef ref_;
};

TEST_F(SegmentFeedTest, GivesEveryRecordInOrderAndMayBeRepeated) {
  const Scope all;
  SegmentFeed feed(store_, all);
  for (int round = 1; round <= 2; ++round) {
    int expected = 0;
    ASSERT_OK(feed.read(ref_, [&](const RecordView& record) -> Result<void> {
      EXPECT_EQ(record.sequence_number, expected++);
      return {};
    }));
    EXPECT_EQ(expected, 10);
    EXPECT_EQ(feed.records_read(), 10 * round);
    EXPECT_EQ(feed.bytes_read(), static_cast<std::int64_t>(bytes_.size()) * round);
  }
}

TEST_F(SegmentFeedTest, FiltersByTimeOperationNameAndKey) {
  Scope scope;
  scope.time = {kNoon + minutes(10), kNoon + minutes(30)};
  EXPECT_EQ(value(sequences(ref_, scope)), (std::vector<std::int64_t>{1, 2}));
  scope = {};
  scope.hours_of_day = std::pair(13, 13);
  EXPECT_EQ(value(sequences(ref_, scope)), (std::vector<std::int64_t>{6, 7, 8, 9}));
  scope = {};
  scope.operations = {"delete"};
  EXPECT_EQ(value(sequences(ref_, scope)), (std::vector<std::int64_t>{2, 5, 8}));
  scope = {};
  scope.key = R"({ "_id": {"$numberLong":"3"} })";  // the same number, written otherwise
  EXPECT_EQ(value(sequences(ref_, scope)), (std::vector<std::int64_t>{3, 8}));
  scope = {};
  scope.collection = "nothing";
  EXPECT_TRUE(value(sequences(ref_, scope)).empty());
  scope = {};
  scope.key = "{not json";
  EXPECT_ERROR(sequences(ref_, scope), ErrorCode::kUsage);
}

TEST_F(SegmentFeedTest, OtherBytesAreCorruptEvenIfTheyAreAGoodSegment) {
  SegmentRef other = ref_;
  other.sha256 = sha256_hex("something else");
  const auto refused = sequences(other);
  EXPECT_ERROR(refused, ErrorCode::kCorrupt);
  EXPECT_EQ(refused.error().object, "a");
}

TEST_F(SegmentFeedTest, EveryFlippedByteIsFound) {
  for (std::size_t i = 0; i < bytes_.size(); ++i) {
    std::string damaged = bytes_;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x20);
    store_.corrupt("a", damaged);
    EXPECT_ERROR(sequences(ref_), ErrorCode::kCorrupt);
  }
}

TEST_F(SegmentFeedTest, AnAbsentSegmentIsNotFound) {
  EXPECT_ERROR(sequences({"nowhere", "", PartitionId(0), Slot(0), 0}), ErrorCode::kNotFound);
}

TEST_F(SegmentFeedTest, AListedSegmentThatIsGoneIsDamage) {
  ASSERT_OK(store_.remove("a"));
  const auto gone = sequences(ref_);
  EXPECT_ERROR(gone, ErrorCode::kCorrupt);
  EXPECT_EQ(gone.error().object, "a");
  EXPECT_FALSE(gone.error().hint.empty());
}

TEST_F(SegmentFeedTest, AnErrorOfTheConsumerEndsTheReading) {
  const Scope all;
  SegmentFeed feed(store_, all);
  int seen = 0;
  const auto ended = feed.read(ref_, [&](const RecordView&) -> Result<void> {
    if (++seen == 3) return Error(ErrorCode::kBusy, "enough");
    return {};
  });
  EXPECT_ERROR(ended, ErrorCode::kBusy);
  EXPECT_EQ(seen, 3);
}

TEST_F(SegmentFeedTest, StopsWhenAsked) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_ERROR(sequences(ref_, {}, stop.get_token()), ErrorCode::kCancelled);
}

// Without a sha256 nothing vouches for the bytes: fields in any order are fine, JSON that is none is not.
TEST_F(SegmentFeedTest, RecordsOfOthersAreCheckedToTheLastByte) {
  const std::string good =
      R"({"raw_event":{"x":[1,2]},"enqueued_time":"2025-01-15T12:00:00Z","operation_type":"insert",)"
      R"("event_id":"foreign"})";
  SegmentRef foreign = put("good", gzip_of(good + "\n"));
  foreign.sha256.clear();
  const Scope all;
  SegmentFeed feed(store_, all);
  EXPECT_OK(feed.read(foreign, [&](const RecordView& record) -> Result<void> {
    EXPECT_EQ(record.raw_event, R"({"x":[1,2]})");
    return {};
  }));
  for (const char* bad :
       {R"({"x":[1 2]})", R"({"x":01})", R"({"x":"\q"})", R"({"x":nul})", "{\"x\":\"\xff\"}"}) {
    std::string line = good;
    line.replace(line.find(R"({"x":[1,2]})"), 11, bad);
    store_.corrupt("good", gzip_of(good + "\n" + line + "\n"));
    const auto refused = feed.read(foreign, [](const RecordView&) -> Result<void> { return {}; });
    EXPECT_ERROR(refused, ErrorCode::kCorrupt);
    EXPECT_NE(refused.error().message.find("line 2"), std::string::npos) << refused.error().message;
  }
}

// Plain text with other line ends and blank lines, ids left out: what the event tells is filled in, also
// where a sha256 vouches for the bytes.
TEST_F(SegmentFeedTest, RecordsOfOthersAreCompleted) {
  const std::string record =
      R"({"enqueued_time":"2025-01-15T12:00:00Z","raw_event":{"_id":{"_data":"8201"},"operationType":"insert",)"
      R"("ns":{"db":"shop","coll":"orders"}}})";
  SegmentRef named = put("named", record + "\r\n\r\n" + record);
  SegmentRef unnamed = named;
  unnamed.sha256.clear();
  Scope orders;
  orders.collection = "orders";
  orders.operations = {"insert"};
  SegmentFeed feed(store_, orders);
  const auto none = [](const RecordView&) -> Result<void> { return {}; };
  EXPECT_ERROR(feed.read(named, none), ErrorCode::kCorrupt);
  feed.complete_with("default");
  for (const SegmentRef& ref : {named, unnamed}) {
    std::int64_t records = 0;
    const auto each = [&](const RecordView& view) -> Result<void> {
      ++records;
      EXPECT_EQ(view.event_id, to_string(EventId::of_token("default", "8201")));
      EXPECT_EQ(view.line, record);
      return {};
    };
    EXPECT_OK(feed.read(ref, each));
    EXPECT_OK(feed.read_facts(ref, each));
    EXPECT_OK(feed.read_chosen(ref, [](const RecordView&) { return true; }, each));
    EXPECT_EQ(records, 6);
  }
}

// `cat --limit 10` of a large segment brings a few blocks over the network, not the file.
TEST_F(SegmentFeedTest, WhoWantsTheFirstRecordsFetchesNoMore) {
  std::string text(200'000, 'x');
  BlockWorker compressor(0);
  SegmentWriter writer({});
  std::uint64_t state = 1;
  for (int n = 0; n < 200; ++n) {
    for (char& c : text) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      c = static_cast<char>('a' + (state >> 60));
    }
    const std::string payload =
        R"({"_id":{"_data":"83)" + std::to_string(n) +
        R"("},"operationType":"insert","ns":{"db":"shop","coll":"orders"},"documentKey":{"_id":)" +
        std::to_string(n) + R"(},"fullDocument":{"text":")" + text + "\"}}";
    const HubEvent event{PartitionId(0), Sequence(n), "0", kNoon, payload};
    const auto parsed = builder_.parse(event);
    ASSERT_TRUE(parsed.has_value()) << parsed.error();
    builder_.append_record(*parsed, event, event.broker_time, event.broker_time, writer.text());
    writer.added({event.sequence, event.broker_time, parsed->id, parsed->operation}, compressor);
  }
  const std::string bytes = writer.finish(compressor).bytes;
  ASSERT_GT(bytes.size(), 20'000'000U);
  const SegmentRef ref = put("large", bytes);
  MeteredStore metered(store_);
  const Scope all;
  SegmentFeed feed(metered, all);
  int read = 0;
  EXPECT_ERROR(feed.read(ref,
                         [&](const RecordView&) -> Result<void> {
                           if (++read < 10) return {};
                           return Error(ErrorCode::kCancelled, "enough was read");
                         }),
               ErrorCode::kCancelled);
  EXPECT_EQ(metered.requests(), 1);
  EXPECT_LE(metered.usage(StoreOperation::kGet).bytes, 4 << 20);
}

}  // namespace
}  // namespace changevault
