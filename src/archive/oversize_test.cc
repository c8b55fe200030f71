// Events larger than the hub takes: put aside, pointed at, and taken back.
#include <functional>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "archive/leftovers.h"
#include "archive/oversize_producer.h"
#include "archive/oversize_reader.h"
#include "base/hash.h"
#include "codec/document_key.h"
#include "codec/segment_reader.h"
#include "store/faulty_store.h"
#include "store/object_source.h"
#include "tests/support/hub_life_fixture.h"

namespace changevault {
namespace {

using testing::at;
using testing::event;
using testing::HubLifeFixture;
using testing::value;

constexpr PartitionId kP0{0};
constexpr std::size_t kLimit = 600;

std::string large_event(int number, std::size_t bytes) {
  std::string text = event("shop", "orders", number);
  const std::string mark = "some text";
  text.replace(text.find(mark), mark.size(), std::string(bytes - text.size() + mark.size(), 'x'));
  return text;
}

class OversizeTest : public ::testing::Test, protected HubLifeFixture {
 protected:
  void SetUp() override {
    hub.limit_payload(kLimit);
    init();
  }

  OversizeProducer producer() {
    return {value(hub.producer()), {&layout, [&]() -> Result<ObjectStore*> { return &through(); }}};
  }
  Result<void> publish(const std::vector<std::string>& payloads, Timestamp time = at(9, 0)) {
    std::vector<Message> messages;
    for (const std::string& payload : payloads) messages.push_back({partition_key(payload), payload, time});
    return producer().append(std::move(messages));
  }
  // Straight into the first partition, as a pointer.
  void append_pointer(const std::string& body, Timestamp time = at(9, 0)) {
    ASSERT_OK(store.put_if_absent(body_key(body), body));
    hub.append(kP0, pointer_to(body), time, false);
  }
  static std::string pointer_to(const std::string& body) {
    const std::string sha = sha256_hex(body);
    return encode_oversize({KeyLayout::oversize_name(sha), static_cast<std::int64_t>(body.size()), sha});
  }
  std::string body_key(const std::string& body) const { return layout.oversize(sha256_hex(body)); }
  std::vector<std::string> bodies() { return keys(layout.oversize_prefix()); }
  void put_other(const std::string& key, const std::string& bytes) {
    ASSERT_OK(store.remove(key));
    ASSERT_OK(store.put_if_absent(key, bytes));
  }

  // Lines of everything that the archive lists.
  std::vector<std::string> lines(bool dead_letters = false) {
    const Catalog listed = catalog();
    std::vector<std::string> out;
    for (const ListedSegment& s : dead_letters ? listed.dead_letters() : listed.segments()) {
      ObjectSource source(store, s.facts.key);
      SegmentReader reader(source);
      for (auto text = value(reader.next()); !text.empty(); text = value(reader.next())) {
        for (std::string_view rest = text; !rest.empty();) {
          const std::size_t end = rest.find('\n');
          out.emplace_back(rest.substr(0, end));
          rest.remove_prefix(end + 1);
        }
      }
    }
    return out;
  }
  std::string only_dead_letter() {
    const auto all = lines(true);
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? std::string() : all.front();
  }
  static std::string reason(const std::string& text) { return R"({"reason":")" + text; }

  ObjectStore& through() { return through_ != nullptr ? *through_ : store; }
  ObjectStore* through_ = nullptr;  // what producers put bodies into, where it is not the plain store
};

TEST_F(OversizeTest, IsArchivedAsIfItHadComeWhole) {
  const std::string small = event("shop", "orders", 1);
  const std::string large = large_event(2, 5000);
  ASSERT_OK(publish({small, large}));
  ASSERT_EQ(bodies(), std::vector<std::string>{body_key(large)});
  EXPECT_EQ(value(store.get(body_key(large))), large);
  EXPECT_EQ(value(archive()).records, 2);
  const std::vector<std::string> by_pointer = lines();

  HubLifeFixture whole;
  whole.init();
  const auto to = value(whole.hub.producer());
  ASSERT_OK(to->append({{partition_key(small), small, at(9, 0)}, {partition_key(large), large, at(9, 0)}}));
  ASSERT_OK(whole.archive());
  const Catalog ours = catalog();
  const Catalog theirs = whole.catalog();
  ASSERT_EQ(ours.segments().size(), theirs.segments().size());
  for (std::size_t i = 0; i < ours.segments().size(); ++i) {
    EXPECT_EQ(ours.segments()[i].facts.key, theirs.segments()[i].facts.key);
    EXPECT_EQ(ours.segments()[i].facts.digest, theirs.segments()[i].facts.digest);
    EXPECT_EQ(ours.segments()[i].facts.text_bytes, theirs.segments()[i].facts.text_bytes);
  }
  expect_verified(2);
}

TEST_F(OversizeTest, OnTheLimitIsWhole) {
  ASSERT_OK(publish({large_event(1, kLimit), large_event(2, kLimit + 1)}));
  EXPECT_EQ(bodies().size(), 1U);
  EXPECT_EQ(value(archive()).records, 2);
  expect_verified(2);
}

TEST_F(OversizeTest, ADocumentStaysInItsPartition) {
  MemoryHub many(8, clock, "many");
  many.limit_payload(kLimit);
  OversizeProducer to(value(many.producer()), {&layout, [&]() -> Result<ObjectStore*> { return &store; }});
  const std::string whole = event("shop", "orders", 7);
  const std::string large = large_event(7, 5000);
  ASSERT_OK(to.append({{partition_key(whole), whole, {}}, {partition_key(large), large, {}}}));
  const auto home = static_cast<std::size_t>(partition_of(partition_key(whole), 8));
  EXPECT_EQ(value(many.bounds())[home].next, Sequence(2));
  EXPECT_EQ(to.oversize(), 1);
}

// What is no JSON is a dead letter with all its bytes, also past the hub's limit.
TEST_F(OversizeTest, ABodyThatIsNoEventIsADeadLetterWithItsOwnBytes) {
  const std::string garbage(2000, 'g');
  ASSERT_OK(publish({garbage}));
  EXPECT_EQ(value(archive()).dead_letters, 1);
  EXPECT_TRUE(only_dead_letter().ends_with(R"("payload_base64":")" + to_base64(garbage) + "\"}"));
}

TEST_F(OversizeTest, ABodyThatIsAPointerIsTheEvent) {
  const std::string body = large_event(1, 5000);
  const std::string inner = pointer_to(body);
  append_pointer(inner);
  EXPECT_EQ(value(archive()).dead_letters, 1);
  EXPECT_TRUE(only_dead_letter().ends_with(R"("payload_base64":")" + to_base64(inner) + "\"}"));
}

TEST_F(OversizeTest, NoBodyNoPointer) {
  FaultyStore store_down(store, [](StoreOperation operation, const std::string&) {
    return operation == StoreOperation::kPut ? Fault::kFailBefore : Fault::kNone;
  });
  through_ = &store_down;
  EXPECT_ERROR(publish({event("shop", "orders", 1), large_event(2, 5000)}), ErrorCode::kUnreachable);
  for (const PartitionBounds& bounds : value(hub.bounds())) EXPECT_EQ(bounds.next, Sequence(0));
}

TEST_F(OversizeTest, ALostAnswerIsOurOwnRetry) {
  int puts = 0;
  FaultyStore once(store, [&](StoreOperation operation, const std::string&) {
    return operation == StoreOperation::kPut && puts++ == 0 ? Fault::kFailAfter : Fault::kNone;
  });
  through_ = &once;
  const std::string large = large_event(1, 5000);
  EXPECT_ERROR(publish({large}), ErrorCode::kUnreachable);
  ASSERT_OK(publish({large}));
  EXPECT_EQ(bodies().size(), 1U);
  EXPECT_EQ(value(archive()).records, 1);
}

TEST_F(OversizeTest, OtherBytesUnderABodysNameAreNeverPointedAt) {
  const std::string large = large_event(1, 5000);
  ASSERT_OK(store.put_if_absent(body_key(large), "something else"));
  EXPECT_ERROR(publish({large}), ErrorCode::kCorrupt);
  EXPECT_EQ(value(store.get(body_key(large))), "something else");
  for (const PartitionBounds& bounds : value(hub.bounds())) EXPECT_EQ(bounds.next, Sequence(0));
}

TEST_F(OversizeTest, MoreThanIsPutAsideIsRefused) {
  EXPECT_ERROR(publish({std::string(kMostOversizeBytes + 1, 'x')}), ErrorCode::kUsage);
  EXPECT_TRUE(bodies().empty());
}

// --- bodies that are not what the pointer says ---

TEST_F(OversizeTest, ABodyThatIsGoneIsADeadLetter) {
  const std::string large = large_event(1, 5000);
  hub.append(kP0, pointer_to(large), at(9, 0), false);
  hub.append(kP0, event("shop", "orders", 2), at(9, 1), false);
  const ArchiveTotals totals = value(archive());
  EXPECT_EQ(totals.records, 1);
  EXPECT_EQ(totals.dead_letters, 1);
  const std::string dead = only_dead_letter();
  EXPECT_TRUE(dead.starts_with(reason("the body of an oversize event is not in the store: _oversize/")))
      << dead;
  EXPECT_TRUE(dead.ends_with(to_base64(pointer_to(large)) + "\"}"));
  expect_verified(1);
}

TEST_F(OversizeTest, ABodyWithOtherBytesIsADeadLetter) {
  const std::string flipped = large_event(1, 5000);
  const std::string cut = large_event(2, 5000);
  const std::string longer = large_event(3, 5000);
  for (const std::string& body : {flipped, cut, longer}) append_pointer(body);
  std::string other = flipped;
  other[4000] ^= 1;
  put_other(body_key(flipped), other);
  put_other(body_key(cut), cut.substr(1));
  put_other(body_key(longer), longer + "}");
  EXPECT_EQ(value(archive()).dead_letters, 3);
  const auto dead = lines(true);
  ASSERT_EQ(dead.size(), 3U);
  EXPECT_TRUE(dead[0].starts_with(reason("the body of an oversize event has another sha256: "))) << dead[0];
  EXPECT_TRUE(dead[1].starts_with(reason("the body of an oversize event has 4999 bytes, not 5000")))
      << dead[1];
  EXPECT_TRUE(dead[2].starts_with(reason("the body of an oversize event is longer than its 5000")))
      << dead[2];
}

TEST_F(OversizeTest, AWrongAnswerIsReadAgain) {
  const std::string large = large_event(1, 5000);
  append_pointer(large);
  int gets = 0;
  FaultyStore flips(store, [&](StoreOperation operation, const std::string& key) {
    return operation == StoreOperation::kGet && key == body_key(large) && gets++ < 2 ? Fault::kWrongAnswer
                                                                                     : Fault::kNone;
  });
  EXPECT_EQ(value(archive_with(flips)).records, 1);
  EXPECT_EQ(gets, 3);
}

TEST_F(OversizeTest, APointerElsewhereIsADeadLetterAndNothingIsReadThere) {
  const std::string sha = sha256_hex("secret");
  for (const char* key :
       {"../../etc/passwd", "_ledger/seals/000000000000.json", "_oversize/../x", "_oversize/ab/cd.json"})
    hub.append(kP0, encode_oversize({key, 6, sha}), at(9, 0), false);
  hub.append(kP0, encode_oversize({KeyLayout::oversize_name(sha), std::int64_t{1} << 40, sha}), at(9, 0),
             false);
  FaultyStore watched(store, [&](StoreOperation operation, const std::string& key) {
    if (operation == StoreOperation::kGet) {
      EXPECT_TRUE(key.starts_with(layout.ledger_prefix())) << key;
    }
    return Fault::kNone;
  });
  EXPECT_EQ(value(archive_with(watched)).dead_letters, 5);
  const auto dead = lines(true);
  ASSERT_EQ(dead.size(), 5U);
  EXPECT_TRUE(dead[0].starts_with(
      reason("the pointer of an oversize event names a place outside of _oversize/: ../")));
  EXPECT_TRUE(dead[1].starts_with(
      reason("the pointer of an oversize event names a place outside of _oversize/: _l")));
  EXPECT_TRUE(dead[2].starts_with(reason("the pointer of an oversize event names another body")));
  EXPECT_TRUE(dead[3].starts_with(reason("the pointer of an oversize event names another body")));
  EXPECT_TRUE(dead[4].starts_with(reason("the body of an oversize event is longer than 64 MiB")));
}

TEST_F(OversizeTest, SomebodyElsesEventThatLooksAlikeIsArchived) {
  const std::string own =
      R"({"changevault_oversize":1,"operationType":"insert","ns":{"db":"shop","coll":"c"}})";
  hub.append(kP0, own, at(9, 0), false);
  EXPECT_EQ(value(archive()).records, 1);
  EXPECT_TRUE(lines().at(0).ends_with(R"("raw_event":)" + own + "}"));
}

TEST_F(OversizeTest, AStoreThatIsDownForAWhileIsAskedAgain) {
  const std::string large = large_event(1, 5000);
  append_pointer(large);
  int failures = 0;
  FaultyStore down(store, [&](StoreOperation operation, const std::string& key) {
    return operation == StoreOperation::kGet && key == body_key(large) && failures < 4
               ? (++failures, Fault::kFailBefore)
               : Fault::kNone;
  });
  EXPECT_EQ(value(archive_with(down)).records, 1);
  EXPECT_EQ(failures, 4);
  expect_verified(1);
}

TEST_F(OversizeTest, AStoreThatStaysDownEndsTheRunAndTheNextGoesOn) {
  const std::string large = large_event(1, 5000);
  append_pointer(large);
  FaultyStore down(store, [&](StoreOperation operation, const std::string& key) {
    return operation == StoreOperation::kGet && key == body_key(large) ? Fault::kFailBefore : Fault::kNone;
  });
  EXPECT_ERROR(archive_with(down), ErrorCode::kUnreachable);
  EXPECT_EQ(value(archive()).records, 1);
  expect_verified(1);
}

// A store that lost everything at once (a folder that is not mounted) says nothing about one body.
TEST_F(OversizeTest, WithoutAnyLedgerAnAbsenceIsNone) {
  const std::string large = large_event(1, 5000);
  const OversizeReader reader(store, layout);
  EXPECT_FALSE(value(reader.read(pointer_to(large)))->has_value());
  MemoryStore empty(clock);
  EXPECT_ERROR(OversizeReader(empty, layout).read(pointer_to(large)), ErrorCode::kCorrupt);
  EXPECT_FALSE(value(OversizeReader(empty, layout).read(large)).has_value());
}

// The limit of memory counts the body, not the pointer.
TEST_F(OversizeTest, MemoryCountsBodies) {
  options.memory = 1 << 20;
  for (int i = 0; i < 8; ++i) append_pointer(large_event(i, 400'000), at(9, i));
  const ArchiveTotals totals = value(archive());
  EXPECT_EQ(totals.records, 8);
  EXPECT_GE(totals.commits, 3);
  expect_verified(8);
}

// --- the event at the end of what is archived ---

TEST_F(OversizeTest, TheTailIsKnownAgainByItsBody) {
  append_pointer(large_event(1, 5000));
  ASSERT_OK(archive());
  EXPECT_EQ(value(archive()).events, 0);
  EXPECT_ERROR(archive_as(true, false), ErrorCode::kUsage);  // proven to be the same hub
  hub.append(kP0, event("shop", "orders", 2), at(9, 1), false);
  EXPECT_EQ(value(archive()).events, 1);
  expect_verified(2);
}

TEST_F(OversizeTest, ATailWhoseBodyIsGoneHoldsNothingUp) {
  const std::string large = large_event(1, 5000);
  append_pointer(large);
  ASSERT_OK(archive());
  ASSERT_OK(store.remove(body_key(large)));
  hub.append(kP0, event("shop", "orders", 2), at(9, 1), false);
  EXPECT_EQ(value(archive()).events, 1);
  expect_verified(2);
}

TEST_F(OversizeTest, ATailThatWasADeadLetterStaysOneWhenItsBodyIsBack) {
  const std::string large = large_event(1, 5000);
  hub.append(kP0, pointer_to(large), at(9, 0), false);
  ASSERT_EQ(value(archive()).dead_letters, 1);
  ASSERT_OK(store.put_if_absent(body_key(large), large));
  EXPECT_EQ(value(archive()).events, 0);
  hub.append(kP0, pointer_to(large), at(9, 1), false);  // published again
  EXPECT_EQ(value(archive()).records, 1);
  expect_verified(1);
}

TEST_F(OversizeTest, AnotherPointerInThePlaceOfTheTailIsAnotherHub) {
  append_pointer(large_event(1, 5000));
  ASSERT_OK(archive());
  hub.replace("memory-hub");
  append_pointer(large_event(2, 5000));
  const auto before = keys();
  EXPECT_ERROR(archive(), ErrorCode::kValidation);
  expect_nothing_written(before);
  EXPECT_EQ(value(archive_as(true, false)).records, 1);
}

TEST_F(OversizeTest, APointerWithoutABodyOfAnotherTimeIsAnotherHub) {
  append_pointer(large_event(1, 5000));
  ASSERT_OK(archive());
  hub.replace("memory-hub");
  hub.append(kP0, pointer_to(large_event(2, 5000)), at(9, 30), false);
  EXPECT_ERROR(archive(), ErrorCode::kValidation);
}

// --- bodies beside the archive ---

TEST_F(OversizeTest, BodiesAreNoLeftoversAndNothingForeign) {
  const std::string large = large_event(1, 5000);
  append_pointer(large);
  ASSERT_OK(archive());
  ASSERT_OK(store.put_if_absent(layout.oversize_prefix() + "readme.txt", "?"));
  const VerifyReport report = verify();
  EXPECT_EQ(report.verdict, Verdict::kPass);
  EXPECT_EQ(report.oversize_bodies, 1);
  EXPECT_EQ(report.oversize_bytes, 5000);
  EXPECT_TRUE(report.leftovers.empty());
  EXPECT_EQ(report.foreign, std::vector<std::string>{layout.oversize_prefix() + "readme.txt"});
  const auto leftovers = value(find_leftovers(store, layout));
  ASSERT_EQ(leftovers.size(), 1U);
  EXPECT_EQ(leftovers[0].fate, LeftoverFate::kForeign);
  EXPECT_EQ(value(remove_leftovers(store, layout, {body_key(large)})).front().fate, LeftoverFate::kForeign);
  EXPECT_OK(store.head(body_key(large)));
}

}  // namespace
}  // namespace changevault
