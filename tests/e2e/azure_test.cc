// The whole product with its archive in Azure storage: Azurite, our program, and other people's clients
// beside it.
#include <cstdlib>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/hash.h"
#include "net/url_text.h"
#include "tests/e2e/vault.h"
#include "tests/support/azurite.h"

namespace changevault::testing {
namespace {

namespace fs = std::filesystem;

std::string event(int n, const std::string& collection, int hour) {
  return R"({"_id":{"_data":"82)" + std::to_string(100000 + 1000 * hour + n) +
         R"("},"operationType":"insert","clusterTime":{"$timestamp":{"t":)" +
         std::to_string(1736899200 + hour * 3600 + n) + R"(,"i":1}},"ns":{"db":"shop","coll":")" +
         collection + R"("},"documentKey":{"_id":)" + std::to_string(n) + R"(},"fullDocument":{"_id":)" +
         std::to_string(n) + "}}\n";
}

std::string content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// shop.orders in the hours 0 to 3, 50 events each; the archive in a new container.
class AzureEndToEnd : public ::testing::Test {
 protected:
  void SetUp() override {
    azurite_ = Azurite::shared();
    if (azurite_ == nullptr) GTEST_SKIP() << Azurite::why_not();
    vault_.options().environment["AZURE_STORAGE_CONNECTION_STRING"] = azurite_->connection_string();
    vault_.expect(0, {"init", "--set", "hub.partitions=2", "--set",
                      "store.url=azure://devstoreaccount1/" + container_ + "/vault"});
  }
  void import_events() {
    std::string file;
    for (int n = 0; n < 200; ++n) file += event(n % 50, "orders", n / 50);
    vault_.import(vault_.write("events.jsonl", file));
  }
  // rclone on the same account; without it the test says so and ends.
  bool has_rclone() {
    try {
      return testing::run({"rclone", "version"}).exit_code == 0;
    } catch (const std::runtime_error&) {
      return false;
    }
  }
  Outcome rclone(std::vector<std::string> arguments) {
    vault_.write("rclone.conf",
                 "[az]\ntype = azureblob\nuse_emulator = true\nendpoint = " + azurite_->endpoint() + "\n");
    arguments.insert(arguments.begin(),
                     {"rclone", "--config", vault_.folder() / "rclone.conf", "--retries", "1"});
    ProcessOptions options;
    options.folder = vault_.folder();
    return testing::run(arguments, options);
  }

  Azurite* azurite_ = nullptr;
  std::string container_ = Azurite::new_container();
  Vault vault_;
};

TEST_F(AzureEndToEnd, AnHourThatTheWarehouseLostComesBackFromBlobStorage) {
  vault_.expect(0, {"check"});
  import_events();
  EXPECT_EQ(vault_.number("select count(*) from mongodb_changes"), 200);
  vault_.expect(0, {"gaps"});
  vault_.expect(0, {"sql",
                    "delete from mongodb_changes where enqueued_time >= '2025-01-15 02:00:00' and "
                    "enqueued_time < '2025-01-15 03:00:00'"});
  const json gaps = vault_.expect_json(3, {"gaps", "shop", "orders"});
  EXPECT_EQ(gaps.at("summary").at("MISSING"), 1);
  const json done = vault_.expect_json(0, {"recover", "shop", "orders", "2025/01/15", "2", "--yes"});
  EXPECT_EQ(done.at("inserted"), 50);
  EXPECT_EQ(vault_.number("select count(distinct event_id) from mongodb_changes"), 200);
  EXPECT_EQ(vault_.expect_json(0, {"verify"}).at("result"), "PASS");
  vault_.expect(0, {"status"});
}

TEST_F(AzureEndToEnd, SecretsAreNowhere) {
  import_events();
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"check"}, {"status"}, {"ls"}, {"verify"}, {"--log-level", "debug", "gaps"}, {"init"}}) {
    const Outcome outcome = vault_.run(arguments);
    EXPECT_EQ((outcome.out + outcome.err).find("Eby8vdM0"), std::string::npos) << arguments[0];
  }
  EXPECT_EQ(content(vault_.folder() / "changevault.toml").find("Eby8vdM0"), std::string::npos);
  const Outcome refused =
      vault_.expect(2, {"ls", "--set", "store.url=azure:" + azurite_->connection_string() + "Container=x"});
  EXPECT_EQ((refused.out + refused.err).find("Eby8vdM0"), std::string::npos);
  EXPECT_NE(refused.err.find("store.secret_file"), std::string::npos);
}

TEST_F(AzureEndToEnd, AConnectionStringOfTheEnvironmentIsTheStoreItself) {
  import_events();
  vault_.options().environment.erase("AZURE_STORAGE_CONNECTION_STRING");
  vault_.options().environment["CHANGEVAULT_STORE_URL"] =
      azurite_->connection_string() + "Container=" + container_ + ";Prefix=vault";
  EXPECT_EQ(vault_.expect_json(0, {"ls"}).at("total").at("records"), 200);
  vault_.options().environment["CHANGEVAULT_STORE_URL"] = azurite_->endpoint() + "/" + container_ + "/vault";
  vault_.options().environment["CHANGEVAULT_STORE_SECRET_FILE"] = "secret";
  vault_.write("secret", azurite_->connection_string() + "\n");
  EXPECT_EQ(vault_.expect_json(0, {"ls"}).at("total").at("records"), 200);
}

TEST_F(AzureEndToEnd, WhatIsWrongIsSaidWithWhatToDo) {
  vault_.options().environment["AZURE_STORAGE_CONNECTION_STRING"] = "";
  vault_.options().environment["AZURE_STORAGE_KEY"] = "bm90IHRoZSBrZXk=";
  vault_.options().environment["CHANGEVAULT_STORE_URL"] = azurite_->endpoint() + "/" + container_ + "/vault";
  Outcome outcome = vault_.expect(6, {"ls"});
  EXPECT_NE(outcome.err.find("403"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("hint:"), std::string::npos) << outcome.err;
  vault_.options().environment["AZURE_STORAGE_KEY"] = "";
  vault_.options().environment["AZURE_STORAGE_CONNECTION_STRING"] = azurite_->connection_string();
  vault_.options().environment["CHANGEVAULT_STORE_URL"] = "azure://devstoreaccount1/no-such-container";
  outcome = vault_.expect(6, {"ls"});
  EXPECT_NE(outcome.err.find("changevault init"), std::string::npos) << outcome.err;
}

// An account SAS, signed here as Azure's documentation has it: one that may read, one that may create as
// well.
TEST_F(AzureEndToEnd, ASasIsEnoughForWhatItAllows) {
  const auto sas = [&](const std::string& rights, Duration life) {
    const std::string end = to_rfc3339_seconds(system_clock().now() + life);
    const std::string text = "devstoreaccount1\n" + rights + "\nb\nco\n\n" + end + "\n\n\n2019-12-12\n";
    const std::string key = *from_base64(
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==");
    return "sv=2019-12-12&ss=b&srt=co&sp=" + rights + "&se=" + percent_encode(end) +
           "&sig=" + percent_encode(to_base64(hmac_sha256(key, text)));
  };
  import_events();
  auto& environment = vault_.options().environment;
  environment["AZURE_STORAGE_CONNECTION_STRING"] = "";
  environment["CHANGEVAULT_STORE_URL"] = azurite_->endpoint() + "/" + container_ + "/vault";
  environment["AZURE_STORAGE_SAS_TOKEN"] = sas("rl", hours(1));
  EXPECT_EQ(vault_.expect_json(0, {"verify"}).at("result"), "PASS");
  vault_.expect(
      0, {"publish", "--time-from", "cluster_time", vault_.write("more.jsonl", event(1, "orders", 6))});
  const Outcome refused = vault_.expect(6, {"archive", "--once", "--close"});
  EXPECT_NE(refused.err.find("SAS"), std::string::npos) << refused.err;
  environment["AZURE_STORAGE_SAS_TOKEN"] = sas("rlc", hours(1));
  vault_.expect(0, {"archive", "--once", "--close"});
  EXPECT_EQ(vault_.expect_json(0, {"ls"}).at("total").at("records"), 201);
  const Outcome checked = vault_.expect(0, {"check"});
  EXPECT_NE(checked.out.find("cannot be removed"), std::string::npos) << checked.out;
  environment["AZURE_STORAGE_SAS_TOKEN"] = sas("rl", milliseconds(-60'000));
  const Outcome expired = vault_.expect(6, {"ls"});
  EXPECT_NE(expired.err.find("expired"), std::string::npos) << expired.err;
  EXPECT_EQ(expired.err.find("sig="), std::string::npos);
  environment["AZURE_STORAGE_SAS_TOKEN"] = "";
  environment["CHANGEVAULT_STORE_URL"] =
      azurite_->endpoint() + "/" + container_ + "/vault?" + sas("rl", hours(1));
  EXPECT_EQ(vault_.expect_json(0, {"ls"}).at("total").at("records"), 201);
}

TEST_F(AzureEndToEnd, OtherClientsReadWhatWeWrote) {
  if (!has_rclone()) GTEST_SKIP() << "rclone is not installed (scripts/setup test)";
  import_events();
  vault_.expect(0, {"get", "-d", "ours"});
  const Outcome copied =
      rclone({"copy", "az:" + container_ + "/vault/changestreams/shop", vault_.folder() / "theirs"});
  ASSERT_EQ(copied.exit_code, 0) << copied.err;
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(vault_.folder() / "theirs")) {
    if (!entry.is_regular_file()) continue;
    ++files;
    const fs::path same =
        vault_.folder() / "ours/shop" / fs::relative(entry.path(), vault_.folder() / "theirs");
    EXPECT_EQ(content(entry.path()), content(same)) << same;
    EXPECT_EQ(testing::run({"gzip", "-t", entry.path()}).exit_code, 0);
  }
  EXPECT_GE(files, 4);
  const Outcome checked =
      rclone({"check", "az:" + container_ + "/vault/changestreams/shop", vault_.folder() / "ours/shop"});
  EXPECT_EQ(checked.exit_code, 0) << "every file has the MD5 it should: " << checked.err;
}

// Microsoft's own client; large, so only where somebody asked for it.
TEST_F(AzureEndToEnd, TheAzureCliReadsWhatWeWrote) {
  if (std::getenv("CHANGEVAULT_TEST_AZ") == nullptr)
    GTEST_SKIP() << "the Azure CLI is asked with CHANGEVAULT_TEST_AZ=1 (apt-get install azure-cli, 667 MB)";
  import_events();
  vault_.expect(0, {"get", "-d", "ours"});
  ProcessOptions options;
  options.folder = vault_.folder();
  options.environment = {{"AZURE_STORAGE_CONNECTION_STRING", azurite_->connection_string()},
                         {"AZURE_CONFIG_DIR", vault_.folder() / "azure"},
                         {"AZURE_CORE_COLLECT_TELEMETRY", "no"}};
  const Outcome listed =
      testing::run({"az", "storage", "blob", "list", "-c", container_, "--prefix",
                    "vault/changestreams/shop/", "--query", "[].properties.contentSettings", "-o", "json"},
                   options);
  ASSERT_EQ(listed.exit_code, 0) << listed.err;
  const json settings = json::parse(listed.out);
  ASSERT_GE(settings.size(), 4U);
  for (const json& one : settings) {
    EXPECT_EQ(one.at("contentType"), "application/gzip");
    EXPECT_TRUE(one.at("contentEncoding").is_null());
    EXPECT_TRUE(one.at("contentMd5").is_string());
  }
  fs::create_directories(vault_.folder() / "theirs");
  const Outcome fetched =
      testing::run({"az", "storage", "blob", "download-batch", "-s", container_, "-d",
                    vault_.folder() / "theirs", "--pattern", "vault/changestreams/shop/*", "--no-progress"},
                   options);
  ASSERT_EQ(fetched.exit_code, 0) << fetched.err;
  int files = 0;
  const fs::path theirs = vault_.folder() / "theirs/vault/changestreams";
  for (const auto& entry : fs::recursive_directory_iterator(theirs)) {
    if (!entry.is_regular_file()) continue;
    ++files;
    EXPECT_EQ(content(entry.path()), content(vault_.folder() / "ours" / fs::relative(entry.path(), theirs)));
  }
  EXPECT_EQ(files, static_cast<int>(settings.size()));
}

// A foreign archive: the files alone, put there by another client.
TEST_F(AzureEndToEnd, WhatOtherClientsWroteIsListedVerifiedAndRecovered) {
  if (!has_rclone()) GTEST_SKIP() << "rclone is not installed (scripts/setup test)";
  import_events();
  vault_.expect(0, {"get", "-d", "ours"});
  const std::string foreign = Azurite::new_container();
  ASSERT_EQ(rclone({"mkdir", "az:" + foreign}).exit_code, 0);
  ASSERT_EQ(rclone({"copy", vault_.folder() / "ours", "az:" + foreign + "/changestreams"}).exit_code, 0);
  vault_.options().environment["CHANGEVAULT_STORE_URL"] = "azure://devstoreaccount1/" + foreign;
  EXPECT_GE(vault_.expect_json(0, {"ls"}).at("segments").size(), 4U);
  EXPECT_EQ(vault_.expect_json(5, {"verify"}).at("result"), "INDETERMINATE");
  vault_.expect(0, {"sql",
                    "delete from mongodb_changes where enqueued_time >= '2025-01-15 02:00:00' and "
                    "enqueued_time < '2025-01-15 03:00:00'"});
  const json done = vault_.expect_json(0, {"recover", "shop", "orders", "2025/01/15", "2", "--yes"});
  EXPECT_EQ(done.at("inserted"), 50);
  EXPECT_EQ(vault_.number("select count(distinct event_id) from mongodb_changes"), 200);
  EXPECT_EQ(vault_.expect_json(5, {"gaps"}).at("without_ledger").at("records"), 200);
  EXPECT_EQ(vault_.expect_json(5, {"gaps"}).at("without_ledger").at("bytes_read"), 0);
  vault_.expect(0, {"adopt", "--yes"});
  EXPECT_EQ(vault_.expect_json(0, {"verify"}).at("result"), "PASS");
  vault_.expect(0, {"gaps"});
}

TEST_F(AzureEndToEnd, AnExportStandsBesideTheArchiveForAWarehousesStage) {
  import_events();
  const json done =
      vault_.expect_json(0, {"export", "shop", "--hours", "1-2", "--to-store", "recovery/two.jsonl.gz"});
  EXPECT_EQ(done.at("records"), 100);
  vault_.expect(2, {"export", "shop", "--to-store", "recovery/two.jsonl.gz"});
  if (!has_rclone()) GTEST_SKIP() << "rclone is not installed (scripts/setup test)";
  const Outcome copied = rclone({"copy", "az:" + container_ + "/vault/recovery", vault_.folder() / "stage"});
  ASSERT_EQ(copied.exit_code, 0) << copied.err;
  EXPECT_EQ(testing::run({"gzip", "-dc", vault_.folder() / "stage/two.jsonl.gz"}).out,
            vault_.expect(0, {"cat", "shop", "--hours", "1-2"}).out);
}

// From a laptop's directory into the cloud, on from there, and back.
TEST_F(AzureEndToEnd, AnArchiveGrowsOntoAzureAndComesBack) {
  vault_.options().environment["CHANGEVAULT_STORE_URL"] = "file:" + (vault_.folder() / "laptop").string();
  vault_.options().environment["CHANGEVAULT_HUB_URL"] = "sqlite:" + (vault_.folder() / "hub2.db").string();
  vault_.expect(0, {"init"});
  import_events();
  const std::string cloud = "azure://devstoreaccount1/" + Azurite::new_container() + "/grown";
  const json copied = vault_.expect_json(0, {"copy", "--to", cloud});
  EXPECT_TRUE(copied.at("complete"));
  EXPECT_GE(copied.at("proven"), 4);
  EXPECT_EQ(vault_.expect_json(0, {"copy", "--to", cloud}).at("copied"), 0);
  vault_.options().environment["CHANGEVAULT_STORE_URL"] = cloud;
  EXPECT_EQ(vault_.expect_json(0, {"verify"}).at("result"), "PASS");
  vault_.expect(0, {"gaps"});
  std::string more;
  for (int n = 0; n < 50; ++n) more += event(n, "orders", 5);
  vault_.import(vault_.write("more.jsonl", more));
  const json back = vault_.expect_json(0, {"copy", "--to", "file:" + (vault_.folder() / "laptop").string()});
  EXPECT_GT(back.at("copied"), 0);
  vault_.options().environment["CHANGEVAULT_STORE_URL"] = "file:" + (vault_.folder() / "laptop").string();
  EXPECT_EQ(vault_.expect_json(0, {"verify"}).at("result"), "PASS");
  EXPECT_EQ(vault_.expect_json(0, {"ls"}).at("total").at("records"), 250);
  const Outcome refused =
      vault_.expect(2, {"copy", "--to", "azure:AccountName=a;AccountKey=a2V5;Container=abc"});
  EXPECT_EQ(refused.err.find("a2V5"), std::string::npos);
}

// Over TLS, with a token of Entra's: the emulator takes any that is well formed, the client finds it by the
// Azure CLI.
TEST(AzureOverTls, ATokenIsEnough) {
  Azurite* const azurite = Azurite::shared(Azurite::Protocol::kHttps);
  if (azurite == nullptr) GTEST_SKIP() << Azurite::why_not();
  Vault vault;
  const std::string az = vault.write("az", R"(#!/usr/bin/env python3
import base64, json, time
def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
now = int(time.time())
claims = {"iss": "https://sts.windows.net/tenant/", "aud": "https://storage.azure.com", "iat": now, "nbf": now - 5, "exp": now + 3600}
token = part({"alg": "none", "typ": "JWT"}) + "." + part(claims) + ".x"
print(json.dumps({"accessToken": token, "expires_on": now + 3600}))
)");
  fs::permissions(az, fs::perms::owner_all);
  auto& environment = vault.options().environment;
  environment["PATH"] = vault.folder().string() + ":" + std::getenv("PATH");
  environment["AZURE_TOKEN_CREDENTIALS"] = "dev";
  environment["CHANGEVAULT_STORE_URL"] = azurite->endpoint() + "/" + Azurite::new_container();
  const Outcome untrusted = vault.expect(6, {"init", "--set", "hub.partitions=1"});
  EXPECT_NE(untrusted.err.find("SSL_CERT_FILE"), std::string::npos) << untrusted.err;
  environment["SSL_CERT_FILE"] = azurite->ca_file();
  vault.expect(0, {"init", "--set", "hub.partitions=1"});
  std::string file;
  for (int n = 0; n < 20; ++n) file += event(n, "orders", 0);
  vault.import(vault.write("events.jsonl", file));
  EXPECT_EQ(vault.expect_json(0, {"verify"}).at("result"), "PASS");
}

}  // namespace
}  // namespace changevault::testing
