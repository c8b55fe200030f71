#include "capture/file_publisher.h"

#include <fstream>

#include <gtest/gtest.h>

#include "base/manual_clock.h"
#include "capture/cluster_time.h"
#include "codec/document_key.h"
#include "hub/memory/memory_hub.h"
#include "store/memory/memory_store.h"
#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"

namespace changevault::testing {
namespace {

constexpr std::int64_t kSecond = 1'736'949'600;  // 2025-01-15T14:00:00Z
constexpr Timestamp kNow{(kSecond + 86'400) * 1000};

std::string event(const std::string& name, std::int64_t second) {
  return R"({"_id":")" + name + R"(","clusterTime":{"$timestamp":{"t":)" + std::to_string(second) +
         R"(,"i":1}}})";
}

class FilePublisher : public ::testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }
  Result<PublishTotals> publish(const std::vector<std::string>& paths, PublishOptions options = {}) {
    return publish_files(hub_, paths, options, clock_, nullptr, {});
  }
  Result<PublishTotals> import(const std::vector<std::string>& paths, bool allow_late = false) {
    return publish(paths, {.time_from_cluster_time = true, .allow_late = allow_late});
  }
  std::vector<std::string> stored() {
    std::vector<std::string> payloads;
    const auto bounds = value(hub_.bounds()).front();
    for (Sequence at = bounds.first; at < bounds.next; at = at.next()) {
      const auto batch = value(hub_.read(PartitionId(0), at));
      payloads.emplace_back(batch->events.front().payload);
      times_.push_back(batch->events.front().broker_time.ms / 1000 - kSecond);
    }
    return payloads;
  }

  TempDir folder_;
  ManualClock clock_{kNow};
  MemoryHub hub_{1, clock_};
  std::vector<std::int64_t> times_;  // of the stored events, in seconds from kSecond
};

using Texts = std::vector<std::string>;

TEST_F(FilePublisher, SendsEachLineAsItIs) {
  const auto totals =
      value(publish({file("a", "{\"a\": 1}\r\n\n not json\n"), file("b", "last")}, {.batch_events = 2}));
  EXPECT_EQ(totals.events, 3);
  EXPECT_EQ(totals.bytes, 21);
  EXPECT_EQ(totals.empty_lines, 1);
  EXPECT_EQ(stored(), (Texts{"{\"a\": 1}", " not json", "last"}));
}

TEST_F(FilePublisher, OneDocumentGoesToOnePartition) {
  MemoryHub many(8, clock_);
  const std::string plain = R"({"documentKey":{"_id":7},"n":1})";
  const std::string wrapped = R"({"n":2,"documentKey":{"_id":{"$numberLong":"7"}}})";
  ASSERT_OK(publish_files(many, {file("a", plain + "\n" + wrapped + "\n")}, {}, clock_, nullptr, {}));
  const auto home = static_cast<std::size_t>(partition_of(partition_key(plain), 8));
  EXPECT_EQ(value(many.bounds())[home].next, Sequence(2));
}

TEST_F(FilePublisher, BatchesByBytesAndTellsItsProgress) {
  std::vector<std::int64_t> seen;
  const std::string path = file("a", std::string(10, 'x') + "\n" + std::string(10, 'y') + "\n" + "z\n");
  ASSERT_OK(publish_files(hub_, {path}, {.batch_bytes = 15}, clock_,
                          [&](const PublishTotals& t) { seen.push_back(t.events); }, {}));
  EXPECT_EQ(seen, (std::vector<std::int64_t>{2, 3}));
}

TEST_F(FilePublisher, WhatCameBeforeAnErrorIsSent) {
  const auto totals = publish({file("a", "one\ntwo\n"), folder_ / "absent"});
  EXPECT_ERROR(totals, ErrorCode::kNotFound);
  EXPECT_NE(totals.error().message.find("2 events were sent"), std::string::npos);
  EXPECT_EQ(stored(), (Texts{"one", "two"}));
}

TEST_F(FilePublisher, StopIsCancelled) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_ERROR(publish_files(hub_, {file("a", "one\n")}, {}, clock_, nullptr, stop.get_token()),
               ErrorCode::kCancelled);
}

TEST_F(FilePublisher, ImportMergesFilesByTime) {
  const std::string a = file("a", event("a1", kSecond) + "\n" + event("a2", kSecond + 20) + "\n");
  const std::string b = file("b", event("b1", kSecond + 10) + "\n\n" + event("b2", kSecond + 20) + "\n");
  const auto totals = value(import({a, b}));
  EXPECT_EQ(totals.events, 4);
  EXPECT_EQ(totals.empty_lines, 1);
  EXPECT_EQ(stored(), (Texts{event("a1", kSecond), event("b1", kSecond + 10), event("a2", kSecond + 20),
                             event("b2", kSecond + 20)}));
  EXPECT_EQ(times_, (std::vector<std::int64_t>{0, 10, 20, 20}));
  EXPECT_FALSE(value(hub_.clock()).live);
}

TEST_F(FilePublisher, EventsWithoutTimeTakeTheOneBefore) {
  const auto totals = value(
      import({file("a", "x\ny\n" + event("a", kSecond + 5) + "\nz\n" + event("b", kSecond + 9) + "\nw\n")}));
  EXPECT_EQ(totals.without_time, 4);
  EXPECT_EQ(stored(), (Texts{"x", "y", event("a", kSecond + 5), "z", event("b", kSecond + 9), "w"}));
  EXPECT_EQ(times_, (std::vector<std::int64_t>{5, 5, 5, 5, 9, 9}));
}

TEST_F(FilePublisher, AFileWithoutAnyTimeIsRefused) {
  EXPECT_ERROR(import({file("a", "{}\n{}\n")}), ErrorCode::kUsage);
  EXPECT_TRUE(stored().empty());
  EXPECT_OK(import({file("empty", "\n\n")}));
}

TEST_F(FilePublisher, TimeGoingBackIsRefusedUnlessAllowed) {
  ASSERT_OK(import({file("new", event("n", kSecond + 1000) + "\n")}));
  ASSERT_OK(import({file("edge", event("e", kSecond + 940) + "\n")}));
  const std::string late = file("late", event("l", kSecond + 939) + "\n");
  const auto refused = import({late});
  EXPECT_ERROR(refused, ErrorCode::kUsage);
  EXPECT_NE(refused.error().message.find("line 1 of " + late), std::string::npos);
  EXPECT_NE(refused.error().hint.find("--allow-late"), std::string::npos);
  EXPECT_EQ(stored().size(), 2U);
  EXPECT_EQ(value(import({late}, true)).late, 1);
  EXPECT_EQ(stored().size(), 3U);
}

TEST_F(FilePublisher, ATimeToComeDoesNotMakeTheRestLate) {
  const auto totals = value(import(
      {file("a", event("far", kSecond + 2'000'000'000) + "\n" + event("n", kNow.ms / 1000 - 30) + "\n")}));
  EXPECT_EQ(totals.events, 2);
  EXPECT_EQ(value(hub_.clock()).newest, kNow);
}

TEST_F(FilePublisher, ImportNeedsAHubThatTakesTimes) {
  class Kafkaesque final : public Hub {
   public:
    explicit Kafkaesque(Hub& hub) : hub_(hub) {}
    Result<HubDescription> describe() override { return hub_.describe(); }
    Result<std::vector<PartitionBounds>> bounds() override { return hub_.bounds(); }
    Result<HubClock> clock() override { return hub_.clock(); }
    Result<std::optional<EventBatch>> read(PartitionId p, Sequence at) override { return hub_.read(p, at); }
    Result<std::unique_ptr<Consumer>> join(const std::string& group, const GroupOwner& owner) override {
      return hub_.join(group, owner);
    }
    Result<std::unique_ptr<Producer>> producer() override { return hub_.producer(); }
    bool can_import() const override { return false; }
    Result<std::vector<std::string>> groups() override { return hub_.groups(); }
    Result<GroupDescription> describe_group(const std::string& group) override {
      return hub_.describe_group(group);
    }
    Result<Sequence> at_time(PartitionId p, Timestamp time) override { return hub_.at_time(p, time); }
    Result<void> create_group(const std::string& group, const GroupPositions& positions) override {
      return hub_.create_group(group, positions);
    }
    Result<void> reset_group(const std::string& group, const GroupPositions& positions) override {
      return hub_.reset_group(group, positions);
    }
    Result<void> delete_group(const std::string& group) override { return hub_.delete_group(group); }
    Result<void> raise_partitions(std::int32_t n) override { return hub_.raise_partitions(n); }
    std::string url() const override { return "kafka:"; }

   private:
    Hub& hub_;
  };
  Kafkaesque hub(hub_);
  EXPECT_ERROR(publish_files(hub, {file("a", event("a", kSecond))}, {.time_from_cluster_time = true}, clock_,
                             nullptr, {}),
               ErrorCode::kUsage);
}

class OversizePublisher : public FilePublisher {
 protected:
  OversizePublisher() { hub_.limit_payload(300); }
  PublishOptions with_store() {
    PublishOptions options;
    options.oversize = {&layout_, [this]() -> Result<ObjectStore*> {
                          ++opened_;
                          return &store_;
                        }};
    return options;
  }

  MemoryStore store_{clock_};
  KeyLayout layout_{"changestreams"};
  int opened_ = 0;
};

TEST_F(OversizePublisher, PutsTheBodyIntoTheStoreAndAPointerIntoTheHub) {
  const std::string large(400, 'x');
  const std::string path = file("a", "small\n" + large + "\nlast\n");
  const auto totals = value(publish({path}, with_store()));
  EXPECT_EQ(totals.events, 3);
  EXPECT_EQ(totals.oversize, 1);
  EXPECT_EQ(totals.bytes, 409);
  const Texts messages = stored();
  ASSERT_EQ(messages.size(), 3U);
  EXPECT_EQ(messages[0], "small");
  EXPECT_EQ(messages[2], "last");
  const auto pointer = parse_oversize(messages[1]);
  ASSERT_TRUE(pointer);
  EXPECT_EQ(value(store_.get("changestreams/" + pointer->key)), large);
  // What the hub holds, sent again, is the same event.
  ASSERT_OK(publish({file("again", messages[1])}, with_store()));
  EXPECT_EQ(stored().back(), messages[1]);
}

TEST_F(OversizePublisher, OpensNoStoreForWhatTheHubTakes) {
  ASSERT_OK(publish({file("a", std::string(300, 'x'))}, with_store()));
  EXPECT_EQ(opened_, 0);
}

TEST_F(OversizePublisher, ImportsKeepTheirTimes) {
  std::string large = event("b", kSecond + 5);
  large.insert(large.size() - 1, R"(,"text":")" + std::string(400, 'x') + "\"");
  PublishOptions options = with_store();
  options.time_from_cluster_time = true;
  const auto totals = value(
      publish({file("a", event("a", kSecond) + "\n" + large + "\n" + event("c", kSecond + 9))}, options));
  EXPECT_EQ(totals.oversize, 1);
  EXPECT_EQ(stored().size(), 3U);
  EXPECT_EQ(times_, (std::vector<std::int64_t>{0, 5, 9}));
}

TEST_F(OversizePublisher, WithoutAStoreTheLineIsNamedAndWhatCameBeforeIsSent) {
  const std::string path = file("a", "one\ntwo\n" + std::string(400, 'x') + "\nfour\n");
  PublishOptions options;
  options.oversize = {&layout_, []() -> Result<ObjectStore*> {
                        return Error(ErrorCode::kUsage, "this program knows no store of that kind", "s3://b",
                                     "known are: file:");
                      }};
  for (const PublishOptions& with : {options, PublishOptions()}) {
    const auto refused = publish({path}, with);
    EXPECT_ERROR(refused, ErrorCode::kUsage);
    EXPECT_NE(refused.error().message.find("line 3 of " + path), std::string::npos)
        << refused.error().message;
    EXPECT_NE(refused.error().message.find("400 bytes"), std::string::npos) << refused.error().message;
    EXPECT_NE(refused.error().message.find("2 events were sent before"), std::string::npos);
    EXPECT_FALSE(refused.error().hint.empty());
  }
  EXPECT_EQ(stored(), (Texts{"one", "two", "one", "two"}));
}

TEST(ClusterTime, ReadsEveryFormAndOnlyTheEventsOwn) {
  ClusterTimeReader reader;
  const Timestamp time{kSecond * 1000};
  EXPECT_EQ(reader.read(event("a", kSecond)), time);
  EXPECT_EQ(
      reader.read(
          R"({"clusterTime": {"$timestamp": {"t": {"$numberLong": "1736949600"}, "i": {"$numberInt": "1"}}}})"),
      time);
  EXPECT_EQ(reader.read(R"({"clusterTime":{"$timestamp":")" + std::to_string(kSecond << 32 | 7) + R"("}})"),
            time);
  const std::string inner = R"({"fullDocument":{"clusterTime":{"$timestamp":{"t":1,"i":1}}})";
  EXPECT_EQ(reader.read(inner + "}"), std::nullopt);
  EXPECT_EQ(reader.read(inner + R"(,"clusterTime":{"$timestamp":{"t":1736949600,"i":1}}})"), time);
  for (const char* none :
       {"", "x", "[]", "{", "{}", R"({"clusterTime":null})",
        R"({"clusterTime":{"$timestamp":{"t":"x","i":1}}})", R"({"clusterTime":1736949600})",
        R"({"clusterTime":{"$timestamp":{"t":-1,"i":1}}})", "{\"a\":\xff}"}) {
    EXPECT_EQ(reader.read(none), std::nullopt) << none;
  }
}

}  // namespace
}  // namespace changevault::testing
