#include "net/curl_client.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/http_imposter.h"

namespace changevault {
namespace {

using testing::HttpImposter;
using testing::ImposterReply;
using testing::ImposterRequest;
using testing::value;

TEST(CurlClient, SendsWhatItIsGivenAndNothingElse) {
  HttpImposter server([](const ImposterRequest& request) -> ImposterReply {
    return {201, {{"X-Answer", "yes"}, {"X-Empty", ""}}, request.body + "!"};
  });
  CurlClient client;
  const std::string body(300'000, 'b');
  HttpRequest request{"PUT", server.url() + "/a/../b%20c?q=1", {{"X-Asked", "1"}, {"X-None", ""}}};
  request.body = body;
  const HttpResponse answer = value(client.send(request));
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.header("x-answer"), "yes");
  EXPECT_EQ(answer.header("missing"), "");
  EXPECT_EQ(answer.body, body + "!");
  const ImposterRequest seen = server.requests().at(0);
  EXPECT_EQ(seen.method, "PUT");
  EXPECT_EQ(seen.target, "/a/../b%20c?q=1");
  EXPECT_EQ(seen.header("x-asked"), "1");
  EXPECT_TRUE(seen.headers.contains("x-none"));
  EXPECT_FALSE(seen.headers.contains("content-type"));
  EXPECT_FALSE(seen.headers.contains("expect"));
  EXPECT_FALSE(seen.headers.contains("accept-encoding"));
}

TEST(CurlClient, EveryMethod) {
  HttpImposter server(
      [](const ImposterRequest&) -> ImposterReply { return {200, {{"Content-Length", "5"}}, "hello"}; });
  CurlClient client;
  for (const char* method : {"GET", "HEAD", "PUT", "POST", "DELETE"}) {
    const HttpResponse answer = value(client.send({method, server.url() + "/"}));
    EXPECT_EQ(answer.body, std::string(method) == "HEAD" ? "" : "hello") << method;
  }
  const auto seen = server.requests();
  ASSERT_EQ(seen.size(), 5U);
  EXPECT_EQ(seen[2].header("content-length"), "0") << "a PUT says that it has no body";
  EXPECT_EQ(server.connections(), 1U) << "one connection is used again";
}

TEST(CurlClient, AsManyConnectionsAsRequestsAtOnce) {
  HttpImposter server([](const ImposterRequest&) -> ImposterReply { return {200, {}, "x"}; });
  CurlClient client;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) EXPECT_OK(client.send({"GET", server.url() + "/"}));
    });
  }
  threads.clear();
  EXPECT_LE(server.connections(), 4U);
}

TEST(CurlClient, ARedirectIsAnAnswer) {
  HttpImposter server([](const ImposterRequest&) -> ImposterReply {
    return {302, {{"Location", "http://127.0.0.1:1/elsewhere"}}, ""};
  });
  CurlClient client;
  EXPECT_EQ(value(client.send({"GET", server.url() + "/"})).status, 302);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST(CurlClient, WhatIsNoWholeAnswerIsRetryable) {
  std::atomic<ImposterReply::How> how = ImposterReply::How::kReset;
  HttpImposter server([&](const ImposterRequest&) -> ImposterReply {
    return {200, {}, std::string(100'000, 'x'), how.load()};
  });
  CurlOptions options;
  options.stall_timeout = seconds(1);
  CurlClient client(options);
  for (const auto one : {ImposterReply::How::kReset, ImposterReply::How::kCut, ImposterReply::How::kDrip}) {
    how = one;
    const auto answer = client.send({"GET", server.url() + "/path?sig=secret"});
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().code, ErrorCode::kUnreachable);
    EXPECT_TRUE(answer.error().retryable);
    EXPECT_EQ(answer.error().object, server.url() + "/path");
    EXPECT_EQ(answer.error().to_string().find("secret"), std::string::npos);
  }
}

// A kept connection that is closed without an answer: the request may have had its effect, so it is not sent
// again unasked.
TEST(CurlClient, NoRequestIsSentTwice) {
  std::atomic<int> asked{0};
  HttpImposter server([&](const ImposterRequest&) -> ImposterReply {
    return ++asked % 2 == 1 ? ImposterReply{200, {}, "x"}
                            : ImposterReply{200, {}, "", ImposterReply::How::kClose};
  });
  CurlClient client;
  for (const char* method : {"PUT", "DELETE", "GET", "POST"}) {
    server.forget_requests();
    asked = 0;
    EXPECT_OK(client.send({"GET", server.url() + "/"}));
    const auto lost = client.send({method, server.url() + "/lost"});
    ASSERT_FALSE(lost.has_value()) << method;
    EXPECT_TRUE(lost.error().retryable);
    EXPECT_EQ(server.requests().size(), 2U) << method;
  }
}

TEST(CurlClient, TheSizeOfAHeadIsNotReserved) {
  HttpImposter server(
      [](const ImposterRequest&) -> ImposterReply { return {200, {{"Content-Length", "268435456"}}, ""}; });
  CurlClient client;
  EXPECT_LT(value(client.send({"HEAD", server.url() + "/"})).body.capacity(), 1000U);
}

TEST(CurlClient, NobodyListens) {
  CurlClient client;
  const auto answer = client.send({"GET", "http://127.0.0.1:1/"});
  ASSERT_FALSE(answer.has_value());
  EXPECT_TRUE(answer.error().retryable);
  EXPECT_FALSE(client.send({"GET", "file:///etc/passwd"}).has_value()) << "http and https alone";
}

}  // namespace
}  // namespace changevault
