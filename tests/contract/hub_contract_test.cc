// What every hub promises (hub/hub.h), tried on each of them.
#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "base/manual_clock.h"
#include "base/random.h"
#include "codec/document_key.h"
#include "hub/memory/memory_hub.h"
#include "hub/sqlite/sqlite_hub.h"
#include "tests/support/expect.h"
#include "tests/support/kafka_broker.h"
#include "tests/support/kafka_hubs.h"
#include "tests/support/temp_dir.h"

namespace changevault::testing {
namespace {

constexpr std::int32_t kPartitions = 4;
constexpr Timestamp kStart{1'736'949'600'000};  // 2025-01-15T14:00:00Z

class HubContract : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "memory") {
      hub_ = std::make_unique<MemoryHub>(kPartitions, clock_);
    } else if (GetParam() == "sqlite") {
      hub_ = value(SqliteHub::create(folder_ / "hub.db", kPartitions, clock_, system_random()));
    } else if (KafkaBroker* const broker = kafka()) {
      hub_ = value(
          open_kafka(broker->bootstrap(), new_topic(), kPartitions, {{"message.max.bytes", "40000000"}}));
    } else {
      GTEST_SKIP() << KafkaBroker::why_not();
    }
    producer_ = value(hub_->producer());
  }

  // One for all tests here, which takes large messages.
  static KafkaBroker* kafka() {
    if (!KafkaBroker::available()) return nullptr;
    static KafkaBroker broker({.properties = {{"message.max.bytes", "40000000"}}});
    return &broker;
  }

  // Nothing happens behind the back of an embedded hub: what a test did is there at once, and time stands
  // still.
  bool embedded() const { return GetParam() != "kafka"; }

  void append(const std::string& key, const std::string& payload,
              std::optional<Timestamp> time = std::nullopt) {
    ASSERT_OK(producer_->append({{key, payload, time}}));
  }

  // The next thing that happens. `wait` is for embedded hubs, the others are waited for.
  Poll next(Consumer& consumer, Duration wait = milliseconds(10)) {
    if (embedded()) return value(consumer.poll(wait, {}));
    const Duration deadline = system_clock().steady();
    Poll poll;
    while (poll.idle() && system_clock().steady().ms < deadline.ms + 30'000)
      poll = value(consumer.poll(milliseconds(100), {}));
    return poll;
  }

  // A group's name that no other test has: they may share a cluster.
  std::string named(const std::string& group) const {
    return embedded() ? group : group + "-" + value(hub_->describe()).topic;
  }

  std::unique_ptr<Consumer> joined(const std::string& group) {
    auto consumer = value(hub_->join(named(group)));
    const Poll poll = next(*consumer, milliseconds(0));
    EXPECT_EQ(poll.assigned.size(), static_cast<std::size_t>(kPartitions));
    return consumer;
  }

  // A member that reads every partition from `at` on.
  std::unique_ptr<Consumer> reader(const std::string& group, Sequence at = Sequence(0)) {
    auto consumer = joined(group);
    for (std::int32_t p = 0; p < kPartitions; ++p) EXPECT_OK(consumer->seek(PartitionId(p), at));
    return consumer;
  }

  struct Read {
    Sequence sequence;
    std::string payload;
  };
  using AllRead = std::map<PartitionId, std::vector<Read>>;

  // Reads until each partition has said that it is at its end, and checks that sequences are dense.
  AllRead read_all(Consumer& consumer) {
    AllRead all;
    std::map<PartitionId, bool> ended;
    while (std::ranges::count_if(ended, [](const auto& entry) { return entry.second; }) < kPartitions) {
      const Poll poll = next(consumer, milliseconds(100));
      if (!poll.batch) throw std::runtime_error("no batch, no end");
      auto& events = all[poll.batch->partition];
      for (const HubEvent& event : poll.batch->events) {
        EXPECT_EQ(event.partition, poll.batch->partition);
        if (!events.empty()) {
          EXPECT_EQ(event.sequence, events.back().sequence.next());
        }
        EXPECT_EQ(event.offset, std::to_string(event.sequence.value));
        events.push_back({event.sequence, std::string(event.payload)});
      }
      if (!events.empty()) {
        EXPECT_EQ(poll.batch->next, events.back().sequence.next());
      }
      ended[poll.batch->partition] = poll.batch->at_end;
    }
    return all;
  }

  static PartitionId home(const std::string& key) { return PartitionId(partition_of(key, kPartitions)); }

  TempDir folder_;
  ManualClock clock_{kStart};
  std::unique_ptr<Hub> hub_;
  std::unique_ptr<Producer> producer_;
};

// What needs a clock that the test sets, or events with times of their own.
class EmbeddedHubContract : public HubContract {};

TEST_P(HubContract, DescribesItself) {
  const HubDescription description = value(hub_->describe());
  EXPECT_EQ(description.kind, GetParam());
  EXPECT_FALSE(description.identity.empty());
  EXPECT_EQ(description.partitions, kPartitions);
  EXPECT_EQ(hub_->url().substr(0, GetParam().size() + 1), GetParam() + ":");
}

TEST_P(HubContract, EmptyHubIsAtItsEndEverywhere) {
  for (const PartitionBounds& bounds : value(hub_->bounds())) {
    EXPECT_EQ(bounds.first, Sequence(0));
    EXPECT_EQ(bounds.next, Sequence(0));
  }
  const AllRead all = read_all(*reader("g"));
  EXPECT_EQ(all.size(), static_cast<std::size_t>(kPartitions));
  for (const auto& [partition, events] : all) EXPECT_TRUE(events.empty());
  EXPECT_EQ(value(hub_->read(PartitionId(0), Sequence(0))), std::nullopt);
}

TEST_P(HubContract, EqualKeysKeepTheirOrderInOnePartition) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::map<std::string, int> count;
  for (int batch = 0; batch < 20; ++batch) {
    std::vector<Message> messages;
    for (auto i = random() % 50; i > 0; --i) {
      const std::string key = "key" + std::to_string(random() % 17);
      messages.push_back({key, key + "#" + std::to_string(count[key]++), std::nullopt});
    }
    ASSERT_OK(producer_->append(std::move(messages)));
  }
  std::map<std::string, int> seen;
  for (const auto& [partition, events] : read_all(*reader("g"))) {
    for (const Read& event : events) {
      const std::string key = event.payload.substr(0, event.payload.find('#'));
      EXPECT_EQ(home(key), partition);
      EXPECT_EQ(event.payload, key + "#" + std::to_string(seen[key]++));
    }
  }
  std::erase_if(count, [](const auto& entry) { return entry.second == 0; });
  EXPECT_EQ(seen, count);
}

TEST_P(HubContract, BoundsCountWhatWasAppended) {
  for (int i = 0; i < 3; ++i) append("k", "{}");
  std::int64_t events = 0;
  for (const PartitionBounds& bounds : value(hub_->bounds())) {
    EXPECT_EQ(bounds.next.value, bounds.partition == home("k") ? 3 : 0);
    events += bounds.next.value - bounds.first.value;
  }
  EXPECT_EQ(events, 3);
}

TEST_P(HubContract, PayloadBytesComeBackAsTheyWere) {
  std::string all_bytes;
  for (int i = 0; i < 256; ++i) all_bytes.push_back(static_cast<char>(i));
  std::string large(std::size_t{20} << 20, 'x');
  large.front() = '\0';
  large.back() = '\n';
  const std::vector<std::string> payloads = {"",    std::string("\0", 1), all_bytes,
                                             large, "\xff\xfe not UTF-8", "end"};
  for (const std::string& payload : payloads) append("k", payload);
  const AllRead all = read_all(*reader("g"));
  const auto& events = all.at(home("k"));
  ASSERT_EQ(events.size(), payloads.size());
  for (std::size_t i = 0; i < payloads.size(); ++i) EXPECT_TRUE(events[i].payload == payloads[i]) << i;
}

TEST_P(HubContract, BatchesAreBounded) {
  const std::string payload(std::size_t{1} << 20, 'x');
  for (int i = 0; i < 20; ++i) append("k", payload);
  auto consumer = reader("g");
  std::size_t batches = 0;
  std::int64_t events = 0;
  while (events < 20) {
    const Poll poll = next(*consumer);
    ASSERT_TRUE(poll.batch);
    EXPECT_LE(poll.batch->bytes->size(), std::size_t{6} << 20);
    const bool ends = poll.batch->next == Sequence(poll.batch->partition == home("k") ? 20 : 0);
    if (embedded()) {
      EXPECT_EQ(poll.batch->at_end, ends);
    } else if (poll.batch->at_end) {
      EXPECT_TRUE(ends);
    }
    events += static_cast<std::int64_t>(poll.batch->events.size());
    ++batches;
  }
  EXPECT_GE(batches, 4U);
}

TEST_P(HubContract, PartitionsAreServedInTurn) {
  std::map<PartitionId, std::string> keys;
  for (int i = 0; keys.size() < kPartitions; ++i) keys.emplace(home(std::to_string(i)), std::to_string(i));
  for (const auto& [partition, key] : keys) {
    for (int i = 0; i < 10; ++i) append(key, std::string(std::size_t{1} << 20, 'x'));
  }
  auto consumer = reader("g");
  std::map<PartitionId, int> served;
  // Brokers give what lies together at once: there, no partition waits for the whole of another one.
  const int polls = embedded() ? kPartitions : 4 * kPartitions;
  for (int i = 0; i < polls; ++i) ++served[next(*consumer).batch->partition];
  EXPECT_EQ(served.size(), static_cast<std::size_t>(kPartitions));
}

TEST_P(HubContract, ReadFindsOneEventByItsPlace) {
  append("k", "zero");
  append("k", "one");
  const auto batch = value(hub_->read(home("k"), Sequence(1)));
  ASSERT_TRUE(batch);
  ASSERT_EQ(batch->events.size(), 1U);
  EXPECT_EQ(batch->events[0].payload, "one");
  EXPECT_EQ(batch->events[0].sequence, Sequence(1));
  if (embedded()) {
    EXPECT_EQ(batch->events[0].broker_time, kStart);
  } else {
    EXPECT_LT(std::abs(batch->events[0].broker_time.ms - system_clock().now().ms), 60'000);
  }
  EXPECT_FALSE(value(hub_->read(home("k"), Sequence(2))));
  EXPECT_FALSE(value(hub_->read(home("k"), Sequence(200))));
  EXPECT_ERROR(hub_->read(PartitionId(kPartitions), Sequence(0)), ErrorCode::kUsage);
  EXPECT_ERROR(hub_->read(PartitionId(-1), Sequence(0)), ErrorCode::kUsage);
}

TEST_P(HubContract, GroupsAreIndependentAndResume) {
  for (int i = 0; i < 5; ++i) append("k", std::to_string(i));
  {
    auto consumer = reader("a");
    read_all(*consumer);
    EXPECT_OK(consumer->commit(home("k"), Sequence(3)));
  }
  read_all(*reader("b"));
  const GroupDescription a = value(hub_->describe_group(named("a")));
  ASSERT_EQ(a.positions.size(), static_cast<std::size_t>(kPartitions));
  for (std::size_t i = 0; i < a.positions.size(); ++i) {
    const bool is_home = a.positions[i].partition == home("k");
    EXPECT_EQ(a.positions[i].next, is_home ? std::optional(Sequence(3)) : std::nullopt);
    EXPECT_EQ(a.positions[i].lag(), is_home ? 2 : 0);
  }
  std::vector<std::string> all{"$Default", named("a")};
  if (embedded()) {  // one without members and positions is none, for Kafka
    all.push_back(named("b"));
    for (const GroupPosition& position : value(hub_->describe_group(named("b"))).positions) {
      EXPECT_EQ(position.next, std::nullopt);
      EXPECT_EQ(position.lag(), position.partition == home("k") ? 5 : 0);
    }
  }
  EXPECT_EQ(value(hub_->groups()), all);
  auto again = joined("a");
  EXPECT_OK(again->seek(home("k"), *a.positions[static_cast<std::size_t>(home("k").value)].next));
  const Poll poll = next(*again);
  ASSERT_TRUE(poll.batch);
  ASSERT_EQ(poll.batch->events.size(), 2U);
  EXPECT_EQ(poll.batch->events[0].payload, "3");
}

TEST_P(HubContract, DefaultGroupAlwaysExistsAndOthersOnceJoined) {
  EXPECT_EQ(value(hub_->groups()), std::vector<std::string>{"$Default"});
  EXPECT_OK(hub_->describe_group("$Default"));
  EXPECT_ERROR(hub_->describe_group("nobody"), ErrorCode::kNotFound);
  EXPECT_ERROR(hub_->join(""), ErrorCode::kUsage);
  const auto somebody = joined("somebody");
  EXPECT_OK(hub_->describe_group(named("somebody")));
}

TEST_P(HubContract, AGroupBelongsToOneArchiveUntilItIsDeleted) {
  const GroupOwner first{"first id", "file:first"};
  const GroupOwner second{"second id", "file:second"};
  {
    auto consumer = value(hub_->join(named("g"), first));
    next(*consumer);
    EXPECT_OK(hub_->join(named("g"), first));  // any number of its archivers
    const auto refused = hub_->join(named("g"), second);
    EXPECT_ERROR(refused, ErrorCode::kUsage);
    for (const char* name : {"file:first", "file:second", "[hub] group"}) {
      EXPECT_NE((refused.error().message + refused.error().hint).find(name), std::string::npos) << name;
    }
    EXPECT_ERROR(hub_->join(named("g")), ErrorCode::kUsage);  // nor a reader of something else
    EXPECT_EQ(value(hub_->describe_group(named("g"))).owner, first);
    EXPECT_EQ(value(hub_->describe_group(named("g"))).members.size(), 1U);  // who was refused is none
  }
  EXPECT_ERROR(hub_->join(named("g"), second), ErrorCode::kUsage);  // also while nobody reads
  EXPECT_OK(hub_->join(named("g"), {"first id", "file:moved"}));
  EXPECT_EQ(value(hub_->describe_group(named("g"))).owner.name, "file:moved");
  EXPECT_OK(hub_->delete_group(named("g")));
  EXPECT_OK(hub_->join(named("g"), second));
  EXPECT_OK(hub_->join(named("another"), first));
}

TEST_P(HubContract, CommitsOutsideTheHubAreRefused) {
  append("k", "{}");
  auto consumer = reader("g");
  EXPECT_OK(consumer->commit(home("k"), Sequence(1)));
  EXPECT_ERROR(consumer->commit(home("k"), Sequence(2)), ErrorCode::kUsage);
  EXPECT_ERROR(consumer->commit(home("k"), Sequence(-1)), ErrorCode::kUsage);
  EXPECT_ERROR(consumer->commit(PartitionId(kPartitions), Sequence(0)), ErrorCode::kUsage);
}

TEST_P(HubContract, SeekGoesUpToTheEndAndNotBeyond) {
  append("k", "{}");
  auto consumer = reader("g");
  EXPECT_OK(consumer->seek(home("k"), Sequence(1)));
  EXPECT_ERROR(consumer->seek(home("k"), Sequence(2)), ErrorCode::kValidation);
  EXPECT_ERROR(consumer->seek(home("k"), Sequence(-1)), ErrorCode::kNotFound);
  EXPECT_ERROR(consumer->seek(PartitionId(kPartitions), Sequence(0)), ErrorCode::kUsage);
}

TEST_P(HubContract, NothingComesBeforeSeek) {
  append("k", "{}");
  auto consumer = value(hub_->join(named("g")));
  EXPECT_ERROR(consumer->seek(home("k"), Sequence(0)), ErrorCode::kUsage);  // not assigned yet
  EXPECT_EQ(next(*consumer).assigned.size(), static_cast<std::size_t>(kPartitions));
  EXPECT_TRUE(value(consumer->poll(milliseconds(embedded() ? 20 : 1000), {})).idle());
  EXPECT_OK(consumer->seek(home("k"), Sequence(0)));
  EXPECT_TRUE(next(*consumer, milliseconds(20)).batch);
}

TEST_P(HubContract, TheEndIsSaidOnceThenAfterEachWaitForEachPartition) {
  append("k", "{}");
  auto consumer = reader("g");
  std::map<PartitionId, int> ends;
  const Duration before = clock_.steady();
  const auto take_end = [&] {
    const Timestamp earlier = embedded() ? clock_.now() : system_clock().now() - seconds(5);
    const Poll poll = next(*consumer, seconds(1));
    ASSERT_TRUE(poll.batch);
    if (!poll.batch->events.empty() && !embedded()) return;  // brokers say the end by itself
    EXPECT_TRUE(poll.batch->at_end);
    EXPECT_GE(poll.batch->clock.now, earlier);
    ++ends[poll.batch->partition];
  };
  const auto said = [&](int times) {
    return ends.size() == static_cast<std::size_t>(kPartitions) &&
           std::ranges::all_of(ends, [&](const auto& end) { return end.second >= times; });
  };
  if (!embedded()) {  // a broker that is slow to answer for one partition may be asked for another again
    for (int polls = 0; polls < 200 && !said(2); ++polls) take_end();
    EXPECT_TRUE(said(2));
    return;
  }
  for (int i = 0; i < kPartitions; ++i) take_end();
  EXPECT_TRUE(said(1));
  EXPECT_EQ(clock_.steady(), before) << "an end that was not reported yet must not wait";
  for (int i = 0; i < kPartitions; ++i) take_end();
  for (const auto& [partition, times] : ends) EXPECT_EQ(times, 2) << to_string(partition);
  EXPECT_EQ(clock_.steady().ms, before.ms + 1000) << "one wait serves all partitions";
}

TEST_P(HubContract, AnAppendEndsTheWait) {
  append("k", "{}");
  auto consumer = reader("g");
  read_all(*consumer);
  append("k", "new");
  while (true) {
    const Poll poll = value(consumer->poll(hours(1), {}));
    ASSERT_TRUE(poll.batch);
    if (poll.batch->events.empty()) continue;
    EXPECT_EQ(poll.batch->events[0].payload, "new");
    if (embedded()) {
      EXPECT_TRUE(poll.batch->at_end);
    }
    break;
  }
  EXPECT_LT(clock_.now(), kStart + hours(1));
}

TEST_P(HubContract, StopEndsThePoll) {
  auto consumer = reader("g");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_TRUE(value(consumer->poll(hours(1), stop.get_token())).idle());
}

TEST_P(EmbeddedHubContract, LiveEventsHaveTheClocksTimeAndTheHubGoesWithIt) {
  append("k", "{}");
  clock_.advance(minutes(5));
  const HubClock clock = value(hub_->clock());
  EXPECT_TRUE(clock.live);
  EXPECT_EQ(clock.now, kStart + minutes(5));
  EXPECT_EQ(clock.newest, kStart);
}

TEST_P(EmbeddedHubContract, ImportedTimesAreKeptAndTheHubStandsAtTheNewest) {
  ASSERT_TRUE(hub_->can_import());
  append("k", "b", kStart - hours(1));
  append("k", "a", kStart - hours(2));
  const HubClock imported = value(hub_->clock());
  EXPECT_FALSE(imported.live);
  EXPECT_EQ(imported.now, kStart - hours(1));
  EXPECT_EQ(imported.newest, kStart - hours(1));
  EXPECT_EQ(value(hub_->read(home("k"), Sequence(1)))->events[0].broker_time, kStart - hours(2));
  append("k", "live");
  EXPECT_TRUE(value(hub_->clock()).live);
  EXPECT_EQ(value(hub_->clock()).now, kStart);
}

TEST_P(EmbeddedHubContract, ATimeToComeIsTheClocks) {
  append("k", "{}", kStart + hours(24 * 365));
  EXPECT_EQ(value(hub_->clock()).newest, kStart);
  EXPECT_EQ(value(hub_->read(home("k"), Sequence(0)))->events[0].broker_time, kStart);
}

TEST_P(EmbeddedHubContract, AnEmptyHubsClockStandsStill) {
  const HubClock clock = value(hub_->clock());
  EXPECT_FALSE(clock.live);
  EXPECT_EQ(clock.newest, std::nullopt);
  EXPECT_LT(clock.now, kStart - hours(24));
}

TEST_P(EmbeddedHubContract, BatchesCarryTheClockOfBeforeTheFetch) {
  append("k", "{}");
  auto consumer = reader("g");
  const Timestamp before = clock_.now();
  const Poll poll = value(consumer->poll(milliseconds(0), {}));
  ASSERT_TRUE(poll.batch);
  EXPECT_TRUE(poll.batch->clock.live);
  EXPECT_EQ(poll.batch->clock.now, before);
}

TEST_P(HubContract, ReadersSeeWholeBatchesWhileAWriterWrites) {
  constexpr int kEvents = 2000;
  // Two threads wait for each other here: by a real clock.
  if (GetParam() == "sqlite") hub_ = value(SqliteHub::open(folder_ / "hub.db", system_clock()));
  auto consumer = reader("g");
  std::thread writer([&] {
    auto producer = value(hub_->producer());
    for (int i = 0; i < kEvents; i += 10) {
      std::vector<Message> messages;
      for (int j = i; j < i + 10; ++j) messages.push_back({"k", std::to_string(j), std::nullopt});
      EXPECT_OK(producer->append(std::move(messages)));
    }
  });
  int seen = 0;
  while (seen < kEvents) {
    const Poll poll = value(consumer->poll(milliseconds(50), {}));
    if (!poll.batch) continue;
    for (const HubEvent& event : poll.batch->events) ASSERT_EQ(event.payload, std::to_string(seen++));
    if (embedded() && poll.batch->partition == home("k")) {
      EXPECT_EQ(poll.batch->next.value % 10, 0) << "half an append was seen";
    }
  }
  writer.join();
}

TEST_P(EmbeddedHubContract, ATimeIsFoundAtTheFirstEventThatHasItOrALaterOne) {
  const PartitionId partition = home("k");
  EXPECT_EQ(value(hub_->at_time(partition, kStart)), Sequence(0)) << "the end of an empty partition";
  const std::vector<int> hours_ago = {9, 7, 8, 5, 6, 2};  // going back now and then, as an import may
  for (const int ago : hours_ago) append("k", "{}", kStart - hours(ago));
  const auto first_at = [&](int ago) { return value(hub_->at_time(partition, kStart - hours(ago))).value; };
  EXPECT_EQ(first_at(20), 0);
  EXPECT_EQ(first_at(9), 0);
  EXPECT_EQ(first_at(8), 1);
  EXPECT_EQ(first_at(7), 1);
  EXPECT_EQ(first_at(6), 3);
  EXPECT_EQ(first_at(3), 5);
  EXPECT_EQ(first_at(1), 6);
  EXPECT_ERROR(hub_->at_time(PartitionId(kPartitions), kStart), ErrorCode::kUsage);
}

TEST_P(EmbeddedHubContract, TimesAreFoundAmongManyEvents) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::vector<std::int64_t> times;
  std::vector<Message> messages;
  for (int i = 0; i < 30'000; ++i) {
    times.push_back(kStart.ms - 40'000'000 + i * 1000 + static_cast<std::int64_t>(random() % 600'000));
    messages.push_back({"k", "", Timestamp{times.back()}});
  }
  ASSERT_OK(producer_->append(std::move(messages)));
  for (int i = 0; i < 50; ++i) {
    const Timestamp wanted{times[random() % times.size()] + static_cast<std::int64_t>(random() % 3) - 1};
    const auto found = std::ranges::find_if(times, [&](std::int64_t time) { return time >= wanted.ms; });
    EXPECT_EQ(value(hub_->at_time(home("k"), wanted)).value, found - times.begin());
  }
}

TEST_P(HubContract, GroupsAreMadeMovedAndForgotten) {
  for (int i = 0; i < 5; ++i) append("k", "{}");
  const std::string fresh = named("new");
  ASSERT_OK(hub_->create_group(fresh, {{home("k"), Sequence(4)}}));
  EXPECT_ERROR(hub_->create_group(fresh, {}), ErrorCode::kAlreadyExists);
  EXPECT_ERROR(hub_->create_group("", {}), ErrorCode::kUsage);
  EXPECT_ERROR(hub_->create_group(named("bad"), {{home("k"), Sequence(6)}}), ErrorCode::kUsage);
  EXPECT_ERROR(hub_->describe_group(named("bad")), ErrorCode::kNotFound);  // all or nothing
  const auto position = [&] {
    const auto at = static_cast<std::size_t>(home("k").value);
    return value(hub_->describe_group(fresh)).positions[at].next;
  };
  EXPECT_EQ(position(), Sequence(4));
  EXPECT_OK(hub_->reset_group(fresh, {{home("k"), Sequence(1)}}));
  EXPECT_EQ(position(), Sequence(1));
  EXPECT_ERROR(hub_->reset_group(fresh, {{home("k"), Sequence(6)}}), ErrorCode::kUsage);
  EXPECT_ERROR(hub_->reset_group(fresh, {{PartitionId(kPartitions), Sequence(0)}}), ErrorCode::kUsage);
  EXPECT_EQ(position(), Sequence(1));
  EXPECT_OK(hub_->delete_group(fresh));
  EXPECT_ERROR(hub_->describe_group(fresh), ErrorCode::kNotFound);
  EXPECT_ERROR(hub_->delete_group(fresh), ErrorCode::kNotFound);
  EXPECT_ERROR(hub_->reset_group(fresh, {}), ErrorCode::kNotFound);
  EXPECT_ERROR(hub_->delete_group("$Default"), ErrorCode::kUsage);
  EXPECT_OK(hub_->reset_group("$Default", {{home("k"), Sequence(5)}}));
  if (embedded()) return;
  EXPECT_EQ(value(hub_->at_time(home("k"), Timestamp{0})), Sequence(0));
  EXPECT_EQ(value(hub_->at_time(home("k"), system_clock().now() + hours(1))), Sequence(5));
  const HubClock clock = value(hub_->clock());
  ASSERT_TRUE(clock.newest);
  EXPECT_LT(std::abs(clock.newest->ms - system_clock().now().ms), 60'000);
}

TEST_P(HubContract, AGroupWithLiveMembersIsNotMoved) {
  {
    auto consumer = reader("g");
    const GroupDescription group = value(hub_->describe_group(named("g")));
    ASSERT_EQ(group.members.size(), 1U);
    EXPECT_EQ(group.members[0].partitions.size(), static_cast<std::size_t>(kPartitions));
    const auto reset = hub_->reset_group(named("g"), {});
    EXPECT_ERROR(reset, ErrorCode::kBusy);
    EXPECT_NE(reset.error().message.find(group.members[0].name), std::string::npos);
    EXPECT_FALSE(reset.error().hint.empty());
    EXPECT_ERROR(hub_->delete_group(named("g")), ErrorCode::kBusy);
  }
  if (!embedded()) return;  // gone with its last member
  EXPECT_TRUE(value(hub_->describe_group(named("g"))).members.empty());
  EXPECT_OK(hub_->delete_group(named("g")));
}

TEST_P(HubContract, PartitionsAreAddedWhileItRuns) {
  append("k", "{}");
  auto consumer = reader("g");
  read_all(*consumer);
  EXPECT_ERROR(hub_->raise_partitions(kPartitions - 1), ErrorCode::kUsage);
  EXPECT_OK(hub_->raise_partitions(kPartitions));
  ASSERT_OK(hub_->raise_partitions(2 * kPartitions));
  EXPECT_EQ(value(hub_->describe()).partitions, 2 * kPartitions);
  EXPECT_EQ(value(hub_->bounds()).size(), 2U * kPartitions);
  std::string key = "0";
  for (int i = 1; partition_of(key, 2 * kPartitions) < kPartitions; ++i) key = std::to_string(i);
  // Producers of Kafka learn of it within the age of their metadata.
  if (!embedded()) producer_ = value(hub_->producer());
  append(key, "new");
  const PartitionId added(partition_of(key, 2 * kPartitions));
  Poll poll;
  while (poll.assigned.empty()) poll = next(*consumer, seconds(1));
  ASSERT_EQ(poll.assigned.size(), static_cast<std::size_t>(kPartitions));
  ASSERT_OK(consumer->seek(added, Sequence(0)));
  do poll = next(*consumer, seconds(1));
  while (poll.batch && poll.batch->partition != added);
  ASSERT_TRUE(poll.batch);
  ASSERT_EQ(poll.batch->events.size(), 1U);
  EXPECT_EQ(poll.batch->events[0].payload, "new");
  EXPECT_OK(consumer->commit(added, Sequence(1)));
  EXPECT_EQ(value(hub_->describe_group(named("g"))).positions.size(), 2U * kPartitions);
}

TEST_P(HubContract, WhoDoesNotReadAPartitionMayNotCommitIt) {
  auto consumer = value(hub_->join(named("g")));
  EXPECT_ERROR(consumer->commit(PartitionId(0), Sequence(0)), ErrorCode::kFenced);
  next(*consumer);
  EXPECT_OK(consumer->commit(PartitionId(0), Sequence(0)));
}

INSTANTIATE_TEST_SUITE_P(Hubs, HubContract, ::testing::Values("memory", "sqlite", "kafka"),
                         [](const auto& hub) { return hub.param; });
INSTANTIATE_TEST_SUITE_P(Hubs, EmbeddedHubContract, ::testing::Values("memory", "sqlite"),
                         [](const auto& hub) { return hub.param; });

}  // namespace
}  // namespace changevault::testing
