#include "codec/document_key.h"

#include <gtest/gtest.h>

namespace changevault {
namespace {

using Forms = std::vector<std::string>;

std::string key_of(const std::string& id) {
  return normal_document_key(R"({"_id":)" + id + "}").value_or("not JSON");
}

TEST(DocumentKey, IsOneForEqualKeys) {
  const std::vector<Forms> equal{
      {"1", "1.0", "1e0", "10E-1", R"({"$numberInt":"1"})", R"({"$numberLong":"1"})",
       R"({"$numberDouble":"1.0"})", R"({"$numberDecimal":"1"})", R"({"$numberDecimal":"1.000"})",
       R"({ "$numberLong" : "1" })"},
      {"0", "-0", "0.0", "-0.0", "0e5", R"({"$numberDouble":"-0.0"})", R"({"$numberDecimal":"0E+3"})"},
      {"-12", "-1.2e1", R"({"$numberInt":"-12"})"},
      {"9007199254740993", R"({"$numberLong":"9007199254740993"})",
       R"({"$numberDecimal":"9007199254740993"})"},
      {"-9223372036854775808", R"({"$numberLong":"-9223372036854775808"})"},
      {"0.1", R"({"$numberDouble":"0.1"})", R"({"$numberDouble":"0.10000000000000000555"})", "1e-1"},
      {"1e21", R"({"$numberDouble":"1.0E21"})", R"({"$numberDouble":"1e+21"})", "1000000000000000000000"},
      {R"({"$oid":"65a5f0c2e4b0a1b2c3d4e5f6"})", R"("65a5f0c2e4b0a1b2c3d4e5f6")",
       R"({"$oid":"65A5F0C2E4B0A1B2C3D4E5F6"})"},
      {R"("a/\u00e9\n")", "\"a\\/\xc3\xa9\\u000a\"", "\"\\u0061/\xc3\xa9\\n\""},
      {R"({"$date":{"$numberLong":"1736949787042"}})", R"({"$date":"2025-01-15T14:03:07.042Z"})",
       R"("2025-01-15T14:03:07.042Z")", R"({"$date":1736949787042})"},
      {R"({"$date":{"$numberLong":"1736949787000"}})", R"({"$date":"2025-01-15T14:03:07Z"})",
       R"("2025-01-15T14:03:07.000Z")"},
      {R"({"$binary":{"base64":"AAECAwQFBgcICQoLDA0ODw==","subType":"04"}})",
       R"({"$uuid":"00010203-0405-0607-0809-0A0B0C0D0E0F"})", R"("00010203-0405-0607-0809-0a0b0c0d0e0f")",
       R"({"$binary":"AAECAwQFBgcICQoLDA0ODw==","$type":"04"})"},
      {R"({"$binary":{"base64":"AAE=","subType":"00"}})", R"("AAE=")"},
      {R"({"$timestamp":{"t":1,"i":2}})", R"({"$timestamp":"4294967298"})"},
      {R"({"a":[1,{"b":"x"}],"c":null})", R"( { "a" : [ 1.0 , { "b" : "\u0078" } ] , "c" : null } )"},
      {"true", " true "}};
  for (const Forms& forms : equal) {
    for (const std::string& form : forms) EXPECT_EQ(key_of(form), key_of(forms.front())) << form;
  }
}

TEST(DocumentKey, DiffersForDifferentKeys) {
  const Forms different{"1",
                        "2",
                        "-1",
                        "1.5",
                        "9007199254740993",
                        "9007199254740992",
                        "\"1\"",
                        "true",
                        "null",
                        "[1]",
                        "[]",
                        "{}",
                        R"({"a":1})",
                        R"({"b":1})",
                        "\"\"",
                        R"("a b")",
                        "0.1",
                        "18446744073709551615",
                        "-9007199254740993",
                        "1e400",
                        "-1e400",
                        R"({"$numberLong":"x"})",
                        R"({"$oid":1})",
                        R"({"$oid":"a","x":1})",
                        R"({"a":1,"b":2})",
                        R"({"b":2,"a":1})",
                        R"({"$date":{"$numberLong":"253402300800000"}})",
                        R"({"$date":{"$numberLong":"253402300800001"}})",
                        R"({"$numberDouble":"NaN"})"};
  for (std::size_t i = 0; i < different.size(); ++i) {
    EXPECT_NE(key_of(different[i]), "not JSON") << different[i];
    for (std::size_t k = 0; k < i; ++k)
      EXPECT_NE(key_of(different[i]), key_of(different[k])) << different[i] << different[k];
  }
}

TEST(DocumentKey, GoldenTexts) {
  EXPECT_EQ(key_of(R"({"$oid":"65a5f0c2e4b0a1b2c3d4e5f6"})"), R"({"_id":"65a5f0c2e4b0a1b2c3d4e5f6"})");
  EXPECT_EQ(key_of("1.50"), R"({"_id":1.5})");
  EXPECT_EQ(normal_document_key(R"([1,"x"])"), R"([1,"x"])");
}

TEST(DocumentKey, IsNothingWithoutJson) {
  for (const char* const text : {"", "x", "{", "{\"_id\":01}", "{} {}", "{\"a\":\"\\ud800\"}", "\xff"}) {
    EXPECT_EQ(normal_document_key(text), std::nullopt) << text;
  }
  EXPECT_EQ(normal_document_key(std::string(1000, '[') + std::string(1000, ']')), std::nullopt);
}

TEST(PartitionKey, IsTheDocumentKeyElseTheNamespaceElseThePayload) {
  const auto key = [](const char* payload) { return partition_key(payload); };
  EXPECT_EQ(key(R"({"documentKey":{"_id":{"$numberInt":"7"}},"ns":{"db":"a","coll":"b"}})"), R"({"_id":7})");
  EXPECT_EQ(key(R"({"x":NaN,"documentKey":{"_id":7.0}} )"), R"({"_id":7})");
  EXPECT_EQ(key(R"({"ns":{"db":"a","coll":"b"}})"), "a.b");
  EXPECT_EQ(key(R"({"documentKey":null,"ns":{"x":[1],"db":"a"}})"), "a.");
  EXPECT_EQ(key(R"({"documentKey":{"_id":01},"ns":{"db":"a","coll":"b"}})"), "a.b");
  for (const char* const payload :
       {"", "x", "{}", "[1]", "{\"documentKey\":{\"_id\":1}", "\xff", "{\"ns\":{\"db\":1}}"}) {
    EXPECT_EQ(key(payload), payload);
  }
}

// The hashes that Kafka's Java client gives.
TEST(PartitionOf, IsKafkasDefault) {
  struct Case {
    const char* key;
    std::int32_t hash;
  };
  for (const Case& c :
       {Case{"21", -973932308}, Case{"foobar", -790332482}, Case{"a-little-bit-long-string", -985981536},
        Case{"a-little-bit-longer-string", -1486304829},
        Case{"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971}, Case{"abc", 479470107}}) {
    for (const std::int32_t partitions : {1, 4, 7, 1024, INT32_MAX}) {
      EXPECT_EQ(partition_of(c.key, partitions), (c.hash & 0x7fffffff) % partitions) << c.key;
    }
  }
}

}  // namespace
}  // namespace changevault
