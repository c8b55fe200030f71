#include "cli/text.h"

#include <gtest/gtest.h>

#include "cli/characters.h"
#include "cli/pretty_json.h"

namespace changevault {
namespace {

TEST(Numbers, WithThousands) {
  EXPECT_EQ(with_thousands(0), "0");
  EXPECT_EQ(with_thousands(999), "999");
  EXPECT_EQ(with_thousands(1000), "1,000");
  EXPECT_EQ(with_thousands(1'234'567), "1,234,567");
  EXPECT_EQ(with_thousands(-999), "-999");
  EXPECT_EQ(with_thousands(-1000), "-1,000");
  EXPECT_EQ(with_thousands(INT64_MIN), "-9,223,372,036,854,775,808");
}

TEST(Numbers, Bytes) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(1023), "1023 B");
  EXPECT_EQ(human_bytes(1024), "1.0 KiB");
  EXPECT_EQ(human_bytes(1'048'575), "1.0 MiB");  // not "1024.0 KiB"
  EXPECT_EQ(human_bytes(std::int64_t{5} << 30), "5.0 GiB");
}

TEST(Numbers, CountedAndDurations) {
  EXPECT_EQ(counted(1, "segment"), "1 segment");
  EXPECT_EQ(counted(0, "segment"), "0 segments");
  EXPECT_EQ(counted(1200, "row"), "1,200 rows");
  EXPECT_EQ(human_duration(milliseconds(20)), "20 ms");
  EXPECT_EQ(human_duration(seconds(59)), "59 s");
  EXPECT_EQ(human_duration(seconds(185)), "3 min");
  EXPECT_EQ(human_duration(minutes(125)), "2 h 5 min");
  EXPECT_EQ(human_duration(hours(48)), "2 d");
}

TEST(Width, CountsCellsNotBytes) {
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("é"), 1U);
  EXPECT_EQ(display_width("e\xCC\x81"), 1U);  // with a combining accent
  EXPECT_EQ(display_width("日本"), 4U);
  EXPECT_EQ(display_width("\xFF\x80"), 2U);  // no UTF-8: a cell for each byte
  EXPECT_EQ(display_width("\xE6\x97"), 2U);  // cut
}

TEST(Printable, NothingSteersTheTerminal) {
  EXPECT_EQ(printable("plain é 日"), "plain é 日");
  EXPECT_EQ(printable("a\x1b[31mb\n\x7f"), "a\\x1B[31mb\\x0A\\x7F");
  EXPECT_EQ(printable("\xC2\x9B"
                      "x"),
            "\\u009Bx");  // CSI of the C1 set
  EXPECT_EQ(printable("\xFF"), "\\xFF");
  EXPECT_EQ(printable("\xC0\x9B"), "\\xC0\\x9B");             // an overlong escape is no character
  EXPECT_EQ(printable("\xED\xA0\x80"), "\\xED\\xA0\\x80");    // nor is half of a pair
  EXPECT_EQ(printable("a\u202Egnp.exe"), "a\\u202Egnp.exe");  // writing turned round
  EXPECT_EQ(printable("prod\u200Bucts"), "prod\\u200Bucts");  // a blank that nobody sees
  EXPECT_EQ(printable("\U000E0041"), "\\uDB40\\uDC41");       // a letter that nobody sees
  EXPECT_EQ(printable("نمی\u200Cخواهم"), "نمی\u200Cخواهم");   // a joiner that words need
}

TEST(Harmless, LinesTabsAndOwnColorsStay) {
  EXPECT_EQ(harmless("a\tb\nc"), "a\tb\nc");
  EXPECT_EQ(harmless("\x1b[31mred\x1b[0m"), "\x1b[31mred\x1b[0m");
  EXPECT_EQ(harmless("\x1b[2Jx\x1b]0;t\x07\x1b"), "\\u001B[2Jx\\u001B]0;t\\u0007\\u001B");
  EXPECT_EQ(harmless("\x1b[8m\r\x08"), "\\u001B[8m\\u000D\\u0008");
  EXPECT_EQ(harmless("\xFF\x9B"), "\\xFF\\x9B");
  EXPECT_EQ(harmless("日本 é"), "日本 é");
}

TEST(Table, AlignsByCells) {
  Table table({{"NAME"}, {"COUNT", Table::Align::kRight}, {"END"}});
  table.add({"日本", "1", ""});
  table.add({"a", "1,000", "x"});
  table.add({"short"});
  EXPECT_EQ(table.to_string(),
            "NAME   COUNT  END\n"
            "日本       1\n"
            "a      1,000  x\n"
            "short\n");
}

TEST(Table, FitsATerminalWhereItCan) {
  const auto fitted = [](int width, bool terminal) {
    StringWriter out;
    StringWriter err;
    const Output output(out, err,
                        {.in = false, .out = terminal, .err = false, .color = false, .width = width});
    Table table({{"HOUR"}, {"COLLECTION"}, {"N", Table::Align::kRight}});
    table.add({"2025", "inventory_db.products_of_the_north", "12"});
    table.add({"2025", "a.b", "1"});
    table.fit(1, output);
    return table.to_string();
  };
  EXPECT_EQ(fitted(26, true),
            "HOUR  COLLECTION         N\n"
            "2025  inventor…e_north  12\n"
            "2025  a.b                1\n");
  EXPECT_EQ(fitted(5, true), fitted(20, true)) << "ten are left in any case";
  EXPECT_NE(fitted(26, false).find("inventory_db.products_of_the_north"), std::string::npos);
  EXPECT_EQ(fitted(80, true), fitted(80, false));
}

TEST(PrettyJson, MovesWhiteSpaceOnly) {
  EXPECT_EQ(pretty_json(R"({"a":1.10,"b":[],"c":{ },"d":[1,{"e":"x, {\"\\"}]})"),
            "{\n  \"a\": 1.10,\n  \"b\": [],\n  \"c\": {},\n  \"d\": [\n    1,\n    {\n      \"e\": \"x, "
            "{\\\"\\\\\"\n    }\n  ]\n}");
  EXPECT_EQ(pretty_json("12345678901234567890123"), "12345678901234567890123");
  EXPECT_EQ(pretty_json(""), "");
  for (const char* broken : {"{", "}", "\"", "\"\\", "[[", ",,", "{\"a\""})
    pretty_json(broken);  // ends, that is all
}

TEST(Text, ShortenedKeepsBothEndsAndWholeCharacters) {
  EXPECT_EQ(shortened("inventory_db.products", 30), "inventory_db.products");
  EXPECT_EQ(shortened("inventory_db.products", 11), "inven…ducts");
  EXPECT_EQ(shortened("abc", 1), "…");
  for (std::size_t width = 1; width < 12; ++width)
    EXPECT_LE(display_width(shortened("数据库.集合é́x", width)), width);
}

}  // namespace
}  // namespace changevault
