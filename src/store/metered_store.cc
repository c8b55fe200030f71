#include "store/metered_store.h"

namespace changevault {

template <typename T>
Result<T> MeteredStore::counted(StoreOperation operation, Result<T> result) {
  Counter& count = counter(operation);
  ++count.requests;
  if (!result.has_value() && result.error().code != ErrorCode::kNotFound) ++count.errors;
  return result;
}

StoreUsage MeteredStore::usage(StoreOperation operation) const {
  const Counter& count = counters_[static_cast<std::size_t>(operation)];
  return {count.requests, count.errors, count.bytes};
}

std::int64_t MeteredStore::requests() const {
  std::int64_t sum = 0;
  for (const Counter& count : counters_) sum += count.requests;
  return sum;
}

void MeteredStore::reset() {
  for (Counter& count : counters_) count.requests = count.errors = count.bytes = 0;
}

Result<PutOutcome> MeteredStore::put_if_absent(const std::string& key, std::string_view bytes,
                                               const PutOptions& options) {
  auto result = counted(StoreOperation::kPut, inner_.put_if_absent(key, bytes, options));
  if (result.has_value() && *result == PutOutcome::kCreated) {
    counter(StoreOperation::kPut).bytes += static_cast<std::int64_t>(bytes.size());
  }
  return result;
}

Result<std::string> MeteredStore::get(const std::string& key, std::optional<ByteRange> range,
                                      const std::string& etag) {
  auto result = counted(StoreOperation::kGet, inner_.get(key, range, etag));
  if (result.has_value()) counter(StoreOperation::kGet).bytes += static_cast<std::int64_t>(result->size());
  return result;
}

Result<ObjectInfo> MeteredStore::head(const std::string& key) {
  return counted(StoreOperation::kHead, inner_.head(key));
}

Result<ListPage> MeteredStore::list(const std::string& prefix, std::optional<char> delimiter,
                                    const std::string& continuation, std::size_t page_size) {
  return counted(StoreOperation::kList, inner_.list(prefix, delimiter, continuation, page_size));
}

Result<void> MeteredStore::remove(const std::string& key) {
  return counted(StoreOperation::kRemove, inner_.remove(key));
}

Result<std::optional<Timestamp>> MeteredStore::clock() {
  return counted(StoreOperation::kClock, inner_.clock());
}

}  // namespace changevault
