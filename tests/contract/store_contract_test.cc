// What every ObjectStore promises, run over each driver that needs no server.
#include <algorithm>
#include <atomic>
#include <barrier>
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/manual_clock.h"
#include "net/curl_client.h"
#include "store/azure/azure_store.h"
#include "store/faulty_store.h"
#include "store/file/file_store.h"
#include "store/memory/memory_store.h"
#include "store/object_source.h"
#include "store/retrying_store.h"
#include "tests/support/azurite.h"
#include "tests/support/blob_imposter.h"
#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"

namespace changevault {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::TempDir;
using testing::value;

struct StoreKind {
  const char* name;
  std::unique_ptr<ObjectStore> (*make)(const TempDir& folder);
  bool knows_its_own = true;           // false: after a lost answer equal bytes count as this call's
  bool any_bytes = true;               // false: names are UTF-8 and hold no backslash
  std::string (*missing)() = nullptr;  // why it cannot run here; empty: it can
};

std::unique_ptr<ObjectStore> make_file_store(const TempDir& folder) {
  return value(FileStore::open(folder / "archive", true));
}
// Every second request fails, in turn before and after its effect; a removal never does.
std::unique_ptr<ObjectStore> make_retrying_store(const TempDir&) {
  struct Parts {
    MemoryStore memory;
    ManualClock clock{Timestamp{0}};
    std::atomic<int> requests{0};
  };
  const auto parts = std::make_shared<Parts>();  // held by the hook
  auto flaky =
      std::make_unique<FaultyStore>(parts->memory, [parts](StoreOperation asked, const std::string&) {
        if (asked == StoreOperation::kRemove) return Fault::kNone;
        const int number = parts->requests++;
        if (number % 2 == 1) return Fault::kNone;
        return number % 4 == 0 ? Fault::kFailBefore : Fault::kFailAfter;
      });
  RetryingStoreOptions options;
  options.policy.give_up_after = hours(1'000'000);
  return std::make_unique<RetryingStore>(std::move(flaky), parts->clock, system_random(), options);
}
std::unique_ptr<ObjectStore> make_memory_store(const TempDir&) {
  return std::make_unique<MemoryStore>();
}

// A container of its own in a service that all tests of this program share.
std::unique_ptr<ObjectStore> make_azure_store(const std::string& endpoint, const std::string& account) {
  static CurlClient http;
  azure::BlobPlace place;
  place.account = account;
  place.endpoint = endpoint;
  place.container = testing::Azurite::new_container();
  place.prefix = "some/where/";
  place.account_key = *from_base64(
      "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==");
  AzureStoreOptions options;
  options.largest_put = 200'000;  // so that the largest object of these tests goes as blocks
  options.block_bytes = 70'000;
  auto store =
      std::make_unique<AzureStore>(std::move(place), http, nullptr, system_clock(), system_random(), options);
  EXPECT_OK(store->create_container());
  return store;
}
std::unique_ptr<ObjectStore> make_imposter_store(const TempDir&) {
  static testing::BlobImposter service;
  return make_azure_store(service.endpoint(), "acct");
}
std::unique_ptr<ObjectStore> make_azurite_store(const TempDir&) {
  testing::Azurite* const azurite = testing::Azurite::shared();
  return azurite == nullptr ? nullptr : make_azure_store(azurite->endpoint(), "devstoreaccount1");
}
std::string missing_azurite() {
  return testing::Azurite::shared() == nullptr ? testing::Azurite::why_not() : std::string();
}

class StoreContract : public ::testing::TestWithParam<StoreKind> {
 protected:
  void SetUp() override {
    const std::string why = GetParam().missing == nullptr ? std::string() : GetParam().missing();
    if (!why.empty()) GTEST_SKIP() << why;
  }

  void put(const std::string& key, std::string_view bytes = "x") {
    ASSERT_EQ(value(store_->put_if_absent(key, bytes)), PutOutcome::kCreated) << key;
  }

  // All pages; every page but the last is full, and none is longer than asked.
  std::vector<std::string> list_all(const std::string& prefix, std::optional<char> delimiter = std::nullopt,
                                    std::size_t page_size = 5000) {
    std::vector<std::string> items;
    std::string continuation;
    do {
      const ListPage page = value(store_->list(prefix, delimiter, continuation, page_size));
      std::vector<std::string> here = page.prefixes;
      for (const ObjectInfo& object : page.objects) here.push_back(object.key);
      std::ranges::sort(here);
      EXPECT_LE(here.size(), page_size);
      if (!page.next.empty()) {
        EXPECT_EQ(here.size(), page_size);
        EXPECT_GT(page.next, continuation) << "a listing that does not move on never ends";
        if (page.next <= continuation) return items;
      }
      items.insert(items.end(), here.begin(), here.end());
      continuation = page.next;
    } while (!continuation.empty());
    return items;
  }

  TempDir folder_;
  std::unique_ptr<ObjectStore> store_ = GetParam().make(folder_);
};

INSTANTIATE_TEST_SUITE_P(
    Drivers, StoreContract,
    ::testing::Values(StoreKind{"file", make_file_store}, StoreKind{"memory", make_memory_store},
                      StoreKind{"retrying", make_retrying_store, false},
                      StoreKind{"azure_imposter", make_imposter_store, true, false},
                      StoreKind{"azurite", make_azurite_store, true, false, missing_azurite}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_P(StoreContract, AnObjectIsReadBackAsItWasWritten) {
  std::string bytes;
  for (int i = 0; i < 300'000; ++i) bytes.push_back(static_cast<char>(i * 31));
  put("a/b/c.bin", bytes);
  put("a/empty", "");
  EXPECT_EQ(value(store_->get("a/b/c.bin")), bytes);
  EXPECT_EQ(value(store_->get("a/empty")), "");
  const ObjectInfo info = value(store_->head("a/b/c.bin"));
  EXPECT_EQ(info.key, "a/b/c.bin");
  EXPECT_EQ(info.bytes, 300'000);
  EXPECT_NE(info.etag, "");
  EXPECT_NE(info.etag, value(store_->head("a/empty")).etag);
  const std::int64_t age = (system_clock().now() - info.modified).ms;
  EXPECT_LT(std::abs(age), 60'000) << "modified is now";
}

TEST_P(StoreContract, WhatIsThereIsNeverReplaced) {
  put("a/slot.json", "first");
  const std::string etag = value(store_->head("a/slot.json")).etag;
  EXPECT_EQ(value(store_->put_if_absent("a/slot.json", "second")), PutOutcome::kExists);
  const PutOutcome same_bytes = value(store_->put_if_absent("a/slot.json", "first"));
  EXPECT_TRUE(same_bytes == PutOutcome::kExists || !GetParam().knows_its_own);
  EXPECT_EQ(value(store_->get("a/slot.json")), "first");
  EXPECT_EQ(value(store_->head("a/slot.json")).etag, etag);
}

TEST_P(StoreContract, OfManyWritersExactlyOneCreates) {
  constexpr int kThreads = 8;
  for (int round = 0; round < 40; ++round) {
    const std::string key = "race/new" + std::to_string(round) + "/slot.json";
    std::barrier start(kThreads);
    std::atomic<int> created{0};
    std::atomic<int> winner{-1};
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        start.arrive_and_wait();
        const auto outcome = store_->put_if_absent(key, std::string(1000, static_cast<char>('a' + t)));
        if (!outcome.has_value()) {
          ADD_FAILURE() << testing::describe(outcome.error());
        } else if (*outcome == PutOutcome::kCreated) {
          ++created;
          winner = t;
        }
      });
    }
    threads.clear();
    ASSERT_EQ(created, 1);
    EXPECT_EQ(value(store_->get(key)), std::string(1000, static_cast<char>('a' + winner)));
  }
}

TEST_P(StoreContract, ARangeIsCutAtTheEnd) {
  put("o", "0123456789");
  const auto range = [&](std::int64_t offset, std::int64_t length) {
    return value(store_->get("o", ByteRange{offset, length}));
  };
  EXPECT_EQ(range(0, 10), "0123456789");
  EXPECT_EQ(range(0, 3), "012");
  EXPECT_EQ(range(9, 1), "9");
  EXPECT_EQ(range(7, 100), "789");
  EXPECT_EQ(range(7, INT64_MAX), "789");
  EXPECT_EQ(range(10, 5), "");
  EXPECT_EQ(range(INT64_MAX, INT64_MAX), "");
  EXPECT_EQ(range(4, 0), "");
  EXPECT_ERROR(store_->get("o", ByteRange{-1, 5}), ErrorCode::kUsage);
  EXPECT_ERROR(store_->get("o", ByteRange{0, -5}), ErrorCode::kUsage);
}

TEST_P(StoreContract, AnotherVersionIsNotRead) {
  put("o", "first bytes");
  const std::string etag = value(store_->head("o")).etag;
  EXPECT_EQ(value(store_->get("o", std::nullopt, etag)), "first bytes");
  EXPECT_EQ(value(store_->get("o", ByteRange{6, 5}, etag)), "bytes");
  EXPECT_OK(store_->remove("o"));
  put("o", "other bytes, more of them");
  EXPECT_ERROR(store_->get("o", std::nullopt, etag), ErrorCode::kCorrupt);
  EXPECT_ERROR(store_->get("o", ByteRange{6, 5}, etag), ErrorCode::kCorrupt);
}

TEST_P(StoreContract, AnObjectIsReadFromAnyPlaceToItsEnd) {
  std::string bytes;
  for (int i = 0; i < 150'000; ++i) bytes.push_back(static_cast<char>(i * 13 + i / 256));
  put("o", bytes);
  put("empty", "");
  const auto read = [&](const std::string& key, std::int64_t offset, const std::string& etag = {}) {
    std::string out;
    const auto done = store_->read(key, offset, etag, [&](std::string_view piece) -> Result<void> {
      out += piece;
      return {};
    });
    return done ? Result<std::string>(out) : Result<std::string>(done.error());
  };
  const std::string etag = value(store_->head("o")).etag;
  for (const std::int64_t offset : {0, 1, 70'000, 149'999, 150'000, 200'000}) {
    EXPECT_EQ(value(read("o", offset)),
              bytes.substr(std::min<std::size_t>(bytes.size(), static_cast<std::size_t>(offset))))
        << offset;
  }
  EXPECT_EQ(value(read("o", 10, etag)), bytes.substr(10));
  EXPECT_EQ(value(read("empty", 0)), "");
  EXPECT_ERROR(read("missing", 0), ErrorCode::kNotFound);
  EXPECT_ERROR(read("o", -1), ErrorCode::kUsage);
  EXPECT_OK(store_->remove("o"));
  put("o", "another");
  EXPECT_ERROR(read("o", 0, etag), ErrorCode::kCorrupt);
  int pieces = 0;
  EXPECT_ERROR(store_->read("o", 0, {},
                            [&](std::string_view) -> Result<void> {
                              ++pieces;
                              return Error(ErrorCode::kValidation, "enough");
                            }),
               ErrorCode::kValidation);
  EXPECT_EQ(pieces, 1) << "who refuses is not asked again";
}

TEST_P(StoreContract, NotThereIsSaidAsSuch) {
  put("a/b/object");
  for (const std::string key : {"missing", "a/missing", "x/y/z", "a/b", "a/b/object/below"}) {
    EXPECT_ERROR(store_->get(key), ErrorCode::kNotFound);
    EXPECT_ERROR(store_->get(key, ByteRange{0, 1}), ErrorCode::kNotFound);
    EXPECT_ERROR(store_->head(key), ErrorCode::kNotFound);
  }
  EXPECT_THAT(list_all("nothing/here/"), IsEmpty());
  EXPECT_THAT(list_all("a/b/object/"), IsEmpty());
}

TEST_P(StoreContract, RemovedIsGoneAndRemovingTwiceIsFine) {
  put("a/b/one");
  put("a/b/two");
  EXPECT_OK(store_->remove("a/b/one"));
  EXPECT_ERROR(store_->get("a/b/one"), ErrorCode::kNotFound);
  EXPECT_OK(store_->remove("a/b/one"));
  EXPECT_OK(store_->remove("never/was/there"));
  EXPECT_OK(store_->remove("a/b"));  // no object of this name
  EXPECT_THAT(list_all(""), ElementsAre("a/b/two"));
  put("a/b/one", "again");
  EXPECT_EQ(value(store_->get("a/b/one")), "again");
}

// The order of whole keys, not of the names in each folder: '-' and '.' come before '/', digits after it.
TEST_P(StoreContract, KeysComeInTheOrderOfTheirBytes) {
  const std::string last = GetParam().any_bytes ? "\xc3\xa9/\xff" : "\xc3\xa9/\xc3\xbf";
  const std::vector<std::string> keys = {"a!b",     "a-b",     "a-b/x", "a.", "a/b",
                                         "a/b-c",   "a/b.c/d", "a/b0",  "a0", "aa",
                                         "b/c/d/e", "b/c/d/f", "b/c0",  last, "Z"};
  std::vector<std::string> sorted;
  for (const std::string& key : keys) {
    if (key == "a-b" || key == "b/c0") continue;  // a name is a folder or an object
    put(key);
    sorted.push_back(key);
  }
  std::ranges::sort(sorted);
  EXPECT_EQ(list_all(""), sorted);
}

TEST_P(StoreContract, APrefixNeedNotEndAtAFolder) {
  for (const char* key : {"r/db/c/2025/01/15/13-x", "r/db/c/2025/01/15/14-a", "r/db/c/2025/01/15/14-b",
                          "r/db/c/2025/01/16/14-a", "r/db/cc/2025/01/15/14-a", "r/_ledger/p000/0.json"}) {
    put(key);
  }
  EXPECT_THAT(list_all("r/db/c/2025/01/15/14-"),
              ElementsAre("r/db/c/2025/01/15/14-a", "r/db/c/2025/01/15/14-b"));
  EXPECT_THAT(list_all("r/db/c/2025/01/15/14-a"), ElementsAre("r/db/c/2025/01/15/14-a"));
  EXPECT_EQ(list_all("r/db/c").size(), 5U);
  EXPECT_EQ(list_all("r/db/c/").size(), 4U);
  EXPECT_EQ(list_all("r/d").size(), 5U);
}

TEST_P(StoreContract, ADelimiterShowsFoldersOnce) {
  for (const char* key : {"r/a/1", "r/a/2", "r/a-b", "r/b/c/d", "r/z", "s/1"}) put(key);
  const ListPage page = value(store_->list("r/", '/'));
  EXPECT_THAT(page.prefixes, ElementsAre("r/a/", "r/b/"));
  ASSERT_EQ(page.objects.size(), 2U);
  EXPECT_EQ(page.objects[0].key, "r/a-b");
  EXPECT_EQ(page.objects[1].key, "r/z");
  EXPECT_EQ(page.next, "");
  EXPECT_THAT(list_all("", '/'), ElementsAre("r/", "s/"));
  EXPECT_THAT(list_all("r/a", '/'), ElementsAre("r/a-b", "r/a/"));
  EXPECT_THAT(list_all("r", '/'), ElementsAre("r/"));
  EXPECT_ERROR(store_->list("r/", '-'), ErrorCode::kUsage);
  EXPECT_ERROR(store_->list("r/", '/', {}, 0), ErrorCode::kUsage);
}

// Object stores have no empty folders, so no driver shows one.
TEST_P(StoreContract, AFolderIsGoneWithItsLastObject) {
  put("r/a/b/c");
  put("r/d/e");
  EXPECT_OK(store_->remove("r/a/b/c"));
  EXPECT_THAT(list_all("r/", '/'), ElementsAre("r/d/"));
  EXPECT_THAT(list_all("r/", '/', 1), ElementsAre("r/d/"));
}

TEST_P(StoreContract, EveryPageSizeGivesTheSameList) {
  std::set<std::string> keys;
  for (const char* folder : {"", "a/", "a/b/", "a-/", "b/c/d/", "e/"}) {
    for (const char* name : {"0", "1-x", "1.x", "2", "z"}) keys.insert(std::string("p/") + folder + name);
  }
  for (const std::string& key : keys) put(key);
  const std::vector<std::string> expected(keys.begin(), keys.end());
  const std::vector<std::string> top = {"p/0",  "p/1-x", "p/1.x", "p/2", "p/a-/",
                                        "p/a/", "p/b/",  "p/e/",  "p/z"};
  for (std::size_t page_size = 1; page_size <= keys.size() + 1; ++page_size) {
    SCOPED_TRACE(page_size);
    EXPECT_EQ(list_all("p/", std::nullopt, page_size), expected);
    EXPECT_EQ(list_all("p/", '/', page_size), top);
  }
}

// Empty folders, which only a file system has, must not end a listing early.
TEST_P(StoreContract, RemovedObjectsDoNotEndAListing) {
  for (int i = 0; i < 20; ++i) put("r/" + std::to_string(100 + i) + "/object");
  for (int i = 0; i < 19; ++i) EXPECT_OK(store_->remove("r/" + std::to_string(100 + i) + "/object"));
  for (const std::size_t page_size : {1U, 2U, 3U, 30U}) {
    EXPECT_THAT(list_all("r/", std::nullopt, page_size), ElementsAre("r/119/object"));
    EXPECT_THAT(list_all("r/", '/', page_size), ElementsAre("r/119/"));
  }
}

TEST_P(StoreContract, OddNamesAreNames) {
  std::vector<std::string> keys = {"with space/and\ttab",
                                   "per%20cent/%2F",
                                   "quote'\"/*?[x]",
                                   "...",
                                   "a/.hidden",
                                   "new\nline/x",
                                   "\xe2\x82\xac/\xf0\x9f\x98\x80",
                                   "~/-rf",
                                   "..a/b..",
                                   ".changevault-tmp-folder/object",
                                   "long/" + std::string(255, 'n')};
  if (GetParam().any_bytes) keys.emplace_back("back\\slash");
  for (const std::string& key : keys) put(key, key);
  for (const std::string& key : keys) EXPECT_EQ(value(store_->get(key)), key);
  std::ranges::sort(keys);
  EXPECT_EQ(list_all(""), keys);
  for (const std::string& key : keys) EXPECT_THAT(list_all(key), ElementsAre(key));
}

TEST_P(StoreContract, NamesThatCouldLeaveTheStoreAreRefused) {
  const std::vector<std::string> names = {"",
                                          "/",
                                          "/etc/passwd",
                                          "..",
                                          "../x",
                                          "a/../../x",
                                          "a/..",
                                          "./a",
                                          "a/./b",
                                          "a//b",
                                          "a/",
                                          "//a",
                                          ".",
                                          std::string("a\0b", 3),
                                          std::string(256, 'x'),
                                          "a/" + std::string(256, 'x'),
                                          "a/.changevault-tmp-1",
                                          std::string(600, 'x') + "/" + std::string(600, 'y')};
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    EXPECT_ERROR(store_->put_if_absent(name, "x"), ErrorCode::kUsage);
    EXPECT_ERROR(store_->get(name), ErrorCode::kUsage);
    EXPECT_ERROR(store_->head(name), ErrorCode::kUsage);
    EXPECT_ERROR(store_->remove(name), ErrorCode::kUsage);
  }
  for (const std::string prefix : {"/", "../", "a/../", "a//", "./"}) {
    SCOPED_TRACE(prefix);
    EXPECT_ERROR(store_->list(prefix), ErrorCode::kUsage);
  }
  EXPECT_THAT(list_all(""), IsEmpty());
}

// A listing that runs beside writers: what was there before is in it once, in order, and nothing in it is
// half written.
TEST_P(StoreContract, ListingWhileOthersWrite) {
  const auto key_of = [](int i) { return "l/" + std::to_string(i % 7) + "/" + std::to_string(10'000 + i); };
  for (int i = 0; i < 200; ++i) put(key_of(i), std::string(100, 'x'));
  std::atomic<bool> done{false};
  std::jthread writer([&] {
    for (int i = 200; i < 600; ++i)
      ignore_error(store_->put_if_absent(key_of(i), std::string(100, 'x')), "see below");
    done = true;
  });
  int listings = 0;
  for (bool last = false; !last; ++listings) {
    last = done;
    std::vector<std::string> keys;
    std::string continuation;
    do {
      const ListPage page = value(store_->list("l/", std::nullopt, continuation, 17));
      for (const ObjectInfo& object : page.objects) {
        EXPECT_EQ(object.bytes, 100);
        keys.push_back(object.key);
      }
      continuation = page.next;
    } while (!continuation.empty());
    EXPECT_TRUE(std::ranges::is_sorted(keys));
    EXPECT_EQ(std::ranges::adjacent_find(keys), keys.end());
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(std::ranges::binary_search(keys, key_of(i)));
    if (last) {
      EXPECT_EQ(keys.size(), 600U);
    }
  }
  EXPECT_GT(listings, 0);
}

TEST_P(StoreContract, EveryObjectIsVisited) {
  std::vector<std::string> expected;
  for (int i = 0; i < 30; ++i) {
    expected.push_back("v/" + std::to_string(100 + i));
    put(expected.back());
  }
  std::vector<std::string> seen;
  EXPECT_OK(for_each_object(*store_, "v/", [&](const ObjectInfo& object) -> Result<void> {
    seen.push_back(object.key);
    return {};
  }));
  EXPECT_EQ(seen, expected);
  const auto stopped = for_each_object(*store_, "v/", [](const ObjectInfo&) -> Result<void> {
    return Error(ErrorCode::kCancelled, "enough");
  });
  EXPECT_ERROR(stopped, ErrorCode::kCancelled);
}

TEST_P(StoreContract, AnObjectIsReadInPieces) {
  std::string bytes;
  for (int i = 0; i < 1000; ++i) bytes.push_back(static_cast<char>('a' + i % 26));
  put("s", bytes);
  for (const std::int64_t range : {1, 7, 100, 999, 1000, 1001}) {
    for (const std::size_t buffer : {1U, 64U, 4096U}) {
      SCOPED_TRACE(std::to_string(range) + "/" + std::to_string(buffer));
      std::string observed;
      std::string read;
      ObjectSource source(*store_, "s", [&](std::string_view piece) { observed += piece; }, range);
      std::vector<char> into(buffer);
      for (std::size_t n = 1; n > 0;) {
        n = value(source.read(into));
        read.append(into.data(), n);
      }
      EXPECT_EQ(read, bytes);
      EXPECT_EQ(observed, bytes);
      EXPECT_EQ(value(source.read(into)), 0U) << "the end stays the end";
    }
  }
  ObjectSource missing(*store_, "not/there");
  std::vector<char> into(10);
  EXPECT_ERROR(missing.read(into), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace changevault
