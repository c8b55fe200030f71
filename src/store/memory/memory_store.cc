#include "store/memory/memory_store.h"

#include "base/hash.h"
#include "base/mutex.h"
#include "store/object_key.h"

namespace changevault {
namespace {

Error not_found(const std::string& key) {
  return Error(ErrorCode::kNotFound, "no such object", key);
}

}  // namespace

MemoryStore::Object MemoryStore::stamped(std::string bytes) {
  return {std::move(bytes), clock_.now(), to_hex(++writes_)};
}

Result<PutOutcome> MemoryStore::put_if_absent(const std::string& key, std::string_view bytes,
                                              const PutOptions& options) {
  CV_TRY(split_key(key));
  if (!options.md5_hex.empty()) {
    const Md5 hash = md5(bytes);
    if (to_hex({reinterpret_cast<const char*>(hash.data()), hash.size()}) != options.md5_hex) {
      return Error(ErrorCode::kCorrupt, "the bytes to store are not those of the given MD5", key);
    }
  }
  const MutexLock lock(mutex_);
  if (objects_.contains(key)) return PutOutcome::kExists;
  objects_.emplace(key, stamped(std::string(bytes)));
  return PutOutcome::kCreated;
}

Result<std::string> MemoryStore::get(const std::string& key, std::optional<ByteRange> range,
                                     const std::string& etag) {
  CV_TRY(split_key(key));
  if (range) CV_TRY(check_range(*range, key));
  const MutexLock lock(mutex_);
  const auto found = objects_.find(key);
  if (found == objects_.end()) return not_found(key);
  if (!etag.empty() && found->second.etag != etag) return other_version(key);
  const std::string& bytes = found->second.bytes;
  if (!range) return bytes;
  const ByteRange cut = cut_range(*range, static_cast<std::int64_t>(bytes.size()));
  return bytes.substr(static_cast<std::size_t>(cut.offset), static_cast<std::size_t>(cut.length));
}

Result<ObjectInfo> MemoryStore::head(const std::string& key) {
  CV_TRY(split_key(key));
  const MutexLock lock(mutex_);
  const auto found = objects_.find(key);
  if (found == objects_.end()) return not_found(key);
  const Object& object = found->second;
  return ObjectInfo{key, static_cast<std::int64_t>(object.bytes.size()), object.modified, object.etag};
}

Result<ListPage> MemoryStore::list(const std::string& prefix, std::optional<char> delimiter,
                                   const std::string& continuation, std::size_t page_size) {
  CV_TRY(split_prefix(prefix));
  CV_TRY(check_list_arguments(delimiter, page_size, prefix));
  const MutexLock lock(mutex_);
  ListPage page;
  std::string last;
  for (auto it = objects_.lower_bound(prefix); it != objects_.end() && it->first.starts_with(prefix);) {
    const auto& [key, object] = *it;
    const std::size_t slash = delimiter ? key.find('/', prefix.size()) : std::string::npos;
    const std::string item = slash == std::string::npos ? key : key.substr(0, slash + 1);
    if (item > continuation) {
      if (page.objects.size() + page.prefixes.size() == page_size) {
        page.next = last;
        return page;
      }
      last = item;
      if (slash == std::string::npos) {
        page.objects.push_back(
            {key, static_cast<std::int64_t>(object.bytes.size()), object.modified, object.etag});
      } else {
        page.prefixes.push_back(item);
      }
    }
    it = slash == std::string::npos ? std::next(it)
                                    : objects_.lower_bound(item.substr(0, item.size() - 1) + '0');
  }
  return page;
}

Result<void> MemoryStore::remove(const std::string& key) {
  CV_TRY(split_key(key));
  const MutexLock lock(mutex_);
  objects_.erase(key);
  return {};
}

void MemoryStore::corrupt(const std::string& key, std::string bytes) {
  const MutexLock lock(mutex_);
  objects_.insert_or_assign(key, stamped(std::move(bytes)));
}

}  // namespace changevault
