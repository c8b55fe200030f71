// A store whose server has a clock that differs from ours.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "store/object_store.h"

namespace changevault::testing {

// `inner` and `clock` outlive it.
class ClockedStore final : public ObjectStore {
 public:
  ClockedStore(ObjectStore& inner, Clock& clock) : inner_(inner), clock_(clock) {}
  Duration off{0};
  bool has_clock = true;

  Result<PutOutcome> put_if_absent(const std::string& key, std::string_view bytes,
                                   const PutOptions& options) override {
    return inner_.put_if_absent(key, bytes, options);
  }
  Result<std::string> get(const std::string& key, std::optional<ByteRange> range,
                          const std::string& etag) override {
    return inner_.get(key, range, etag);
  }
  Result<ObjectInfo> head(const std::string& key) override { return inner_.head(key); }
  Result<ListPage> list(const std::string& prefix, std::optional<char> delimiter,
                        const std::string& continuation, std::size_t page_size) override {
    return inner_.list(prefix, delimiter, continuation, page_size);
  }
  Result<void> remove(const std::string& key) override { return inner_.remove(key); }
  Result<std::optional<Timestamp>> clock() override {
    if (!has_clock) return std::optional<Timestamp>();
    return std::optional(clock_.now() + off);
  }
  std::string url() const override { return inner_.url(); }

 private:
  ObjectStore& inner_;
  Clock& clock_;
};

}  // namespace changevault::testing
