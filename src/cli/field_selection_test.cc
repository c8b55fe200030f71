#include "cli/field_selection.h"

#include "cli/scope_text.h"
#include "tests/support/expect.h"

namespace changevault {
namespace {

using testing::value;

TEST(FieldSelection, ValuesAreSlices) {
  const std::string record =
      R"({"event_id":"ab","sequence_number":9007199254740993,"full_document":{"price":1.10,"a\u0062":[10,{"x":"y z"}],)"
      R"("n":null},"document_key":{"_id":"\u00e9\"q"}})";
  FieldSelection fields =
      value(FieldSelection::parse("sequence_number,full_document.price,full_document.ab.1.x,full_document.ab."
                                  "0,full_document.n,full_document.none,"
                                  "full_document.price.deeper,document_key,update_description"));
  EXPECT_EQ(
      fields.select(record),
      R"({"sequence_number":9007199254740993,"full_document.price":1.10,"full_document.ab.1.x":"y z",)"
      R"("full_document.ab.0":10,"full_document.n":null,"full_document.none":null,)"
      R"("full_document.price.deeper":null,"document_key":{"_id":"\u00e9\"q"},"update_description":null})");
}

TEST(FieldSelection, SlipsAreNamed) {
  for (const char* list : {"", "event_id,", "full_document..a", "eventid"})
    EXPECT_ERROR(FieldSelection::parse(list), ErrorCode::kUsage);
  EXPECT_EQ(FieldSelection::parse("eventid").error().hint, "did you mean event_id?");
}

TEST(ScopeText, MeansTheSameScope) {
  Scope scope;
  EXPECT_EQ(command_words(scope), "");
  scope.database = "inventory_db";
  scope.collection = "products";
  scope.time = {*parse_rfc3339("2025-01-15T00:00:00Z"), *parse_rfc3339("2025-01-16T00:00:00Z")};
  EXPECT_EQ(command_words(scope), " inventory_db products --date 2025-01-15");
  scope.time.to = *parse_rfc3339("2025-01-15T14:30:00Z");
  scope.hours_of_day = {10, 12};
  scope.operations = {"delete", "insert"};
  EXPECT_EQ(
      command_words(scope),
      " inventory_db products --from 2025-01-15 --to 2025-01-15T14:30:00Z --hours 10-12 --op delete,insert");
  scope = {};
  scope.database = "it's*";
  scope.key = R"({"_id":1})";
  EXPECT_EQ(command_words(scope), " 'it'\\''s*' --key '{\"_id\":1}'");
  scope = {};
  scope.where = {{"full_document.name", "\"it's\""}, {"full_document.price", "5"}};
  scope.time.from = *parse_rfc3339("2025-01-15T14:30:00.042Z");
  EXPECT_EQ(command_words(scope),
            " --from 2025-01-15T14:30:00.042Z --where 'full_document.name=\"it'\\''s\"' --where "
            "'full_document.price=5'");
  scope = {};
  scope.database = "2025-01";  // would be taken for a date
  scope.collection = "c";
  EXPECT_EQ(command_words(scope), " --db=2025-01 --collection=c");
}

}  // namespace
}  // namespace changevault
