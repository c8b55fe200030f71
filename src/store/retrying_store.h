// A store whose requests are tried again where that may help and does no harm.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/random.h"
#include "base/retry.h"
#include "store/object_store.h"

namespace changevault {

struct RetryingStoreOptions {
  RetryPolicy policy{.give_up_after = seconds(10)};
  // Ends the waiting between two attempts; the last attempt's error is the answer.
  std::stop_token stop;
  // A line for the user where a request is tried again for more than two seconds, the same one once a minute
  // however many requests wait. Called on the thread that asks; may be empty.
  std::function<void(const std::string&)> on_wait;
};

// Tries again what says of itself that it may succeed later (Error::retryable), with growing waits:
//
//   get, head, list, clock  ask only: always safe.
//   read                    the same, and goes on where it was broken off.
//   put_if_absent           safe as a name is created once. An earlier attempt whose answer was lost may be
//                           what stands there: where the bytes are these, the answer is kCreated. So it is
//                           where another process wrote exactly these bytes meanwhile; ledger slots hold a
//                           nonce.
//   remove                  asked once: another process may have created the name again after a lost answer.
//
// Thread-safe. `clock` and `random` outlive it.
class RetryingStore final : public ObjectStore {
 public:
  RetryingStore(std::unique_ptr<ObjectStore> inner, Clock& clock, Random& random,
                RetryingStoreOptions options = {});

  Result<PutOutcome> put_if_absent(const std::string& key, std::string_view bytes,
                                   const PutOptions& options = {}) override;
  Result<std::string> get(const std::string& key, std::optional<ByteRange> range = std::nullopt,
                          const std::string& etag = {}) override;
  Result<void> read(const std::string& key, std::int64_t offset, const std::string& etag,
                    const EachPiece& each) override;
  Result<ObjectInfo> head(const std::string& key) override;
  Result<ListPage> list(const std::string& prefix, std::optional<char> delimiter = std::nullopt,
                        const std::string& continuation = {}, std::size_t page_size = 5000) override;
  Result<void> remove(const std::string& key) override;
  Result<std::optional<Timestamp>> clock() override;
  Result<StoreTraits> traits() override;
  int concurrency() const override { return inner_->concurrency(); }
  std::string url() const override { return inner_->url(); }

 private:
  template <typename Call>
  auto retried(Call call) -> decltype(call());
  void tell(const Error& error);
  Result<bool> holds(const std::string& key, std::string_view bytes);

  std::unique_ptr<ObjectStore> inner_;
  Clock& clock_;
  Random& random_;
  RetryingStoreOptions options_;
  Mutex mutex_;
  std::string told_ CV_GUARDED_BY(mutex_);
  Duration told_at_ CV_GUARDED_BY(mutex_){};
};

}  // namespace changevault
