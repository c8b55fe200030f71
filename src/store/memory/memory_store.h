// The archive in this process's memory: the contract of ObjectStore without a disk, for tests.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "store/object_store.h"

namespace changevault {

// `clock` outlives it; it stamps `modified`.
class MemoryStore final : public ObjectStore {
 public:
  explicit MemoryStore(Clock& clock = system_clock()) : clock_(clock) {}

  Result<PutOutcome> put_if_absent(const std::string& key, std::string_view bytes,
                                   const PutOptions& options = {}) override;
  Result<std::string> get(const std::string& key, std::optional<ByteRange> range = std::nullopt,
                          const std::string& etag = {}) override;
  Result<ObjectInfo> head(const std::string& key) override;
  Result<ListPage> list(const std::string& prefix, std::optional<char> delimiter = std::nullopt,
                        const std::string& continuation = {}, std::size_t page_size = 5000) override;
  Result<void> remove(const std::string& key) override;
  Result<std::optional<Timestamp>> clock() override { return std::nullopt; }
  std::string url() const override { return "memory:"; }

  // What no store offers but time and people do: the object's bytes are others now.
  void corrupt(const std::string& key, std::string bytes);

 private:
  struct Object {
    std::string bytes;
    Timestamp modified;
    std::string etag;
  };
  Object stamped(std::string bytes) CV_REQUIRES(mutex_);

  Clock& clock_;
  Mutex mutex_;
  std::map<std::string, Object, std::less<>> objects_ CV_GUARDED_BY(mutex_);
  std::uint64_t writes_ CV_GUARDED_BY(mutex_) = 0;
};

}  // namespace changevault
