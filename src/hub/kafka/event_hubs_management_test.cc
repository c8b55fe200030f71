#include "hub/kafka/event_hubs_management.h"

#include <gtest/gtest.h>

#include "base/manual_clock.h"
#include "base/random.h"
#include "net/curl_client.h"
#include "tests/support/expect.h"
#include "tests/support/http_imposter.h"

namespace changevault::kafka {
namespace {

using changevault::testing::HttpImposter;
using changevault::testing::ImposterReply;
using changevault::testing::ImposterRequest;
using changevault::testing::value;

constexpr const char* kNamespace =
    "/subscriptions/S-1/resourceGroups/group/providers/Microsoft.EventHub/namespaces/ns";

class FixedToken final : public azure::TokenSource {
 public:
  Result<azure::AccessToken> token(const std::string& scope) override {
    scopes.push_back(scope);
    return azure::AccessToken{"secret", {}};
  }
  std::vector<std::string> scopes;
};

class EventHubsManagement : public ::testing::Test {
 protected:
  Result<std::unique_ptr<GroupManagement>> open(const std::string& id, const std::string& endpoint) {
    return open_management(settings_, {id, endpoint, tokens_, http_, clock_, system_random()});
  }

  Settings settings_ = value(make_settings({"eventhubs", "//ns/hub", {}, {}}));
  FixedToken tokens_;
  CurlClient http_{CurlOptions{}};
  ManualClock clock_{Timestamp{0}};
};

TEST_F(EventHubsManagement, GroupsAreListedMadeAndRemoved) {
  std::string self;
  HttpImposter service([&](const ImposterRequest& request) -> ImposterReply {
    EXPECT_EQ(request.header("authorization"), "Bearer secret");
    if (request.method == "GET" && request.parameter("$skip").empty()) {
      return {200,
              {},
              R"({"value":[{"name":"$Default"},{"name":"a"}],"nextLink":")" + self + request.path +
                  R"(?api-version=2024-01-01&$skip=2"})"};
    }
    if (request.method == "GET") return {200, {}, R"({"value":[{"name":"b"}]})"};
    return {request.method == "PUT" ? 200 : 204, {}, {}};
  });
  self = service.url();
  const auto management = value(open(kNamespace, service.url()));
  EXPECT_EQ(value(management->list()), (std::vector<std::string>{"$Default", "a", "b"}));
  EXPECT_OK(management->create("new group"));
  EXPECT_OK(management->remove("old"));
  const auto requests = service.requests();
  ASSERT_EQ(requests.size(), 4U);
  EXPECT_EQ(requests[2].method, "PUT");
  EXPECT_EQ(requests[2].path, std::string(kNamespace) + "/eventhubs/hub/consumergroups/new group");
  EXPECT_EQ(requests[2].parameter("api-version"), "2024-01-01");
  EXPECT_EQ(requests[3].method, "DELETE");
  EXPECT_EQ(tokens_.scopes.front(), service.url() + "/.default");
}

TEST_F(EventHubsManagement, WhatTheServiceSaysIsSaid) {
  int asked = 0;
  HttpImposter service([&](const ImposterRequest&) -> ImposterReply {
    if (++asked == 1) return {503, {}, {}};
    return {403, {}, R"({"error":{"code":"AuthorizationFailed","message":"no right to it"}})"};
  });
  const auto management = value(open(kNamespace, service.url()));
  const auto refused = management->create("g");
  EXPECT_ERROR(refused, ErrorCode::kUnreachable);
  EXPECT_NE(refused.error().message.find("no right to it"), std::string::npos);
  EXPECT_NE(refused.error().hint.find("Contributor"), std::string::npos);
  EXPECT_EQ(asked, 2);
}

TEST_F(EventHubsManagement, ATokenGoesToNobodyElse) {
  HttpImposter service([&](const ImposterRequest&) -> ImposterReply {
    return {200, {}, R"({"value":[],"nextLink":"https://elsewhere.example/list"})"};
  });
  EXPECT_ERROR(value(open(kNamespace, service.url()))->list(), ErrorCode::kUnreachable);
}

TEST_F(EventHubsManagement, ResourceIdsThatAreNone) {
  for (const char* id :
       {"", "ns", "/subscriptions/s/resourceGroups/g/providers/Microsoft.EventHub/namespaces/other",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/ns"}) {
    EXPECT_ERROR(open(id, ""), ErrorCode::kUsage);
  }
  settings_ = value(make_settings({"kafka", "//b/t", {}, {}}));
  EXPECT_ERROR(open(kNamespace, ""), ErrorCode::kUsage);
}

}  // namespace
}  // namespace changevault::kafka
