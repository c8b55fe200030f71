#include "codec/oversize_pointer.h"

#include <filesystem>
#include <fstream>
#include <vector>

#include <gtest/gtest.h>

#include "base/hash.h"
#include "codec/record_builder.h"

namespace changevault {
namespace {

const std::string kSha = sha256_hex("a body");
const OversizePointer kPointer{"_oversize/" + kSha.substr(0, 2) + "/" + kSha + ".json", 6, kSha};

TEST(OversizePointer, IsReadBack) {
  EXPECT_EQ(parse_oversize(encode_oversize(kPointer)), kPointer);
  const OversizePointer largest{"x", INT64_MAX, kSha};
  EXPECT_EQ(parse_oversize(encode_oversize(largest)), largest);
  const OversizePointer empty{"../elsewhere", 0, kSha};  // where it points is for others to judge
  EXPECT_EQ(parse_oversize(encode_oversize(empty)), empty);
}

// docs/formats/samples/oversize-v1.jsonl must be readable for ever: a pointer, then the body it names.
TEST(OversizePointer, TheSampleIsRead) {
  std::ifstream file(std::filesystem::path(__FILE__).parent_path() /
                     "../../docs/formats/samples/oversize-v1.jsonl");
  std::string line;
  std::string body;
  ASSERT_TRUE(std::getline(file, line) && std::getline(file, body));
  const auto pointer = parse_oversize(line);
  ASSERT_TRUE(pointer);
  EXPECT_EQ(pointer->sha256, sha256_hex(body));
  EXPECT_EQ(pointer->bytes, static_cast<std::int64_t>(body.size()));
  EXPECT_EQ(pointer->key, "_oversize/" + pointer->sha256.substr(0, 2) + "/" + pointer->sha256 + ".json");
  EXPECT_EQ(encode_oversize(*pointer), line);
}

// What merely looks alike is somebody else's event.
TEST(OversizePointer, AnythingElseIsNone) {
  const std::string whole = encode_oversize(kPointer);
  for (std::size_t cut = 0; cut < whole.size(); ++cut)
    EXPECT_FALSE(parse_oversize(std::string_view(whole).substr(0, cut))) << cut;
  const std::string fields = R"("key":"k","bytes":6,"sha256":")" + kSha + "\"";
  ASSERT_TRUE(parse_oversize(R"({"changevault_oversize":1,)" + fields + "}"));
  for (const std::string& other : std::vector<std::string>{
           " " + whole, whole + "\n", whole + whole, "{\"operationType\":\"insert\"," + whole.substr(1),
           R"({"changevault_oversize":2,)" + fields + "}", R"({"changevault_oversize":"1",)" + fields + "}",
           R"({"changevault_oversize":1, )" + fields + "}", R"({"changevault_oversize":1,)" + fields + ",}",
           R"({"changevault_oversize":1,)" + fields + R"(,"operationType":"insert"})",
           R"({"changevault_oversize":1,"key":"k","bytes":06,"sha256":")" + kSha + "\"}",
           R"({"changevault_oversize":1,"key":"k","bytes":-6,"sha256":")" + kSha + "\"}",
           R"({"changevault_oversize":1,"key":"k","bytes":9223372036854775808,"sha256":")" + kSha + "\"}",
           R"({"changevault_oversize":1,"key":"","bytes":6,"sha256":")" + kSha + "\"}",
           R"({"changevault_oversize":1,"key":"a\"b","bytes":6,"sha256":")" + kSha + "\"}",
           R"({"changevault_oversize":1,"key":"k","bytes":6,"sha256":")" + kSha + "0\"}",
           R"({"changevault_oversize":1,"key":"k","bytes":6,"sha256":"A)" + kSha.substr(1) + "\"}",
           R"({"changevault_oversize":1,"key":")" + std::string(1025, 'k') + R"(","bytes":6,"sha256":")" +
               kSha + "\"}"})
    EXPECT_FALSE(parse_oversize(other)) << other;
}

TEST(OversizePointer, OneThatCannotBeReadIsNamedInItsDeadLetter) {
  RecordBuilder builder({"s", "h", Epoch(0)});
  HubEvent event;
  const std::string newer = R"({"changevault_oversize":2,"at":"x"})";
  event.payload = newer;
  const auto parsed = builder.parse(event);
  ASSERT_FALSE(parsed);
  EXPECT_NE(parsed.error().find("pointer"), std::string::npos) << parsed.error();
  // An event of somebody's own with that field is one as any other.
  const std::string own = R"({"changevault_oversize":2,"operationType":"insert"})";
  event.payload = own;
  EXPECT_TRUE(builder.parse(event));
}

}  // namespace
}  // namespace changevault
