#include "base/hash.h"

#include <algorithm>
#include <utility>

#include <gtest/gtest.h>

#include "tests/support/generator.h"

namespace changevault {
namespace {

std::string hex(const Md5& hash) {
  return to_hex(std::string_view(reinterpret_cast<const char*>(hash.data()), hash.size()));
}

TEST(Hash, AgreesWithThePublishedVectors) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(md5("")), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(hex(md5("message digest")), "f96b697d7cb7938d525a2f31aaf161d0");
}

TEST(Hash, InPiecesIsTheSameAsWhole) {
  testing::Prng random(7);
  std::string bytes;
  for (int i = 0; i < 5000; ++i) bytes.push_back(static_cast<char>(random.below(256)));
  Hasher hasher(Hasher::Kind::kSha256);
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t length = std::min<std::size_t>(random.below(200), bytes.size() - at);
    hasher.update(std::string_view(bytes).substr(at, length));
    at += length;
  }
  Hasher moved = std::move(hasher);
  EXPECT_EQ(moved.finish_hex(), sha256_hex(bytes));
}

TEST(Hash, KindsDiffer) {
  Hasher hasher(Hasher::Kind::kMd5);
  hasher.update("abc");
  const std::string bytes = hasher.finish_bytes();
  EXPECT_EQ(bytes.size(), 16U);
  EXPECT_EQ(to_hex(bytes), "900150983cd24fb0d6963f7d28e17f72");
}

TEST(Hex, KeepsLeadingZerosAndHighBits) {
  EXPECT_EQ(to_hex(std::uint64_t{0}), "0000000000000000");
  EXPECT_EQ(to_hex(std::uint64_t{255}), "00000000000000ff");
  EXPECT_EQ(to_hex(UINT64_MAX), "ffffffffffffffff");
  EXPECT_EQ(to_hex(std::string_view("\x00\x7f\x80\xff", 4)), "007f80ff");
}

TEST(Base64, PadsAsTheRfcDoes) {
  EXPECT_EQ(to_base64(""), "");
  EXPECT_EQ(to_base64("f"), "Zg==");
  EXPECT_EQ(to_base64("fo"), "Zm8=");
  EXPECT_EQ(to_base64("foo"), "Zm9v");
  EXPECT_EQ(to_base64(std::string_view("\xff\xfe\x00", 3)), "//4A");
}

}  // namespace
}  // namespace changevault
