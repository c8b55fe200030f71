// A store that fails on demand, for tests of what is around it (base/fault.h).
#pragma once

#include <string>
#include <utility>

#include "base/fault.h"
#include "store/object_store.h"
#include "store/store_operation.h"

namespace changevault {

// kPartial: a put leaves the first half of the bytes, which no store should. kWrongAnswer: one bit of what a
// get brings is another. Thread-safe as long as `hook` is. `inner` outlives it.
class FaultyStore final : public ObjectStore {
 public:
  // Asked before every call; for a listing the object is its prefix, for the clock it is empty.
  using Hook = FaultHook<StoreOperation>;

  FaultyStore(ObjectStore& inner, Hook hook) : inner_(inner), hook_(std::move(hook)) {}

  Result<PutOutcome> put_if_absent(const std::string& key, std::string_view bytes,
                                   const PutOptions& options = {}) override;
  Result<std::string> get(const std::string& key, std::optional<ByteRange> range = std::nullopt,
                          const std::string& etag = {}) override;
  Result<ObjectInfo> head(const std::string& key) override;
  Result<ListPage> list(const std::string& prefix, std::optional<char> delimiter = std::nullopt,
                        const std::string& continuation = {}, std::size_t page_size = 5000) override;
  Result<void> remove(const std::string& key) override;
  Result<std::optional<Timestamp>> clock() override;
  Result<StoreTraits> traits() override { return inner_.traits(); }
  int concurrency() const override { return inner_.concurrency(); }
  std::string url() const override { return inner_.url(); }

 private:
  template <typename Call>
  auto guarded(StoreOperation operation, const std::string& key, Call call) -> decltype(call());

  ObjectStore& inner_;
  Hook hook_;
};

}  // namespace changevault
