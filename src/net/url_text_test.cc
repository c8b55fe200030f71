#include "net/url_text.h"

#include <gtest/gtest.h>

namespace changevault {
namespace {

TEST(PercentEncoding, KeepsWhatIsUnreserved) {
  EXPECT_EQ(percent_encode("Az09-._~"), "Az09-._~");
  EXPECT_EQ(percent_encode("a/b c%\xc3\xa9"), "a%2Fb%20c%25%C3%A9");
  EXPECT_EQ(percent_encode_path("a/b c"), "a/b%20c");
}

TEST(PercentEncoding, GoesBack) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(percent_decode(percent_encode(all)), all);
  EXPECT_EQ(percent_decode("%2f%2F"), "//");
  for (const char* text : {"%", "%2", "a%zz", "%%20"}) EXPECT_EQ(percent_decode(text), std::nullopt) << text;
}

TEST(ShownUrl, HasNoSecrets) {
  EXPECT_EQ(shown_url("https://a.example/c/x?sv=1&sig=secret"), "https://a.example/c/x");
  EXPECT_EQ(shown_url("https://user:secret@a.example:8443/c"), "https://a.example:8443/c");
  EXPECT_EQ(shown_url("https://a.example/c@d"), "https://a.example/c@d");
  EXPECT_EQ(shown_url("https://a.example"), "https://a.example");
}

TEST(WithoutSecrets, MasksEveryKindWhereverItStands) {
  EXPECT_EQ(without_secrets("AccountName=a;AccountKey=c2VjcmV0==;Container=c"),
            "AccountName=a;AccountKey=***;Container=c");
  EXPECT_EQ(without_secrets("accountkey=x"), "accountkey=***");
  EXPECT_EQ(without_secrets("https://a/c?sv=1&sig=abc%2B&se=2"), "https://a/c?sv=1&sig=***&se=2");
  EXPECT_EQ(without_secrets("SharedAccessSignature=sv=1&sig=abc&x=y;Container=c"),
            "SharedAccessSignature=***;Container=c");
  EXPECT_EQ(without_secrets("Endpoint=sb://n/;SharedAccessKey=k=;EntityPath=h"),
            "Endpoint=sb://n/;SharedAccessKey=***;EntityPath=h");
  EXPECT_EQ(without_secrets("AccountKey=a;AccountKey=b"), "AccountKey=***;AccountKey=***");
  EXPECT_EQ(without_secrets("file:data/archive"), "file:data/archive");
  EXPECT_TRUE(holds_secret("sig=1"));
  EXPECT_FALSE(holds_secret("sig="));
}

}  // namespace
}  // namespace changevault
