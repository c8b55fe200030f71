// The driver against a service that misbehaves; what every store promises is in the contract suite.
#include "store/azure/azure_store.h"

#include <algorithm>
#include <atomic>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/manual_clock.h"
#include "net/curl_client.h"
#include "store/azure/blob_list.h"
#include "store/retrying_store.h"
#include "tests/support/blob_imposter.h"
#include "tests/support/expect.h"

namespace changevault {
namespace {

using testing::BlobImposter;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::ImposterReply;
using testing::ImposterRequest;
using ::testing::Not;
using testing::value;

class AzureStoreTest : public ::testing::Test {
 protected:
  AzureStoreTest() { service_.make_container("arch"); }

  azure::BlobPlace place() {
    azure::BlobPlace out;
    out.account = "acct";
    out.endpoint = service_.endpoint();
    out.container = "arch";
    out.sas = "sv=2021-12-02&sig=top-secret";
    return out;
  }
  std::unique_ptr<AzureStore> make(AzureStoreOptions options = {}) {
    return std::make_unique<AzureStore>(place(), http_, nullptr, clock_, system_random(), options);
  }
  // As the program opens it.
  std::unique_ptr<ObjectStore> make_retrying(std::unique_ptr<ObjectStore> inner) {
    RetryingStoreOptions options;
    options.policy = {milliseconds(800), seconds(30), minutes(2)};
    return std::make_unique<RetryingStore>(std::move(inner), clock_, system_random(), options);
  }
  // The first `count` requests of that method are answered by `reply`.
  void answer_first(int count, std::string method, ImposterReply reply) {
    left_ = count;
    service_.before([this, method = std::move(method), reply = std::move(reply)](
                        const ImposterRequest& request) -> std::optional<ImposterReply> {
      if (request.method != method || left_-- <= 0) return std::nullopt;
      return reply;
    });
  }
  static ImposterReply refusal(int status, const std::string& code,
                               std::vector<std::pair<std::string, std::string>> more = {}) {
    more.emplace_back("x-ms-error-code", code);
    return {status, std::move(more), "<Error><Code>" + code + "</Code></Error>"};
  }

  BlobImposter service_;
  CurlClient http_{{.connect_timeout = seconds(5), .stall_timeout = seconds(1)}};
  ManualClock clock_{system_clock().now()};
  std::atomic<int> left_{0};
};

TEST_F(AzureStoreTest, OneRequestCreatesAnObjectWithAllThatBelongsToIt) {
  const auto store = make();
  PutOptions options{"application/gzip", {}, "ab12"};
  EXPECT_EQ(value(store->put_if_absent("a/b.gz", "bytes", options)), PutOutcome::kCreated);
  const auto requests = service_.server().requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].method, "PUT");
  EXPECT_EQ(requests[0].path, "/acct/arch/a/b.gz");
  EXPECT_EQ(requests[0].header("if-none-match"), "*");
  EXPECT_EQ(requests[0].header("content-type"), "application/gzip");
  EXPECT_EQ(requests[0].header("content-encoding"), "");
  EXPECT_EQ(requests[0].header("x-ms-meta-sha256"), "ab12");
  EXPECT_EQ(requests[0].header("content-md5"),
            "SzpiGLs+OnMD6KFxpg/Pkg==");  // printf bytes | openssl md5 -binary | base64
  EXPECT_EQ(requests[0].parameter("sig"), "top-secret");
}

TEST_F(AzureStoreTest, ALargeObjectGoesAsBlocksThatNobodyElseNames) {
  const auto store = make({.largest_put = 1000, .block_bytes = 300, .parallel_blocks = 3});
  std::string bytes;
  for (int i = 0; i < 2000; ++i) bytes += static_cast<char>(i * 7);
  EXPECT_EQ(value(store->put_if_absent("big", bytes, {"application/gzip"})), PutOutcome::kCreated);
  EXPECT_EQ(value(store->get("big")), bytes) << "whole, its MD5 checked";
  int blocks = 0;
  for (const ImposterRequest& request : service_.server().requests()) {
    if (request.parameter("comp") != "block") continue;
    ++blocks;
    EXPECT_NE(request.header("content-md5"), "");
    EXPECT_EQ(request.header("if-none-match"), "") << "the condition belongs to the list";
  }
  EXPECT_EQ(blocks, 7);
  service_.server().forget_requests();
  EXPECT_EQ(value(store->put_if_absent("big", bytes)), PutOutcome::kExists);
  EXPECT_EQ(service_.server().requests().size(), 1U) << "nothing is sent for a name that is taken";
}

TEST_F(AzureStoreTest, ABlockThatFailsLeavesNoObject) {
  const auto store = make({.largest_put = 1000, .block_bytes = 300, .parallel_blocks = 2});
  service_.before([](const ImposterRequest& request) -> std::optional<ImposterReply> {
    if (request.parameter("comp") == "block" && request.headers.at("content-length") == "200")
      return refusal(503, "ServerBusy");
    return std::nullopt;
  });
  EXPECT_ERROR(store->put_if_absent("big", std::string(2000, 'x')), ErrorCode::kUnreachable);
  EXPECT_EQ(service_.blobs("arch"), 0U);
}

// The answer of a create is lost after its effect: the next attempt finds its own object.
TEST_F(AzureStoreTest, ACreateWhoseAnswerWasLostIsOurs) {
  const auto store = make_retrying(make());
  for (const auto how : {ImposterReply::How::kReset, ImposterReply::How::kWhole}) {
    left_ = 1;
    service_.after([&](const ImposterRequest& request, ImposterReply& reply) {
      if (request.method != "PUT" || left_-- <= 0) return;
      reply = refusal(500, "OperationTimedOut");
      reply.how = how;
    });
    const std::string key = how == ImposterReply::How::kReset ? "reset" : "timeout";
    EXPECT_EQ(value(store->put_if_absent(key, "ours")), PutOutcome::kCreated);
    EXPECT_EQ(value(store->get(key)), "ours");
  }
  service_.put("arch", "theirs", "other bytes");
  left_ = 1;
  service_.after([&](const ImposterRequest& request, ImposterReply& reply) {
    if (request.method == "PUT" && left_-- > 0) reply.how = ImposterReply::How::kReset;
  });
  EXPECT_EQ(value(store->put_if_absent("theirs", "ours")), PutOutcome::kExists);
}

TEST_F(AzureStoreTest, WhatMayAnswerLaterIsAskedAgainAsLateAsItWants) {
  const auto store = make_retrying(make());
  service_.put("arch", "o", "bytes");
  for (const int status : {408, 429, 500, 502, 503, 504}) {
    answer_first(2, "GET", refusal(status, "ServerBusy", {{"Retry-After", "9"}}));
    const Duration before = clock_.steady();
    EXPECT_EQ(value(store->get("o")), "bytes") << status;
    EXPECT_GE(clock_.steady().ms - before.ms, 18'000) << status;
  }
}

TEST_F(AzureStoreTest, ALongerWaitThanWeHaveIsAnErrorAtOnce) {
  const auto store = make_retrying(make());
  answer_first(1, "GET", refusal(503, "ServerBusy", {{"Retry-After", "600"}}));
  EXPECT_ERROR(store->get("o"), ErrorCode::kUnreachable);
  EXPECT_EQ(service_.server().requests().size(), 1U);
}

TEST_F(AzureStoreTest, BrokenAnswersAreAskedForAgain) {
  const auto store = make_retrying(make());
  const std::string bytes(20'000, 'x');
  EXPECT_EQ(value(store->put_if_absent("o", bytes)), PutOutcome::kCreated);
  for (const auto how : {ImposterReply::How::kReset, ImposterReply::How::kCut, ImposterReply::How::kDrip}) {
    left_ = 1;
    service_.after([&](const ImposterRequest& request, ImposterReply& reply) {
      if (request.method == "GET" && left_-- > 0) reply.how = how;
    });
    EXPECT_EQ(value(store->get("o")), bytes);
  }
}

TEST_F(AzureStoreTest, AReadThatIsBrokenOffGoesOnWhereItWas) {
  std::string bytes;
  for (int i = 0; i < 400'000; ++i) bytes += static_cast<char>(i * 7 + i / 1000);
  const auto store = make_retrying(make());
  EXPECT_EQ(value(store->put_if_absent("o", bytes)), PutOutcome::kCreated);
  left_ = 5;
  service_.after([&](const ImposterRequest& request, ImposterReply& reply) {
    if (request.method == "GET" && left_-- > 0) reply.how = ImposterReply::How::kCut;
  });
  service_.server().forget_requests();
  std::string read;
  EXPECT_OK(store->read("o", 0, {}, [&](std::string_view piece) -> Result<void> {
    read += piece;
    return {};
  }));
  EXPECT_EQ(read, bytes);
  const auto requests = service_.server().requests();
  ASSERT_EQ(requests.size(), 6U);
  EXPECT_EQ(requests[1].header("range"), "bytes=200000-");
}

TEST_F(AzureStoreTest, BytesThatAreNotThoseOfTheMd5AreNotGivenOut) {
  const auto store = make_retrying(make());
  EXPECT_EQ(value(store->put_if_absent("o", "right bytes")), PutOutcome::kCreated);
  left_ = 1;
  service_.after([&](const ImposterRequest& request, ImposterReply& reply) {
    if (request.method == "GET" && left_-- > 0) reply.body = "wrong bytes";
  });
  EXPECT_EQ(value(store->get("o")), "right bytes");
  left_ = 1'000'000;
  const auto never = store->get("o");
  ASSERT_FALSE(never.has_value());
  EXPECT_THAT(never.error().message, HasSubstr("MD5"));
}

TEST_F(AzureStoreTest, RefusalsSayWhatToDoAndTellNoSecret) {
  const auto store = make();
  struct Case {
    ImposterReply reply;
    const char* words;
  };
  const std::string long_ago = to_http_date(clock_.now() - hours(2));
  const Case cases[] = {
      {refusal(403, "AuthenticationFailed", {{"Date", long_ago}}), "clock"},
      {refusal(403, "AuthorizationFailure", {{"Date", to_http_date(clock_.now())}}), "SAS may be expired"},
      {refusal(404, "ContainerNotFound"), "there is no container arch in acct"},
      {refusal(404, "ResourceNotFound"), ""},
      {refusal(409, "BlobArchived"), "archive tier"},
      {{404, {}, "<html>not here</html>"}, "not one of Azure Blob storage"},
      {{302, {{"Location", "https://login.example/"}}, ""}, "redirect"},
  };
  for (const Case& one : cases) {
    answer_first(1, "GET", one.reply);
    const auto answer = store->get("o");
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().code, ErrorCode::kUnreachable)
        << "only the service itself says that a blob is not there";
    EXPECT_FALSE(answer.error().retryable) << one.words;
    EXPECT_THAT(answer.error().hint, HasSubstr(one.words));
    EXPECT_THAT(answer.error().to_string() + answer.error().hint, Not(HasSubstr("top-secret")));
  }
}

TEST_F(AzureStoreTest, AnImmutableContainerNeedsNothingToBeChanged) {
  BlobImposter::Behaviour behaviour;
  behaviour.immutable = true;
  service_.set(behaviour);
  const auto store = make();
  EXPECT_EQ(value(store->put_if_absent("o", "x")), PutOutcome::kCreated);
  EXPECT_EQ(value(store->put_if_absent("o", "y")), PutOutcome::kExists);
  const auto removed = store->remove("o");
  ASSERT_FALSE(removed.has_value());
  EXPECT_THAT(removed.error().hint, HasSubstr("immutability"));
  const StoreTraits traits = value(store->traits());
  EXPECT_TRUE(traits.keeps_everything);
  EXPECT_THAT(traits.facts, ::testing::Contains("blobs are in tier Hot"));
}

// Somebody uploaded gzip files as if they were texts in transit: the bytes are those that were stored all the
// same.
TEST_F(AzureStoreTest, T23_ContentEncodingIsNotUndone) {
  const std::string gzip("\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0", 20);
  service_.put("arch", "o.jsonl.gz", gzip);
  service_.after([](const ImposterRequest&, ImposterReply& reply) {
    reply.headers.emplace_back("Content-Encoding", "gzip");
  });
  const auto store = make();
  EXPECT_EQ(value(store->get("o.jsonl.gz")), gzip);
  EXPECT_EQ(value(store->get("o.jsonl.gz", ByteRange{0, 5})), gzip.substr(0, 5));
  for (const ImposterRequest& request : service_.server().requests())
    EXPECT_EQ(request.header("accept-encoding"), "");
}

TEST_F(AzureStoreTest, T26_FlatAndHierarchicalAccountsGiveTheSame) {
  const auto store = make();
  for (const char* key : {"r/a/1", "r/a/2", "r/a-b", "r/b/c/3", "s"}) value(store->put_if_absent(key, "x"));
  const auto all = [&](const std::string& prefix, std::optional<char> delimiter, std::size_t page_size) {
    std::vector<std::string> items;
    std::string next;
    do {
      const ListPage page = value(store->list(prefix, delimiter, next, page_size));
      for (const ObjectInfo& object : page.objects) items.push_back(object.key);
      items.insert(items.end(), page.prefixes.begin(), page.prefixes.end());
      next = page.next;
    } while (!next.empty());
    std::ranges::sort(items);
    return items;
  };
  for (const std::size_t page_size : {1U, 2U, 3U, 100U}) {
    for (const char* prefix : {"", "r", "r/", "r/a", "r/a/", "r/b/", "none/"}) {
      service_.set({});
      const auto flat = all(prefix, std::nullopt, page_size);
      const auto flat_folders = all(prefix, '/', page_size);
      BlobImposter::Behaviour hierarchical;
      hierarchical.hierarchical = true;
      service_.set(hierarchical);
      EXPECT_EQ(all(prefix, std::nullopt, page_size), flat) << prefix << " " << page_size;
      EXPECT_EQ(all(prefix, '/', page_size), flat_folders) << prefix << " " << page_size;
    }
  }
}

TEST_F(AzureStoreTest, DirectoriesOfAHierarchicalAccountAreNoObjects) {
  BlobImposter::Behaviour behaviour;
  behaviour.hierarchical = true;
  service_.set(behaviour);
  const auto store = make();
  for (const char* key : {"r/a/1", "r/a/2", "r/b/c/3"}) value(store->put_if_absent(key, "x"));
  std::vector<std::string> keys;
  EXPECT_OK(for_each_object(*store, "r/", [&](const ObjectInfo& object) -> Result<void> {
    keys.push_back(object.key);
    return {};
  }));
  EXPECT_THAT(keys, ElementsAre("r/a/1", "r/a/2", "r/b/c/3"));
  service_.after([](const ImposterRequest&, ImposterReply& reply) {
    reply.headers.emplace_back("x-ms-meta-hdi_isfolder", "true");
  });
  EXPECT_ERROR(store->head("r/a/1"), ErrorCode::kNotFound);
  EXPECT_ERROR(store->get("r/a/1"), ErrorCode::kNotFound);
}

TEST_F(AzureStoreTest, WhatIsInTheArchiveTierIsSaidWithTheWayBack) {
  const auto store = make();
  value(store->put_if_absent("o", "x"));
  BlobImposter::Behaviour behaviour;
  behaviour.access_tier = "Archive";
  service_.set(behaviour);
  EXPECT_TRUE(value(store->head("o")).offline);
  EXPECT_TRUE(value(store->list("")).objects.at(0).offline);
  const auto read = store->get("o");
  ASSERT_FALSE(read.has_value());
  EXPECT_THAT(read.error().hint, HasSubstr("set-tier"));
}

TEST_F(AzureStoreTest, PagesThatAreShortOrEmptyEndNoListing) {
  BlobImposter::Behaviour behaviour;
  behaviour.page = 3;
  behaviour.empty_pages = true;
  service_.set(behaviour);
  for (int i = 0; i < 20; ++i) service_.put("arch", "p/" + std::to_string(100 + i), "x");
  const auto store = make();
  int seen = 0;
  EXPECT_OK(for_each_object(*store, "p/", [&](const ObjectInfo&) -> Result<void> {
    ++seen;
    return {};
  }));
  EXPECT_EQ(seen, 20);
  EXPECT_FALSE(value(store->list("p/")).objects.empty()) << "an empty page is not shown as the answer";
}

TEST_F(AzureStoreTest, AListingOfAThousandPages) {
  BlobImposter::Behaviour behaviour;
  behaviour.page = 1;
  service_.set(behaviour);
  for (int i = 0; i < 1000; ++i) service_.put("arch", "p/" + std::to_string(10'000 + i), "x");
  const auto store = make();
  std::vector<std::string> keys;
  EXPECT_OK(for_each_object(*store, "p/", [&](const ObjectInfo& object) -> Result<void> {
    keys.push_back(object.key);
    return {};
  }));
  EXPECT_EQ(keys.size(), 1000U);
  EXPECT_TRUE(std::ranges::is_sorted(keys));
  EXPECT_EQ(service_.server().connections(), 1U);
}

TEST_F(AzureStoreTest, NamesThatCannotBeKeysAreLeftOut) {
  for (const char* name : {"p/a//b", "p/../etc", "/p", "p/", "p/good"}) service_.put("arch", name, "x");
  const auto store = make();
  const ListPage page = value(store->list(""));
  ASSERT_EQ(page.objects.size(), 1U);
  EXPECT_EQ(page.objects[0].key, "p/good");
}

TEST_F(AzureStoreTest, TheSecondaryIsReadWhereThePrimaryFailsAndItsAbsencesDoNotCount) {
  BlobImposter second;
  second.make_container("arch");
  second.put("arch", "both", "bytes");
  service_.put("arch", "both", "bytes");
  azure::BlobPlace with_secondary = place();
  with_secondary.secondary = second.endpoint();
  AzureStore store(with_secondary, http_, nullptr, clock_, system_random());
  EXPECT_EQ(value(store.get("both")), "bytes");
  EXPECT_EQ(second.server().requests().size(), 0U);
  left_ = 1'000'000;
  service_.before(
      [](const ImposterRequest&) -> std::optional<ImposterReply> { return refusal(503, "ServerBusy"); });
  EXPECT_EQ(value(store.get("both")), "bytes");
  EXPECT_ERROR(store.get("only-on-the-primary"), ErrorCode::kUnreachable);
  const std::size_t reads = second.server().requests().size();
  EXPECT_ERROR(store.put_if_absent("new", "x"), ErrorCode::kUnreachable);
  EXPECT_ERROR(store.list(""), ErrorCode::kUnreachable);
  EXPECT_EQ(second.server().requests().size(), reads) << "nothing but reads of blobs goes there";
}

TEST_F(AzureStoreTest, TheClockIsThatOfAnyAnswer) {
  const auto store = make();
  const auto theirs = value(store->clock());
  ASSERT_TRUE(theirs.has_value());
  EXPECT_LT(std::abs((*theirs - system_clock().now()).ms), 60'000);
}

TEST_F(AzureStoreTest, AContainerThatIsThereNeedNotBeMadeByUs) {
  const auto store = make();
  EXPECT_OK(store->create_container());
  answer_first(1, "PUT", refusal(403, "AuthorizationFailure"));
  EXPECT_OK(store->create_container());
}

TEST(BlobList, WhatIsNoListIsAnError) {
  for (const char* text :
       {"", "<html/>", "<EnumerationResults></EnumerationResults>", "<EnumerationResults><Blobs>",
        "<EnumerationResults><Blobs><Blob><Name>a</Name></Blob></Blobs></EnumerationResults>",
        "<EnumerationResults><Blobs><Blob/></Blobs></EnumerationResults>"}) {
    EXPECT_ERROR(azure::parse_blob_list(text), ErrorCode::kUnreachable);
  }
}

TEST(BlobList, NamesComeAsTheyAre) {
  const auto list = value(azure::parse_blob_list(
      "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults><Blobs>"
      "<Blob><Name> a&amp;b </Name><Properties><Content-Length>7</Content-Length><Etag>0x8D</Etag>"
      "<AccessTier>Archive</AccessTier></Properties></Blob>"
      "<Blob><Name Encoded=\"true\">a%0Bb</Name><Properties><Content-Length>0</Content-Length>"
      "<ResourceType>directory</ResourceType></Properties></Blob>"
      "<BlobPrefix><Name>d/</Name></BlobPrefix></Blobs><NextMarker>2!88!x</NextMarker></"
      "EnumerationResults>"));
  ASSERT_EQ(list.blobs.size(), 2U);
  EXPECT_EQ(list.blobs[0].name, " a&b ");
  EXPECT_EQ(list.blobs[0].bytes, 7);
  EXPECT_TRUE(list.blobs[0].archived);
  EXPECT_EQ(list.blobs[1].name, "a\vb");
  EXPECT_TRUE(list.blobs[1].folder);
  EXPECT_THAT(list.prefixes, ElementsAre("d/"));
  EXPECT_EQ(list.marker, "2!88!x");
}

}  // namespace
}  // namespace changevault
