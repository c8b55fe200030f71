#include "codec/number_unwrap.h"

#include <gtest/gtest.h>

namespace changevault {
namespace {

std::string unwrapped(std::string_view slice) {
  std::string out = "|";
  append_unwrapped(out, slice);
  return out.substr(1);
}

TEST(NumberUnwrap, TakesPlainNumbersOut) {
  EXPECT_EQ(unwrapped(R"({"a":{"$numberInt":"5"}})"), R"({"a":5})");
  EXPECT_EQ(unwrapped(R"({"a":{"$numberLong":"-9223372036854775808"}})"), R"({"a":-9223372036854775808})");
  EXPECT_EQ(unwrapped(R"({"a":{"$numberDouble":"1.0"}})"), R"({"a":1.0})");
  EXPECT_EQ(unwrapped(R"({"a":{"$numberDouble":"-0.0"}})"), R"({"a":-0.0})");
  EXPECT_EQ(unwrapped(R"({"a":{"$numberDouble":"1E-324"}})"), R"({"a":1E-324})");
  EXPECT_EQ(unwrapped(R"({"a":[{"$numberInt":"1"},{"$numberInt":"2"}],"b":{"c":{"$numberInt":"3"}}})"),
            R"({"a":[1,2],"b":{"c":3}})");
  EXPECT_EQ(unwrapped("{ \"a\" : { \"$numberInt\" :\t\"5\" } }"), "{ \"a\" : 5 }");
}

TEST(NumberUnwrap, LeavesEverythingElse) {
  for (const char* const text : {R"({"$numberInt":"5"})",
                                 R"({ "$numberInt" : "5" })",
                                 R"({"a":{"$numberDouble":"NaN"}})",
                                 R"({"a":{"$numberDouble":"Infinity"}})",
                                 R"({"a":{"$numberDouble":"-Infinity"}})",
                                 R"({"a":{"$numberInt":"0x1"}})",
                                 R"({"a":{"$numberInt":"1,\"x\":2"}})",
                                 R"({"a":{"$numberInt":"01"}})",
                                 R"({"a":{"$numberInt":"+5"}})",
                                 R"({"a":{"$numberInt":"\u0035"}})",
                                 R"({"a":{"$numberInt":""}})",
                                 R"({"a":{"$numberInt":" 5"}})",
                                 R"({"a":{"$numberInt":5}})",
                                 R"({"a":{"$numberInt":"5","x":1}})",
                                 R"({"a":{"x":1,"$numberInt":"5"}})",
                                 R"({"a":{"$numberDecimal":"5"}})",
                                 R"({"a":{"$numberInteger":"5"}})",
                                 R"({"a":["$numberInt"]})",
                                 R"({"a":"{\"$numberInt\":\"5\"}"})",
                                 R"({"a":"{\\\"$numberInt\":"})",
                                 R"({"a":{"b":"$numberInt"}})",
                                 R"({"a":{"$numberInt":{"$numberInt":"x"}}})",
                                 R"({"a":"$5"})",
                                 R"({"$":"$"})",
                                 R"({"a":{"\u0024numberInt":"5"}})",
                                 R"({"a":null})"}) {
    EXPECT_EQ(unwrapped(text), text);
  }
}

TEST(NumberUnwrap, UnwrapsInsideAWrapperThatIsNone) {
  EXPECT_EQ(unwrapped(R"({"a":{"$numberInt":{"$numberInt":"5"}}})"), R"({"a":{"$numberInt":5}})");
}

}  // namespace
}  // namespace changevault
