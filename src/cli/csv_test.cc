#include "cli/csv.h"

#include <gtest/gtest.h>

#include "codec/json.h"

namespace changevault {
namespace {

TEST(Csv, CellsAreQuotedWhereTheyMustBe) {
  EXPECT_EQ(csv_cell("plain"), "plain");
  EXPECT_EQ(csv_cell(""), "\"\"");
  EXPECT_EQ(csv_cell("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_cell("say \"x\""), "\"say \"\"x\"\"\"");
  EXPECT_EQ(csv_cell("two\r\nlines"), "\"two\r\nlines\"");
  EXPECT_EQ(csv_cell("=1+1"), "=1+1");  // data stays what it is
}

TEST(Csv, FieldsByNameNullAndAbsentEmpty) {
  StringWriter text;
  StringWriter err;
  Output out(text, err, {});
  CsvRows rows(out, {"name", "count", "ok", "error.message", "list"});
  rows.add({{"count", 3}, {"name", "a,b"}, {"ok", true}, {"other", 1}});
  rows.add({{"name", ""}, {"count", nullptr}, {"error", {{"message", "gone"}}}, {"list", {1, 2}}});
  rows.add({{"name", "x"}, {"error", "no object"}});
  ASSERT_TRUE(out.flush().has_value());
  EXPECT_EQ(text.text, "name,count,ok,error.message,list\n\"a,b\",3,true,,\n\"\",,,gone,\"[1,2]\"\nx,,,,\n");
}

}  // namespace
}  // namespace changevault
