// Each link against the requests that Microsoft's libraries send, and the chain's order, memory and words.
#include "net/azure/entra.h"

#include <ctime>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "base/manual_clock.h"
#include "net/curl_client.h"
#include "tests/support/expect.h"
#include "tests/support/http_imposter.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace changevault::azure {
namespace {

using ::changevault::testing::HttpImposter;
using ::changevault::testing::ImposterReply;
using ::changevault::testing::ImposterRequest;
using ::changevault::testing::TempDir;
using ::changevault::testing::value;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kToken = R"({"token_type":"Bearer","expires_in":3599,"access_token":"the-token"})";

class EntraTest : public ::testing::Test {
 protected:
  EntraParts parts() {
    return {environment_, http_, clock_, system_random(),
            [this](const std::vector<std::string>& argv, Duration) { return run(argv); }};
  }
  Result<std::string> run(const std::vector<std::string>& argv) {
    commands_.push_back(argv);
    if (cli_answer_.empty()) return Error(ErrorCode::kNotFound, "cannot run");
    return cli_answer_;
  }
  ImposterRequest only_request() {
    const auto all = server_.requests();
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? ImposterRequest() : all[0];
  }
  std::string expect_token(EntraLink& link) {
    const AccessToken token = value(link.fetch(kStorageScope));
    EXPECT_EQ(token.value, "the-token");
    EXPECT_EQ(token.expires, clock_.now() + seconds(3599));
    return last_body_;
  }

  std::map<std::string, std::string> environment_;
  ManualClock clock_{Timestamp{1'800'000'000'000}};
  CurlClient http_;
  std::string cli_answer_;
  std::vector<std::vector<std::string>> commands_;
  std::function<ImposterReply(const ImposterRequest&)> answer_ = [](const ImposterRequest&) -> ImposterReply {
    return {200, {}, kToken};
  };
  std::string last_body_;
  HttpImposter server_{[this](const ImposterRequest& request) {
    last_body_ = request.body;
    return answer_(request);
  }};
  TempDir folder_;
};

TEST_F(EntraTest, ASecretOfTheEnvironment) {
  environment_ = {{"AZURE_TENANT_ID", "ten ant"},
                  {"AZURE_CLIENT_ID", "client"},
                  {"AZURE_CLIENT_SECRET", "s&cret="},
                  {"AZURE_AUTHORITY_HOST", server_.url()}};
  const std::string body = expect_token(*make_environment_link(parts()));
  EXPECT_EQ(body,
            "grant_type=client_credentials&client_id=client&client_secret=s%26cret%3D&scope=https%3A%2F%"
            "2Fstorage.azure."
            "com%2F.default");
  const ImposterRequest request = only_request();
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/ten%20ant/oauth2/v2.0/token");
  EXPECT_EQ(request.header("content-type"), "application/x-www-form-urlencoded");
}

std::string from_base64url(std::string text) {
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (text.size() % 4 != 0) text += '=';
  return *from_base64(text);
}

std::string field_of(const std::string& form, const std::string& name) {
  const std::size_t at = form.find(name + "=");
  return form.substr(at + name.size() + 1, form.find('&', at) - at - name.size() - 1);
}

// The signature is checked by openssl, not by ourselves.
TEST_F(EntraTest, ACertificateOfTheEnvironment) {
  const std::string pem = folder_ / "both.pem";
  const auto made = changevault::testing::run({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                                               "-keyout", folder_ / "key.pem", "-out", folder_ / "cert.pem",
                                               "-days", "2", "-subj", "/CN=test"});
  if (made.exit_code != 0) GTEST_SKIP() << "openssl is not installed";
  std::ofstream(pem) << std::ifstream(folder_ / "key.pem").rdbuf()
                     << std::ifstream(folder_ / "cert.pem").rdbuf();
  environment_ = {{"AZURE_TENANT_ID", "tenant"},
                  {"AZURE_CLIENT_ID", "client"},
                  {"AZURE_CLIENT_CERTIFICATE_PATH", pem},
                  {"AZURE_AUTHORITY_HOST", server_.url()}};
  const std::string body = expect_token(*make_environment_link(parts()));
  EXPECT_THAT(
      body,
      HasSubstr("client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"));
  const std::string jwt = field_of(body, "client_assertion");
  const std::size_t first = jwt.find('.');
  const std::size_t second = jwt.find('.', first + 1);
  const auto header = nlohmann::json::parse(from_base64url(jwt.substr(0, first)));
  const auto claims = nlohmann::json::parse(from_base64url(jwt.substr(first + 1, second - first - 1)));
  EXPECT_EQ(header["alg"], "RS256");
  EXPECT_EQ(header["typ"], "JWT");
  EXPECT_FALSE(header.contains("x5c"));
  EXPECT_EQ(claims["aud"], server_.url() + "/tenant/oauth2/v2.0/token");
  EXPECT_EQ(claims["iss"], "client");
  EXPECT_EQ(claims["sub"], "client");
  EXPECT_EQ(claims["nbf"], clock_.now().ms / 1000);
  EXPECT_EQ(claims["exp"], clock_.now().ms / 1000 + 600);
  const auto thumb =
      changevault::testing::run({"openssl", "x509", "-in", pem, "-noout", "-fingerprint", "-sha1"});
  std::string hex = thumb.out.substr(thumb.out.find('=') + 1);
  std::erase(hex, ':');
  EXPECT_EQ(header["kid"].get<std::string>() + "\n", hex);
  std::ofstream(folder_ / "text") << jwt.substr(0, second);
  std::ofstream(folder_ / "signature") << from_base64url(jwt.substr(second + 1));
  changevault::testing::run({"openssl", "x509", "-in", pem, "-noout", "-pubkey", "-out", folder_ / "public"});
  const auto checked = changevault::testing::run({"openssl", "dgst", "-sha256", "-verify", folder_ / "public",
                                                  "-signature", folder_ / "signature", folder_ / "text"});
  EXPECT_EQ(checked.exit_code, 0) << checked.out << checked.err;
}

TEST_F(EntraTest, ACertificateFileThatHoldsNone) {
  std::ofstream(folder_ / "none.pem") << "hello";
  environment_ = {{"AZURE_TENANT_ID", "t"},
                  {"AZURE_CLIENT_ID", "c"},
                  {"AZURE_CLIENT_CERTIFICATE_PATH", folder_ / "none.pem"}};
  EXPECT_ERROR(make_environment_link(parts())->fetch(kStorageScope), ErrorCode::kUsage);
}

TEST_F(EntraTest, AWorkloadsTokenIsReadAnewEachTime) {
  environment_ = {{"AZURE_TENANT_ID", "tenant"},
                  {"AZURE_CLIENT_ID", "client"},
                  {"AZURE_FEDERATED_TOKEN_FILE", folder_ / "token"},
                  {"AZURE_AUTHORITY_HOST", server_.url() + "/"}};
  const auto link = make_workload_link(parts());
  for (const char* token : {"first", "second"}) {
    std::ofstream(folder_ / "token") << token << "\n";
    EXPECT_THAT(expect_token(*link), HasSubstr(std::string("client_assertion=") + token + "&scope="));
  }
}

TEST_F(EntraTest, ManagedIdentityOfAnApp) {
  environment_ = {{"IDENTITY_ENDPOINT", server_.url() + "/msi/token"},
                  {"IDENTITY_HEADER", "proof"},
                  {"AZURE_CLIENT_ID", "me"}};
  answer_ = [](const ImposterRequest&) -> ImposterReply {
    return {200, {}, R"({"access_token":"the-token","expires_on":"1800003599"})"};
  };
  expect_token(*make_managed_identity_link(parts()));
  const ImposterRequest request = only_request();
  EXPECT_EQ(request.target,
            "/msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fstorage.azure.com&client_id=me");
  EXPECT_EQ(request.header("x-identity-header"), "proof");
}

TEST_F(EntraTest, ManagedIdentityOfAnOlderApp) {
  environment_ = {
      {"MSI_ENDPOINT", server_.url() + "/old"}, {"MSI_SECRET", "proof"}, {"AZURE_CLIENT_ID", "me"}};
  expect_token(*make_managed_identity_link(parts()));
  EXPECT_EQ(only_request().target,
            "/old?api-version=2017-09-01&resource=https%3A%2F%2Fstorage.azure.com&clientid=me");
  EXPECT_EQ(only_request().header("secret"), "proof");
}

TEST_F(EntraTest, ManagedIdentityOfCloudShell) {
  environment_ = {{"MSI_ENDPOINT", server_.url() + "/shell"}};
  EXPECT_EQ(expect_token(*make_managed_identity_link(parts())), "resource=https%3A%2F%2Fstorage.azure.com");
  EXPECT_EQ(only_request().method, "POST");
  EXPECT_EQ(only_request().header("metadata"), "true");
}

TEST_F(EntraTest, ArcAnswersNoFileOutsideOfItsFolder) {
  std::ofstream(folder_ / "secret.key") << "stolen";
  environment_ = {{"IDENTITY_ENDPOINT", server_.url() + "/arc"}, {"IMDS_ENDPOINT", "http://127.0.0.1:40342"}};
  for (const std::string& path :
       {folder_ / "secret.key", std::string("/var/opt/azcmagent/tokens/../../../etc/x.key")}) {
    answer_ = [&](const ImposterRequest&) -> ImposterReply {
      return {401, {{"WWW-Authenticate", "Basic realm=" + path}}, ""};
    };
    EXPECT_ERROR(make_managed_identity_link(parts())->fetch(kStorageScope), ErrorCode::kUnreachable);
  }
  for (const ImposterRequest& request : server_.requests()) {
    EXPECT_EQ(request.target, "/arc?api-version=2019-11-01&resource=https%3A%2F%2Fstorage.azure.com");
    EXPECT_EQ(request.header("authorization"), "");
  }
}

TEST_F(EntraTest, TheMachinesIdentityIsWaitedForWhileItStarts) {
  environment_ = {{"AZURE_POD_IDENTITY_AUTHORITY_HOST", server_.url()}};
  int asked = 0;
  answer_ = [&](const ImposterRequest&) -> ImposterReply {
    const int statuses[] = {410, 404, 429, 500, 200};
    const int status = statuses[asked++];
    return {status, {}, status == 200 ? kToken : R"({"error":"starting"})"};
  };
  EXPECT_EQ(value(make_managed_identity_link(parts())->fetch(kStorageScope)).value, "the-token");
  EXPECT_EQ(asked, 5);
  EXPECT_EQ(
      server_.requests()[0].target,
      "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fstorage.azure.com");
  EXPECT_EQ(server_.requests()[0].header("metadata"), "true");
}

TEST_F(EntraTest, TheCliGivesAToken) {
  cli_answer_ =
      R"({"accessToken":"the-token","expiresOn":"2027-01-15 09:00:00.000000","expires_on":1800003599})";
  environment_ = {{"AZURE_TENANT_ID", "t"}};
  EXPECT_EQ(value(make_cli_link(parts())->fetch(kStorageScope)).value, "the-token");
  EXPECT_EQ(commands_[0], (std::vector<std::string>{"az", "account", "get-access-token", "--output", "json",
                                                    "--scope", kStorageScope, "--tenant", "t"}));
}

// Debian 12's version.
TEST_F(EntraTest, AnOlderCliTellsALocalTime) {
  const std::time_t end = clock_.now().ms / 1000 + 3599;
  char text[64];
  std::tm local{};
  ::localtime_r(&end, &local);
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S.123456", &local);
  cli_answer_ = R"({"accessToken":"the-token","expiresOn":")" + std::string(text) + "\"}";
  EXPECT_EQ(value(make_cli_link(parts())->fetch(kStorageScope)).expires, clock_.now() + seconds(3599));
}

TEST_F(EntraTest, AShortToken) {
  cli_answer_ =
      R"({"accessToken":"the-token","expires_on":)" + std::to_string(clock_.now().ms / 1000 + 60) + "}";
  environment_ = {{"AZURE_TOKEN_CREDENTIALS", "dev"}};
  const auto chain = value(make_entra_chain(parts()));
  for (int i = 0; i < 10; ++i) EXPECT_OK(chain->token(kStorageScope));
  EXPECT_EQ(commands_.size(), 1U) << "not asked for at every request";
}

TEST_F(EntraTest, TheChainNamesEveryLinkThatFailed) {
  environment_ = {{"AZURE_TENANT_ID", "tenant"},
                  {"AZURE_CLIENT_ID", "client"},
                  {"AZURE_CLIENT_SECRET", "wrong-one"},
                  {"AZURE_AUTHORITY_HOST", server_.url()},
                  {"AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1"}};
  answer_ = [](const ImposterRequest&) -> ImposterReply {
    return {
        401,
        {},
        R"({"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided. Trace ID: x\r\nmore"})"};
  };
  const auto token = value(make_entra_chain(parts()))->token(kStorageScope);
  ASSERT_FALSE(token.has_value());
  EXPECT_EQ(token.error().code, ErrorCode::kUnreachable);
  EXPECT_FALSE(token.error().retryable);
  const std::string words = token.error().to_string();
  EXPECT_THAT(words, HasSubstr("environment: status 401, AADSTS7000215: Invalid client secret provided."));
  EXPECT_THAT(words, HasSubstr("workload identity: AZURE_FEDERATED_TOKEN_FILE is not set"));
  EXPECT_THAT(words, HasSubstr("managed identity: no metadata service answers at 127.0.0.1:1"));
  EXPECT_THAT(words, HasSubstr("Azure CLI: az is not installed"));
  EXPECT_THAT(words, Not(HasSubstr("wrong-one")));
  EXPECT_THAT(token.error().hint, HasSubstr("az login"));
}

TEST_F(EntraTest, TheChainIsNarrowedByAVariable) {
  cli_answer_ = R"({"accessToken":"the-token","expires_on":1800003599})";
  for (const char* word : {"dev", "AzureCliCredential", "azureclicredential"}) {
    environment_ = {{"AZURE_TOKEN_CREDENTIALS", word}, {"AZURE_TENANT_ID", "t"}};
    EXPECT_EQ(value(value(make_entra_chain(parts()))->token(kStorageScope)).value, "the-token");
  }
  environment_ = {{"AZURE_TOKEN_CREDENTIALS", "prod"},
                  {"AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1"}};
  EXPECT_ERROR(value(make_entra_chain(parts()))->token(kStorageScope), ErrorCode::kUnreachable);
  environment_ = {{"AZURE_TOKEN_CREDENTIALS", "SomeCredential"}};
  EXPECT_ERROR(make_entra_chain(parts()), ErrorCode::kUsage);
}

TEST_F(EntraTest, ATokenIsAskedForEarlyAndTheOldOneServesMeanwhile) {
  environment_ = {{"AZURE_TENANT_ID", "t"},
                  {"AZURE_CLIENT_ID", "c"},
                  {"AZURE_CLIENT_SECRET", "s"},
                  {"AZURE_AUTHORITY_HOST", server_.url()}};
  const auto chain = value(make_entra_chain(parts()));
  EXPECT_OK(chain->token(kStorageScope));
  clock_.advance(seconds(3599 - 360));
  EXPECT_OK(chain->token(kStorageScope));
  EXPECT_EQ(server_.requests().size(), 1U) << "kept";
  clock_.advance(minutes(2));
  answer_ = [](const ImposterRequest&) -> ImposterReply { return {503, {{"Retry-After", "7"}}, ""}; };
  EXPECT_EQ(value(chain->token(kStorageScope)).value, "the-token") << "the old one serves";
  EXPECT_EQ(server_.requests().size(), 2U);
  EXPECT_OK(chain->token(kStorageScope));
  EXPECT_EQ(server_.requests().size(), 2U) << "not asked at every request";
  clock_.advance(minutes(5));
  const auto none = chain->token(kStorageScope);
  ASSERT_FALSE(none.has_value());
  EXPECT_TRUE(none.error().retryable);
  EXPECT_EQ(none.error().retry_after, seconds(7));
}

TEST(ReadToken, EveryFormOfATime) {
  const Timestamp now{1'000'000'000'000};
  const auto expires = [&](const std::string& rest) {
    return value(read_token("{\"access_token\":\"t\"," + rest + "}", now)).expires;
  };
  EXPECT_EQ(expires("\"expires_in\":60"), now + seconds(60));
  EXPECT_EQ(expires("\"expires_in\":\"60\""), now + seconds(60));
  EXPECT_EQ(expires("\"expires_on\":1000000060"), now + seconds(60));
  EXPECT_EQ(expires("\"expires_on\":\"1000000060\""), now + seconds(60));
  for (const char* text : {"", "[]", "{}", R"({"access_token":1,"expires_in":1})", R"({"access_token":""})",
                           R"({"access_token":"secret"})", R"({"access_token":"secret","expires_in":"soon"})",
                           R"({"access_token":"secret","expires_in":99999999999999})"}) {
    const auto token = read_token(text, now);
    ASSERT_FALSE(token.has_value()) << text;
    EXPECT_THAT(token.error().to_string(), Not(HasSubstr("secret")));
  }
}

}  // namespace
}  // namespace changevault::azure
