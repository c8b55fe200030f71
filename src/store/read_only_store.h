// A store that cannot be written to until somebody agreed: the dry run, kept by the lowest layer.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "store/object_store.h"

namespace changevault {

// Puts and removals are kInternal while `writable` is false: whoever meets that has forgotten to ask. All
// else is the inner store's. `writable` outlives it. Thread-safe as `inner` is.
class ReadOnlyStore final : public ObjectStore {
 public:
  ReadOnlyStore(std::unique_ptr<ObjectStore> inner, const std::atomic<bool>& writable)
      : inner_(std::move(inner)), writable_(writable) {}

  Result<PutOutcome> put_if_absent(const std::string& key, std::string_view bytes,
                                   const PutOptions& options = {}) override {
    CV_TRY(may_write(key));
    return inner_->put_if_absent(key, bytes, options);
  }
  Result<std::string> get(const std::string& key, std::optional<ByteRange> range = std::nullopt,
                          const std::string& etag = {}) override {
    return inner_->get(key, range, etag);
  }
  Result<void> read(const std::string& key, std::int64_t offset, const std::string& etag,
                    const EachPiece& each) override {
    return inner_->read(key, offset, etag, each);
  }
  Result<ObjectInfo> head(const std::string& key) override { return inner_->head(key); }
  Result<ListPage> list(const std::string& prefix, std::optional<char> delimiter = std::nullopt,
                        const std::string& continuation = {}, std::size_t page_size = 5000) override {
    return inner_->list(prefix, delimiter, continuation, page_size);
  }
  Result<void> remove(const std::string& key) override {
    CV_TRY(may_write(key));
    return inner_->remove(key);
  }
  Result<std::optional<Timestamp>> clock() override { return inner_->clock(); }
  Result<StoreTraits> traits() override { return inner_->traits(); }
  int concurrency() const override { return inner_->concurrency(); }
  std::string url() const override { return inner_->url(); }

 private:
  Result<void> may_write(const std::string& key) const {
    if (writable_) return {};
    return Error(ErrorCode::kInternal, "nothing may be written before somebody agreed to it", key);
  }

  std::unique_ptr<ObjectStore> inner_;
  const std::atomic<bool>& writable_;
};

}  // namespace changevault
