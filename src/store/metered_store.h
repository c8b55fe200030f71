// Counts what is asked of a store: requests, errors and bytes of each kind.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "store/object_store.h"
#include "store/store_operation.h"

namespace changevault {

struct StoreUsage {
  std::int64_t requests = 0;
  std::int64_t errors = 0;  // kNotFound is an answer, not an error
  std::int64_t bytes = 0;   // of content: stored by a put, given back by a get
  bool operator==(const StoreUsage&) const = default;
};

// Thread-safe. `inner` outlives it.
class MeteredStore final : public ObjectStore {
 public:
  explicit MeteredStore(ObjectStore& inner) : inner_(inner) {}

  StoreUsage usage(StoreOperation operation) const;
  std::int64_t requests() const;  // of all kinds
  void reset();

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
  struct Counter {
    std::atomic<std::int64_t> requests{0};
    std::atomic<std::int64_t> errors{0};
    std::atomic<std::int64_t> bytes{0};
  };
  template <typename T>
  Result<T> counted(StoreOperation operation, Result<T> result);
  Counter& counter(StoreOperation operation) { return counters_[static_cast<std::size_t>(operation)]; }

  ObjectStore& inner_;
  std::array<Counter, kStoreOperations> counters_;
};

}  // namespace changevault
