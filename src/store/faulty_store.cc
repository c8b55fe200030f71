#include "store/faulty_store.h"

namespace changevault {

template <typename Call>
auto FaultyStore::guarded(StoreOperation operation, const std::string& key, Call call) -> decltype(call()) {
  return call_with(hook_(operation, key), name(operation), key, std::move(call));
}

Result<PutOutcome> FaultyStore::put_if_absent(const std::string& key, std::string_view bytes,
                                              const PutOptions& options) {
  const Fault fault = hook_(StoreOperation::kPut, key);
  if (fault == Fault::kPartial)
    ignore_error(inner_.put_if_absent(key, bytes.substr(0, bytes.size() / 2)), "what is left of it");
  return call_with(fault, name(StoreOperation::kPut), key,
                   [&] { return inner_.put_if_absent(key, bytes, options); });
}

Result<std::string> FaultyStore::get(const std::string& key, std::optional<ByteRange> range,
                                     const std::string& etag) {
  const Fault fault = hook_(StoreOperation::kGet, key);
  Result<std::string> bytes =
      call_with(fault, name(StoreOperation::kGet), key, [&] { return inner_.get(key, range, etag); });
  if (fault == Fault::kWrongAnswer && bytes && !bytes->empty()) {
    char& changed = (*bytes)[bytes->size() / 2];
    changed = static_cast<char>(changed ^ 1);
  }
  return bytes;
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
