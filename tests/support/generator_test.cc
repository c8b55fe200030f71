#include "tests/support/generator.h"

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "base/hash.h"

namespace changevault::testing {
namespace {

GeneratorOptions day(std::uint64_t seed) {
  GeneratorOptions options;
  options.seed = seed;
  options.first = *from_date(2025, 1, 15);
  options.last = options.first + hours(24);
  options.events = 20'000;
  options.collections = shop_collections(hour_of(options.first + hours(3)));
  options.one_in_structure = 200;
  return options;
}

std::string all_lines(const GeneratorOptions& options) {
  std::string out;
  generate_events(options, [&](const GeneratedEvent& event) { out.append(event.line) += '\n'; });
  return out;
}

TEST(Generator, TheSameSeedIsTheSameBytes) {
  EXPECT_EQ(sha256_hex(all_lines(day(1))), sha256_hex(all_lines(day(1))));
  EXPECT_NE(sha256_hex(all_lines(day(1))), sha256_hex(all_lines(day(2))));
}

TEST(Generator, TimesLieInTheRangeInOrder) {
  const GeneratorOptions options = day(3);
  Timestamp last = options.first;
  std::int64_t events = 0;
  std::set<Hour> seen;
  generate_events(options, [&](const GeneratedEvent& event) {
    ASSERT_GE(event.time, last);
    ASSERT_LT(event.time, options.last);
    last = event.time;
    seen.insert(hour_of(event.time));
    ++events;
  });
  EXPECT_EQ(events, options.events);
  EXPECT_EQ(seen.size(), 24U);
}

TEST(Generator, TokensAreUpperCaseHexAndUnique) {
  std::set<std::string> tokens;
  generate_events(day(4), [&](const GeneratedEvent& event) {
    const std::string_view start = R"({"_id":{"_data":")";
    ASSERT_TRUE(event.line.starts_with(start));
    const std::string token(
        event.line.substr(start.size(), event.line.find('"', start.size()) - start.size()));
    ASSERT_EQ(token.find_first_not_of("0123456789ABCDEF"), std::string::npos) << token;
    ASSERT_TRUE(tokens.insert(token).second) << token;
  });
  EXPECT_EQ(tokens.size(), 20'000U);
}

TEST(Generator, TheQuietHourIsQuietAndEveryKindOfEventComes) {
  const GeneratorOptions options = day(5);
  const Hour quiet = hour_of(options.first + hours(3));
  std::map<std::string, int, std::less<>> operations;
  generate_events(options, [&](const GeneratedEvent& event) {
    ++operations[std::string(event.operation)];
    if (event.ns == Namespace{"inventory_db", "warehouses"}) {
      EXPECT_NE(hour_of(event.time), quiet);
    }
  });
  for (const char* operation : {"insert", "update", "replace", "delete", "create", "rename", "drop",
                                "dropDatabase", "endOfTransaction", "somethingOfTomorrow"}) {
    EXPECT_GT(operations[operation], 0) << operation;
  }
}

TEST(Generator, StylesDifferInHowValuesAreWritten) {
  GeneratorOptions options = day(6);
  options.events = 200;
  options.style = JsonStyle::kCanonical;
  const std::string canonical = all_lines(options);
  options.style = JsonStyle::kNode;
  const std::string node = all_lines(options);
  EXPECT_NE(canonical.find(R"({"$numberInt":")"), std::string::npos);
  EXPECT_EQ(node.find(R"({"$numberInt":")"), std::string::npos);
  EXPECT_NE(canonical.find(R"("clusterTime":{"$timestamp":{"t":1736899200,"i":1}})"), std::string::npos);
  // 1736899200 << 32 | 1
  EXPECT_NE(node.find(R"("clusterTime":{"$timestamp":"7459925260448563201"})"), std::string::npos)
      << node.substr(0, 300);
}

}  // namespace
}  // namespace changevault::testing
