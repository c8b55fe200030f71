#include "store/azure/blob_place.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hash.h"
#include "tests/support/expect.h"

namespace changevault::azure {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Environment = std::map<std::string, std::string>;

BlobPlace place(const std::string& url, const Environment& environment = {}, const std::string& secret = {}) {
  return changevault::testing::value(find_blob_place(url, environment, secret));
}

TEST(BlobPlace, EveryFormOfAnAddress) {
  const BlobPlace plain = place("azure://acct/archive/a/b");
  EXPECT_EQ(plain.account, "acct");
  EXPECT_EQ(plain.endpoint, "https://acct.blob.core.windows.net");
  EXPECT_EQ(plain.container, "archive");
  EXPECT_EQ(plain.prefix, "a/b/");
  EXPECT_EQ(plain.shown(), "azure://acct/archive/a/b");
  EXPECT_EQ(place("azure://acct/archive").prefix, "");
  EXPECT_EQ(place("azure://acct/archive/").shown(), "azure://acct/archive");

  const BlobPlace spark = place("abfss://archive@acct.dfs.core.windows.net/a");
  EXPECT_EQ(spark.endpoint, "https://acct.blob.core.windows.net");
  EXPECT_EQ(spark.shown(), "azure://acct/archive/a");
  EXPECT_EQ(place("abfss://archive@acct.dfs.core.chinacloudapi.cn").endpoint,
            "https://acct.blob.core.chinacloudapi.cn");

  const BlobPlace web = place("https://acct.blob.core.windows.net/archive/with%20space?sv=1&sig=s%3D");
  EXPECT_EQ(web.endpoint, "https://acct.blob.core.windows.net");
  EXPECT_EQ(web.prefix, "with space/");
  EXPECT_EQ(web.sas, "sv=1&sig=s%3D");
  EXPECT_THAT(web.shown(), Not(HasSubstr("sig")));
  EXPECT_EQ(place("https://acct.dfs.core.windows.net/archive").endpoint,
            "https://acct.blob.core.windows.net");
  EXPECT_EQ(place("https://acct.privatelink.example:8443/archive").endpoint,
            "https://acct.privatelink.example:8443");

  const BlobPlace emulator = place("http://127.0.0.1:11000/devstoreaccount1/archive/p");
  EXPECT_EQ(emulator.account, "devstoreaccount1");
  EXPECT_EQ(emulator.endpoint, "http://127.0.0.1:11000/devstoreaccount1");
  EXPECT_EQ(emulator.container, "archive");
}

TEST(BlobPlace, AConnectionString) {
  const BlobPlace one = place(
      "azure:DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=a2V5PT0=;EndpointSuffix=core."
      "usgovcloudapi.net;"
      "Container=archive;Prefix=a/b");
  EXPECT_EQ(one.endpoint, "https://acct.blob.core.usgovcloudapi.net");
  EXPECT_EQ(one.account_key, "key==");
  EXPECT_EQ(one.shown(), "azure://acct/archive/a/b");

  const BlobPlace development = place("azure:UseDevelopmentStorage=true;Container=archive");
  EXPECT_EQ(development.endpoint, "http://127.0.0.1:10000/devstoreaccount1");
  EXPECT_EQ(to_base64(development.account_key).substr(0, 8), "Eby8vdM0");
  EXPECT_EQ(place("UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://10.0.0.9;Container=archive")
                .endpoint,
            "http://10.0.0.9:10000/devstoreaccount1");

  const BlobPlace by_endpoint = place(
      "BlobEndpoint=https://acct.blob.core.windows.net/;BlobSecondaryEndpoint=https://"
      "acct-secondary.blob.core.windows."
      "net/;SharedAccessSignature=?sv=1&sig=x;Container=archive");
  EXPECT_EQ(by_endpoint.account, "acct");
  EXPECT_EQ(by_endpoint.sas, "sv=1&sig=x");
  EXPECT_EQ(by_endpoint.secondary, "https://acct-secondary.blob.core.windows.net");
}

TEST(BlobPlace, CredentialsOfTheEnvironment) {
  const std::string connection = "AccountName=acct;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:9/acct";
  const BlobPlace one = place("azure://acct/archive", {{"AZURE_STORAGE_CONNECTION_STRING", connection}});
  EXPECT_EQ(one.account_key, "key");
  EXPECT_EQ(one.endpoint, "http://127.0.0.1:9/acct");
  EXPECT_EQ(place("azure://acct/archive", {{"AZURE_STORAGE_KEY", "a2V5\n"}}).account_key, "key");
  EXPECT_EQ(place("azure://acct/archive", {{"AZURE_STORAGE_SAS_TOKEN", "?sv=1&sig=x"}}).sas, "sv=1&sig=x");
  EXPECT_EQ(place("azure://acct/archive", {{"AZURE_STORAGE_KEY", "a2V5"}, {"AZURE_STORAGE_ACCOUNT", "acct"}})
                .account_key,
            "key");
  EXPECT_EQ(place("azure://devstoreaccount1/archive").endpoint, "http://127.0.0.1:10000/devstoreaccount1");
  EXPECT_NE(place("azure://devstoreaccount1/archive").account_key, "");
}

TEST(BlobPlace, ACredentialOfAnotherAccountIsNotUsedAndTheNoteSaysSo) {
  const BlobPlace one = place("azure://acct/archive",
                              {{"AZURE_STORAGE_CONNECTION_STRING", "AccountName=other;AccountKey=a2V5"}});
  EXPECT_EQ(one.account_key, "");
  EXPECT_EQ(one.endpoint, "https://acct.blob.core.windows.net");
  EXPECT_THAT(one.note, HasSubstr("AZURE_STORAGE_CONNECTION_STRING"));
  const BlobPlace two =
      place("azure://acct/archive", {{"AZURE_STORAGE_KEY", "a2V5"}, {"AZURE_STORAGE_ACCOUNT", "other"}});
  EXPECT_EQ(two.account_key, "");
  EXPECT_NE(two.note, "");
}

TEST(BlobPlace, LoginPassesOverKeysOfTheEnvironment) {
  const BlobPlace one =
      place("azure://acct/archive", {{"AZURE_STORAGE_KEY", "a2V5"}, {"AZURE_STORAGE_AUTH_MODE", "login"}});
  EXPECT_EQ(one.account_key, "");
}

TEST(BlobPlace, ASecretFileHoldsAnyOfThem) {
  EXPECT_EQ(place("azure://acct/archive", {}, "a2V5\n").account_key, "key");
  EXPECT_EQ(place("azure://acct/archive", {}, "?sv=1&sig=x\n").sas, "sv=1&sig=x");
  EXPECT_EQ(place("azure://acct/archive", {}, "AccountName=acct;AccountKey=a2V5").account_key, "key");
  const Environment other{{"AZURE_STORAGE_KEY", "b3RoZXI="}};
  EXPECT_EQ(place("azure://acct/archive", other, "a2V5").account_key, "key") << "the file comes first";
  EXPECT_ERROR(find_blob_place("azure://acct/archive", {}, "AccountName=other;AccountKey=a2V5"),
               ErrorCode::kUsage);
}

TEST(BlobPlace, NoTokenAndNoSasGoesOverPlainHttp) {
  for (const char* url :
       {"BlobEndpoint=http://storage.example/acct;AccountName=acct;Container=archive",
        "BlobEndpoint=HTTP://storage.example/acct;AccountName=acct;Container=archive",
        "BlobEndpoint=http://storage.example/"
        "acct;AccountName=acct;SharedAccessSignature=sig=x;Container=archive",
        "AccountName=acct;BlobSecondaryEndpoint=http://storage.example/acct;Container=archive",
        "http://127.evil.example/acct/archive"}) {
    EXPECT_ERROR(find_blob_place(url, {}), ErrorCode::kUsage);
  }
  EXPECT_OK(find_blob_place("BlobEndpoint=http://127.0.0.1:1/acct;AccountName=acct;Container=archive", {}));
  EXPECT_OK(find_blob_place(
      "BlobEndpoint=http://storage.example/acct;AccountName=acct;AccountKey=a2V5;Container=archive", {}));
}

TEST(BlobPlace, AStoreBesideTheConfiguredOneTakesNoSecretWithoutAnAccount) {
  const Environment nameless{{"AZURE_STORAGE_SAS_TOKEN", "sv=1&sig=x"}};
  EXPECT_EQ(place("azure://acct/archive", nameless).sas, "sv=1&sig=x");
  const BlobPlace beside =
      changevault::testing::value(find_blob_place("azure://acct/archive", nameless, {}, true));
  EXPECT_EQ(beside.sas, "");
  EXPECT_NE(beside.note, "");
  const Environment named{{"AZURE_STORAGE_SAS_TOKEN", "sv=1&sig=x"}, {"AZURE_STORAGE_ACCOUNT", "acct"}};
  EXPECT_EQ(changevault::testing::value(find_blob_place("azure://acct/archive", named, {}, true)).sas,
            "sv=1&sig=x");
}

TEST(BlobPlace, WrongOnesAreRefusedWithoutTellingSecrets) {
  for (const char* url :
       {"azure://", "azure://acct", "azure://acct/", "azure://Acct/archive", "azure://acct/ab",
        "azure://acct/Archive", "azure://acct/-archive", "azure:archive", "abfss://acct/archive",
        "abfss://archive@acct.blob.core.windows.net", "https://acct.blob.core.windows.net",
        "http://acct.blob.core.windows.net/archive", "ftp://acct/archive", "azure://acct/archive/%zz",
        "https://user:sig=top@acct.blob.core.windows.net/archive",
        "AccountName=acct;AccountKey=not base64 top;Container=archive", "AccountName=acct;AccountKey=a2V5",
        "AccountKey=dG9w;BlobEndpoint=;Container=archive"}) {
    const auto found = find_blob_place(url, {});
    ASSERT_FALSE(found.has_value()) << url;
    EXPECT_EQ(found.error().code, ErrorCode::kUsage) << url;
    EXPECT_THAT(found.error().to_string() + found.error().hint, Not(HasSubstr("top"))) << url;
    EXPECT_NE(found.error().message, "") << url;
  }
  EXPECT_ERROR(find_blob_place("azure://acct/archive", {{"AZURE_STORAGE_KEY", "!"}}), ErrorCode::kUsage);
}

}  // namespace
}  // namespace changevault::azure
