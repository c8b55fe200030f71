#include "store/retrying_store.h"

#include <utility>

#include "base/mutex.h"

namespace changevault {
namespace {

constexpr Duration kQuietFor = seconds(2);
constexpr Duration kSameAgain = minutes(1);

}  // namespace

RetryingStore::RetryingStore(std::unique_ptr<ObjectStore> inner, Clock& clock, Random& random,
                             RetryingStoreOptions options)
    : inner_(std::move(inner)), clock_(clock), random_(random), options_(std::move(options)) {}

template <typename Call>
auto RetryingStore::retried(Call call) -> decltype(call()) {
  const Duration begin = clock_.steady();
  bool told = false;
  return retry(options_.policy, clock_, random_, options_.stop, [&] {
    auto result = call();
    const bool waits = !result.has_value() && result.error().retryable;
    if (waits && !told && clock_.steady().ms - begin.ms >= kQuietFor.ms) {
      told = true;
      tell(result.error());
    }
    return result;
  });
}

void RetryingStore::tell(const Error& error) {
  if (!options_.on_wait) return;
  const std::string line = "waiting for the store: " + error.message;
  const Duration now = clock_.steady();
  {
    const MutexLock lock(mutex_);
    if (line == told_ && now.ms - told_at_.ms < kSameAgain.ms) return;
    told_ = line;
    told_at_ = now;
  }
  options_.on_wait(line);
}

Result<PutOutcome> RetryingStore::put_if_absent(const std::string& key, std::string_view bytes,
                                                const PutOptions& options) {
  bool again = false;
  CV_ASSIGN(const PutOutcome outcome, retried([&] {
              auto result = inner_->put_if_absent(key, bytes, options);
              again |= !result.has_value();
              return result;
            }));
  if (outcome == PutOutcome::kCreated || !again) return outcome;
  CV_ASSIGN(const bool ours, holds(key, bytes));
  return ours ? PutOutcome::kCreated : PutOutcome::kExists;
}

Result<bool> RetryingStore::holds(const std::string& key, std::string_view bytes) {
  CV_ASSIGN(const std::string standing, get(key));
  return standing == bytes;
}

Result<std::string> RetryingStore::get(const std::string& key, std::optional<ByteRange> range,
                                       const std::string& etag) {
  return retried([&] { return inner_->get(key, range, etag); });
}

Result<void> RetryingStore::read(const std::string& key, std::int64_t offset, const std::string& etag,
                                 const EachPiece& each) {
  std::optional<Error> refused;  // by `each`, which is not asked again
  const auto take = [&](std::string_view piece) -> Result<void> {
    Result<void> taken = each(piece);
    if (taken) {
      offset += static_cast<std::int64_t>(piece.size());
    } else {
      refused = taken.error();
    }
    return taken;
  };
  while (true) {
    const std::int64_t begin = offset;
    bool broken_off =
        false;  // behind some bytes: what follows them is a request of its own, with all of its time
    Result<void> done = retried([&]() -> Result<void> {
      Result<void> read = inner_->read(key, offset, etag, take);
      if (read || refused) return {};
      broken_off = offset > begin && read.error().retryable;
      return broken_off ? Result<void>() : read;
    });
    if (refused) return *refused;
    if (!broken_off) return done;
  }
}

Result<ObjectInfo> RetryingStore::head(const std::string& key) {
  return retried([&] { return inner_->head(key); });
}

Result<ListPage> RetryingStore::list(const std::string& prefix, std::optional<char> delimiter,
                                     const std::string& continuation, std::size_t page_size) {
  return retried([&] { return inner_->list(prefix, delimiter, continuation, page_size); });
}

Result<void> RetryingStore::remove(const std::string& key) {
  return inner_->remove(key);
}

Result<std::optional<Timestamp>> RetryingStore::clock() {
  return retried([&] { return inner_->clock(); });
}

Result<StoreTraits> RetryingStore::traits() {
  return retried([&] { return inner_->traits(); });
}

}  // namespace changevault
