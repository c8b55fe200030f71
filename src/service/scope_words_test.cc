#include "service/scope_words.h"

#include <iostream>
#include <random>

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace changevault {
namespace {

using testing::value;

Timestamp at(const char* text) {
  return *parse_rfc3339(text);
}

Result<Scope> positions(std::vector<std::string> words) {
  return parse_scope({.positions = std::move(words)});
}

struct GoodCase {
  std::vector<std::string> words;
  std::string database, collection;
  const char* from;  // nullptr: open
  const char* to;
};

TEST(ScopePositions, Table) {
  const std::vector<GoodCase> cases = {
      {{}, "", "", nullptr, nullptr},
      {{"inventory_db"}, "inventory_db", "", nullptr, nullptr},
      {{"inventory_db", "products"}, "inventory_db", "products", nullptr, nullptr},
      {{"*", "prod*"}, "*", "prod*", nullptr, nullptr},
      {{"2025/01/15"}, "", "", "2025-01-15T00:00:00Z", "2025-01-16T00:00:00Z"},
      {{"2025-01-15"}, "", "", "2025-01-15T00:00:00Z", "2025-01-16T00:00:00Z"},
      {{"2025/1/5"}, "", "", "2025-01-05T00:00:00Z", "2025-01-06T00:00:00Z"},
      {{"db", "2025/12"}, "db", "", "2025-12-01T00:00:00Z", "2026-01-01T00:00:00Z"},
      {{"db", "c", "2024/02/29", "00"}, "db", "c", "2024-02-29T00:00:00Z", "2024-02-29T01:00:00Z"},
      {{"db", "c", "2025/01/15", "14"}, "db", "c", "2025-01-15T14:00:00Z", "2025-01-15T15:00:00Z"},
      {{"db", "c", "2025/12/31", "23"}, "db", "c", "2025-12-31T23:00:00Z", "2026-01-01T00:00:00Z"},
      {{"db", "c", "2025/01/15/14"}, "db", "c", "2025-01-15T14:00:00Z", "2025-01-15T15:00:00Z"},
      {{"2025", "c"}, "2025", "c", nullptr, nullptr},  // a year alone is a name
  };
  for (const GoodCase& c : cases) {
    const Scope scope = value(positions(c.words));
    EXPECT_EQ(scope.database, c.database);
    EXPECT_EQ(scope.collection, c.collection);
    EXPECT_EQ(scope.time.from, c.from ? at(c.from) : Timestamp{INT64_MIN});
    EXPECT_EQ(scope.time.to, c.to ? at(c.to) : Timestamp{INT64_MAX});
  }
}

TEST(ScopePositions, WhatIsNoScopeIsRefusedWithAHint) {
  const std::vector<std::vector<std::string>> cases = {{"2025/13"},
                                                       {"2025/00"},
                                                       {"2025/02/30"},
                                                       {"2025/02/29"},
                                                       {"db", "c", "x"},
                                                       {"db", "c", "2025/01/15", "24"},
                                                       {"db", "2025/01", "14"},
                                                       {"2025/01/15", "x"},
                                                       {"2025/01/15/24"},
                                                       {"2025/01/15", "14", "15"},
                                                       {"2025/01/15/14", "14"},
                                                       {"", "c"},
                                                       {"2025/01/15", "-1"}};
  for (const auto& words : cases) {
    const auto scope = positions(words);
    EXPECT_ERROR(scope, ErrorCode::kUsage);
    EXPECT_NE(scope.error().hint, "") << scope.error().message;
  }
}

TEST(ScopeFlags, Times) {
  const auto range = [](ScopeWords words) { return value(parse_scope(words)).time; };
  EXPECT_EQ(range({.date = "2025-01-15..2025/01/20"}),
            (TimeRange{at("2025-01-15T00:00:00Z"), at("2025-01-21T00:00:00Z")}));
  EXPECT_EQ(range({.date = "2025-01"}), (TimeRange{at("2025-01-01T00:00:00Z"), at("2025-02-01T00:00:00Z")}));
  EXPECT_EQ(range({.from = "2025-01-15"}), (TimeRange{at("2025-01-15T00:00:00Z"), Timestamp{INT64_MAX}}));
  EXPECT_EQ(range({.from = "2025/01/15T14", .to = "2025-01-15 16:30"}),
            (TimeRange{at("2025-01-15T14:00:00Z"), at("2025-01-15T16:30:00Z")}));
  EXPECT_EQ(range({.from = "2025-01-15T14:00:00.041Z", .to = "2025-01-15T14:00:00.043Z"}),
            (TimeRange{at("2025-01-15T14:00:00.041Z"), at("2025-01-15T14:00:00.043Z")}));
  EXPECT_EQ(range({.to = "2025-01-15T14:00:00.5+02:00"}).to, at("2025-01-15T12:00:00.500Z"));
}

TEST(ScopeFlags, EverythingElse) {
  const Scope scope = value(parse_scope({.positions = {"db"},
                                         .collection = "c",
                                         .hours = "10-15",
                                         .operations = {"insert,delete", "drop"},
                                         .key = R"({"_id":1})",
                                         .pattern = "14-*",
                                         .where = {"full_document.a=5", "operation_type=insert"}}));
  EXPECT_EQ(scope.collection, "c");
  EXPECT_EQ(scope.hours_of_day, (std::pair{10, 15}));
  EXPECT_EQ(scope.operations, (std::set<std::string>{"insert", "delete", "drop"}));
  EXPECT_EQ(scope.key, R"({"_id":1})");
  EXPECT_EQ(scope.pattern, "14-*");
  EXPECT_EQ(scope.where,
            (std::vector<FieldCondition>{{"full_document.a", "5"}, {"operation_type", "\"insert\""}}));
  EXPECT_EQ(value(parse_scope({.hours = "7"})).hours_of_day, (std::pair{7, 7}));
}

TEST(ScopeFlags, WhatIsNoScopeIsRefusedWithAHint) {
  const std::vector<ScopeWords> cases = {
      {.positions = {"db"}, .database = "db"},
      {.database = ""},
      {.collection = ""},
      {.from = "tomorrow"},
      {.from = "2025-01"},
      {.from = "2025-01-15T24"},
      {.from = "2025-01-15T14:60"},
      {.from = "2025-01-16", .to = "2025-01-15"},
      {.from = "2025-01-15", .to = "2025-01-15"},
      {.date = "2025-01-20..2025-01-15"},
      {.date = "2025-01-20.."},
      {.date = ""},
      {.from = "2025-01-15", .date = "2025-01-15"},
      {.positions = {"2025/01/15"}, .date = "2025-01-15"},
      {.positions = {"2025/01/15"}, .to = "2025-01-16"},
      {.hours = "24"},
      {.hours = "10-24"},
      {.hours = "15-10"},
      {.hours = "10-"},
      {.hours = ""},
      {.operations = {"insert,,delete"}},
      {.operations = {""}},
      {.key = "{"},
      {.key = ""},
      {.key = "{}"},
      {.key = "abc"},
      {.where = {""}},
      {.where = {"full_document.a"}},
      {.where = {"fulldocument.a=1"}},
      {.where = {"full_document.a={"}},
      {.where = {"enqueued_time=soon"}},
      {.pattern = ""},
  };
  for (const ScopeWords& words : cases) {
    const auto scope = parse_scope(words);
    EXPECT_ERROR(scope, ErrorCode::kUsage);
    EXPECT_NE(scope.error().hint, "") << scope.error().message;
  }
}

// Every hour written as positions, as --from/--to and as --date with --hours names the same hour.
TEST(ScopeProperty, TheFormsAgree) {
  const std::uint64_t seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937_64 random(seed);
  for (int i = 0; i < 2000; ++i) {
    const Hour hour{static_cast<std::int64_t>(random() % 1'000'000)};
    const std::string text = to_string(hour);
    const Scope by_words = value(positions({"db", "c", date_path(hour), hour_digits(hour)}));
    const Scope by_times =
        value(parse_scope({.positions = {"db", "c"}, .from = text, .to = to_string(hour.next())}));
    const Scope by_date = value(
        parse_scope({.positions = {"db", "c"}, .date = text.substr(0, 10), .hours = hour_digits(hour)}));
    EXPECT_EQ(by_words, by_times) << text;
    EXPECT_EQ(by_words.time, (TimeRange{hour.start(), hour.end()}));
    for (const Hour near : {Hour{hour.index - 1}, hour, hour.next()}) {
      EXPECT_EQ(by_date.touches(near), near == hour) << text;
      EXPECT_EQ(by_words.touches(near), near == hour) << text;
    }
  }
}

TEST(ScopeWords, AFieldThatARecordDoesNotHaveIsASlip) {
  const auto scope = parse_scope({.where = {"fulldocument.price=5"}});
  EXPECT_ERROR(scope, ErrorCode::kUsage);
  EXPECT_EQ(scope.error().hint, "did you mean full_document?");
}

TEST(ScopeWords, AnOperationInOtherLettersIsASlip) {
  ScopeWords words;
  words.operations = {"INSERT"};
  const auto scope = parse_scope(words);
  EXPECT_ERROR(scope, ErrorCode::kUsage);
  EXPECT_EQ(scope.error().hint, "did you mean insert?");
  words.operations = {"isnert"};
  EXPECT_ERROR(parse_scope(words), ErrorCode::kUsage);
  words.operations = {"delete,updates"};
  EXPECT_ERROR(parse_scope(words), ErrorCode::kUsage);
  words.operations = {"dropDatabase,someNewType"};
  EXPECT_OK(parse_scope(words));
}

}  // namespace
}  // namespace changevault
