// Events of sizes around what the hub takes, through stores that fail, flip and lose answers: each is
// archived with its own bytes, whoever had to do it again.
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "archive/oversize_producer.h"
#include "codec/document_key.h"
#include "codec/segment_reader.h"
#include "store/faulty_store.h"
#include "store/object_source.h"
#include "tests/support/archive_fixture.h"

namespace changevault {
namespace {

using testing::ArchiveFixture;
using testing::at;
using testing::event;
using testing::value;

constexpr std::size_t kLimit = 400;

// An event of its own with exactly so many bytes (or the fewest that it can have).
std::string sized_event(int number, std::size_t bytes) {
  std::string text = event("shop", "orders", number);
  if (text.size() < bytes) text.insert(text.rfind("some text"), bytes - text.size(), 'x');
  return text;
}

class OversizeWorld : public ArchiveFixture {
 public:
  OversizeWorld(int faults, std::uint64_t seed) : faults_(faults), draws_(seed) {
    hub.limit_payload(kLimit);
    options.memory = *rc::gen::element(std::int64_t{1}, std::int64_t{5'000}, std::int64_t{1} << 28);
    init();
  }

  // As a publisher does that is run again until all is in the hub: an event may come twice.
  void publish(const std::vector<std::string>& events) {
    // Each try needs luck with every body: seven of them at 40 of 100 succeed once in 36 tries.
    for (int tries = 0; tries < 5'000; ++tries) {
      OversizeProducer to(value(hub.producer()),
                          {&layout, [&]() -> Result<ObjectStore*> { return &store_; }});
      std::vector<Message> messages;
      for (const std::string& e : events) messages.push_back({partition_key(e), e, at(9, 0)});
      if (to.append(std::move(messages))) {
        published.insert(events.begin(), events.end());
        return;
      }
    }
    RC_FAIL("a publisher that never succeeds");
  }

  void archive_some() { ignore_error(archive_with(store_), "the store may fail"); }

  // What the archive holds: raw events, each with how often.
  std::map<std::string, int> archived() {
    std::map<std::string, int> out;
    const Catalog listed = catalog();
    for (const ListedSegment& s : listed.segments()) {
      ObjectSource source(store, s.facts.key);
      SegmentReader reader(source);
      for (auto text = value(reader.next()); !text.empty(); text = value(reader.next())) {
        for (std::string_view rest = text; !rest.empty();) {
          const std::string_view line = rest.substr(0, rest.find('\n'));
          const std::string_view mark = R"("raw_event":)";
          const std::string_view raw = line.substr(line.find(mark) + mark.size());
          ++out[std::string(raw.substr(0, raw.size() - 1))];
          rest.remove_prefix(line.size() + 1);
        }
      }
    }
    return out;
  }

  std::set<std::string> published;

 private:
  // Of a seed, so that shrinking does not end in a store that always fails.
  int draw(int below) { return static_cast<int>(draws_() % static_cast<std::uint64_t>(below)); }

  int faults_;  // of 100 calls
  std::mt19937_64 draws_;
  FaultyStore store_{store, [this](StoreOperation operation, const std::string& key) {
                       const bool body = layout.parse_oversize(key).has_value();
                       if (!body || operation == StoreOperation::kList) return Fault::kNone;
                       if (draw(100) >= faults_) return Fault::kNone;
                       // Three wrong answers in a row would be taken for the truth: not at random here.
                       return draw(2) == 0 ? Fault::kFailBefore : Fault::kFailAfter;
                     }};
};

RC_GTEST_PROP(OversizeProperty, EveryEventIsArchivedWithItsOwnBytes, ()) {
  OversizeWorld world(*rc::gen::element(0, 10, 40), *rc::gen::arbitrary<std::uint64_t>());
  int number = 0;
  const int rounds = *rc::gen::inRange(1, 4);
  for (int round = 0; round < rounds; ++round) {
    std::vector<std::string> events;
    const int count = *rc::gen::inRange(1, 8);
    for (int i = 0; i < count; ++i) {
      const auto near = static_cast<std::size_t>(*rc::gen::inRange(-3, 4) + static_cast<int>(kLimit));
      const auto far = static_cast<std::size_t>(*rc::gen::inRange(1, 20'000));
      events.push_back(sized_event(number++, *rc::gen::element(near, far)));
    }
    world.publish(events);
    if (*rc::gen::arbitrary<bool>()) world.archive_some();
  }
  const ArchiveTotals rest = value(world.archive());
  RC_ASSERT(rest.dead_letters == 0);
  const auto archived = world.archived();
  std::set<std::string> found;
  for (const auto& [raw, times] : archived) found.insert(raw);
  RC_ASSERT(found == world.published);
  RC_ASSERT(world.verify().verdict == Verdict::kPass);
}

}  // namespace
}  // namespace changevault
