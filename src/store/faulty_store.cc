#include "store/faulty_store.h"

namespace changevault {

template <typename Call>
auto FaultyStore::guarded(StoreOperation operation, const std::string& key, Call call) -> decltype(call()) {
  const Fault fault = hook_(operation, key);
  if (fault == Fault::kNone) return call();
  std::string message = std::string("injected fault, ") + name(operation);
  if (fault == Fault::kFailAfter) {
    ignore_error(call(), "the caller is told that the answer was lost");
    message += " was done but its answer is lost";
  } else {
    message += " was not done";
  }
  return Error(ErrorCode::kUnreachable, std::move(message), key, {}, true);
}

Result<PutOutcome> FaultyStore::put_if_absent(const std::string& key, std::string_view bytes,
                                              const PutOptions& options) {
  return guarded(StoreOperation::kPut, key, [&] { return inner_.put_if_absent(key, bytes, options); });
}

Result<std::string> FaultyStore::get(const std::string& key, std::optional<ByteRange> range) {
  return guarded(StoreOperation::kGet, key, [&] { return inner_.get(key, range); });
}

Result<ObjectInfo> FaultyStore::head(const std::string& key) {
  return guarded(StoreOperation::kHead, key, [&] { return inner_.head(key); });
}

Result<ListPage> FaultyStore::list(const std::string& prefix, std::optional<char> delimiter,
                                   const std::string& continuation, std::size_t page_size) {
  return guarded(StoreOperation::kList, prefix,
                 [&] { return inner_.list(prefix, delimiter, continuation, page_size); });
}

Result<void> FaultyStore::remove(const std::string& key) {
  return guarded(StoreOperation::kRemove, key, [&] { return inner_.remove(key); });
}

Result<std::optional<Timestamp>> FaultyStore::clock() {
  return guarded(StoreOperation::kClock, {}, [&] { return inner_.clock(); });
}

}  // namespace changevault
