// Made-up change events: the same seed gives the same bytes on every machine (own random numbers, no
// library's distributions), in order of time, with every kind of event that MongoDB sends and names that make
// trouble.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/hour.h"
#include "model/ns.h"

namespace changevault::testing {

// xoshiro256**, seeded by splitmix64.
class Prng {
 public:
  explicit Prng(std::uint64_t seed);
  std::uint64_t next();
  // 0 <= result < bound; bound > 0.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

 private:
  std::uint64_t state_[4];
};

// How a producer writes BSON values as JSON.
enum class JsonStyle {
  kCanonical,  // {"$numberInt":"5"}
  kRelaxed,    // 5
  kNode,       // JSON.stringify of the Node driver: ObjectId as text, Timestamp as a 64-bit string
};

struct GeneratedCollection {
  Namespace ns;
  std::uint64_t weight = 1;
  std::vector<Hour> quiet;  // no event in these hours
};

struct GeneratorOptions {
  std::uint64_t seed = 1;
  Timestamp first{};  // of the first event, at the earliest
  Timestamp last{};   // every event is before it
  std::int64_t events = 1000;
  JsonStyle style = JsonStyle::kRelaxed;
  std::vector<GeneratedCollection> collections;
  // One in so many events concerns no document: create, rename, drop, dropDatabase, one without a namespace
  // and one of a type that nobody knows yet, in databases of their own. 0: none.
  std::uint64_t one_in_structure = 0;
  std::size_t text_bytes = 80;  // of the free text in a document
};

struct GeneratedEvent {
  std::string_view line;  // JSON without a line end; valid during the call
  Timestamp time;         // its clusterTime (whole seconds)
  Namespace ns;
  std::string_view operation;
};

// Calls `take` for each event, in order. Times follow a daily curve within [first, last).
void generate_events(const GeneratorOptions& options, const std::function<void(const GeneratedEvent&)>& take);

// A shop's databases, among them names with slash, percent, space, other scripts, a leading underscore and
// great length; inventory_db.products is the busiest; inventory_db.warehouses is quiet in the hour `quiet`.
std::vector<GeneratedCollection> shop_collections(Hour quiet);

}  // namespace changevault::testing
