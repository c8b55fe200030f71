#include "codec/sealed_json.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "codec/json.h"
#include "tests/support/expect.h"

namespace changevault {
namespace {

using testing::value;

Json sample() {
  Json json;
  json["version"] = 1;
  json["kind"] = "commit";
  json["text"] = R"(,"self":"x"}\")";
  json["number"] = std::int64_t{9007199254740993};
  return json;
}

TEST(SealedJson, GoldenBytes) {
  Json json;
  json["a"] = 1;
  EXPECT_EQ(seal_json(json), R"({"a":1,"self":")" + sha256_hex(R"({"a":1)") + "\"}\n");
}

TEST(SealedJson, ComesBackWithoutItsSelf) {
  EXPECT_EQ(value(open_sealed_json(seal_json(sample()), "slot")), sample());
}

TEST(SealedJson, ChangesBytesThatAreNotUtf8) {
  Json json;
  json["a"] = "\xff";
  EXPECT_EQ(value(open_sealed_json(seal_json(json), "slot"))["a"], "\xef\xbf\xbd");
}

TEST(SealedJson, EveryFlippedBitIsFound) {
  const std::string sealed = seal_json(sample());
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    std::string flipped = sealed;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    const auto opened = open_sealed_json(flipped, "the slot");
    ASSERT_FALSE(opened.has_value()) << flipped;
    EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
    EXPECT_EQ(opened.error().object, "the slot");
  }
}

TEST(SealedJson, EveryCutAndEveryTailIsFound) {
  const std::string sealed = seal_json(sample());
  for (std::size_t n = 0; n < sealed.size(); ++n)
    EXPECT_ERROR(open_sealed_json(sealed.substr(0, n), "x"), ErrorCode::kCorrupt);
  for (const char* const tail : {"\n", " ", "{}", "x\n"})
    EXPECT_ERROR(open_sealed_json(sealed + tail, "x"), ErrorCode::kCorrupt);
  EXPECT_ERROR(open_sealed_json(sealed + sealed, "x"), ErrorCode::kCorrupt);
}

// Sealed by somebody else: the checksum fits, the rest does not.
TEST(SealedJson, RefusesWhatIsNoDocumentThoughTheChecksumFits) {
  for (const std::string body :
       {"{", "{\"a\":", "[1", "x", "{\"self\":1", "{\"a\":1,\"self\":2", "{\"a\":1}}"}) {
    const std::string sealed = body + ",\"self\":\"" + sha256_hex(body) + "\"}\n";
    EXPECT_ERROR(open_sealed_json(sealed, "x"), ErrorCode::kCorrupt);
  }
}

TEST(SealedJson, RefusesToSealNonsense) {
  EXPECT_THROW(seal_json(Json::array()), std::logic_error);
  EXPECT_THROW(seal_json(Json::object()), std::logic_error);
  EXPECT_THROW(seal_json(Json{{"self", 1}}), std::logic_error);
}

}  // namespace
}  // namespace changevault
