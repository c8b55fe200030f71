// The text to sign as Microsoft's documentation spells it out for its examples; the signatures were computed
// apart:
//   printf '%s' "$text" | openssl dgst -sha256 -mac HMAC -macopt hexkey:… -binary | base64
#include "store/azure/shared_key.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "tests/support/process.h"

namespace changevault::azure {
namespace {

constexpr const char* kKey =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

// "Authorize with Shared Key": the example of Get Container Metadata.
TEST(SharedKey, TheExampleOfTheDocumentation) {
  const QueryPairs query{{"restype", "container"}, {"comp", "metadata"}, {"timeout", "20"}};
  const std::vector<HttpHeader> headers{{"x-ms-version", "2015-02-21"},
                                        {"x-ms-date", "Fri, 26 Jun 2015 23:39:12 GMT"}};
  EXPECT_EQ(string_to_sign("myaccount", {"GET", "/mycontainer", query, headers}),
            "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n"
            "/myaccount/mycontainer\ncomp:metadata\nrestype:container\ntimeout:20");
}

TEST(SharedKey, EveryLineHasItsHeader) {
  const std::vector<HttpHeader> headers{{"Content-Type", "application/gzip"},
                                        {"Content-MD5", "bWQ1"},
                                        {"If-None-Match", "*"},
                                        {"If-Match", "\"e\""},
                                        {"Range", "bytes=0-9"},
                                        {"x-ms-meta-sha256", "ab"},
                                        {"X-Ms-Blob-Type", "BlockBlob"}};
  EXPECT_EQ(string_to_sign("acct", {"PUT", "/acct/c/a%20b", {}, headers, 42}),
            "PUT\n\n\n42\nbWQ1\napplication/"
            "gzip\n\n\n\"e\"\n*\n\nbytes=0-9\nx-ms-blob-type:BlockBlob\nx-ms-meta-sha256:ab\n"
            "/acct/acct/c/a%20b");
}

TEST(SharedKey, QueryNamesAreLowerCaseSortedAndJoined) {
  const QueryPairs query{{"Prefix", "a b/ü"}, {"comp", "list"}, {"include", "metadata"}, {"include", "copy"}};
  const std::string text = string_to_sign("acct", {"GET", "/c", query, {}});
  EXPECT_EQ(text.substr(text.find("/acct")), "/acct/c\ncomp:list\ninclude:copy,metadata\nprefix:a b/ü");
}

TEST(SharedKey, TheSignatureIsThatOfOpenssl) {
  const QueryPairs query{{"comp", "list"}, {"restype", "container"}};
  const std::vector<HttpHeader> headers{{"x-ms-date", "Fri, 26 Jun 2015 23:39:12 GMT"},
                                        {"x-ms-version", "2021-12-02"}};
  const SignedRequest request{"GET", "/c", query, headers};
  const std::string key = *from_base64(kKey);
  const std::string ours = shared_key_authorization("devstoreaccount1", key, request);
  EXPECT_EQ(ours, "SharedKey devstoreaccount1:XAwv6XjiYeWaMO6k+7vbmeY6Lc3qyBb+h1FO+AXTGVk=");
  testing::ProcessOptions options;
  options.input = string_to_sign("devstoreaccount1", request);
  const auto theirs = testing::run({"openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt",
                                    "hexkey:" + to_hex(std::string_view(key)), "-binary"},
                                   options);
  ASSERT_EQ(theirs.exit_code, 0) << theirs.err;
  EXPECT_EQ(ours, "SharedKey devstoreaccount1:" + to_base64(theirs.out));
}

}  // namespace
}  // namespace changevault::azure
