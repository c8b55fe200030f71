#include "store/object_store.h"

namespace changevault {

Result<void> ObjectStore::read(const std::string& key, std::int64_t offset, const std::string& etag,
                               const EachPiece& each) {
  constexpr std::int64_t kPiece = 4 << 20;
  for (;; offset += kPiece) {
    CV_ASSIGN(const std::string piece, get(key, ByteRange{offset, kPiece}, etag));
    if (!piece.empty()) CV_TRY(each(piece));
    if (static_cast<std::int64_t>(piece.size()) < kPiece) return {};
  }
}

Result<void> for_each_object(ObjectStore& store, const std::string& prefix,
                             const std::function<Result<void>(const ObjectInfo&)>& each) {
  std::string continuation;
  do {
    CV_ASSIGN(const ListPage page, store.list(prefix, std::nullopt, continuation));
    for (const ObjectInfo& object : page.objects) CV_TRY(each(object));
    continuation = page.next;
  } while (!continuation.empty());
  return {};
}

}  // namespace changevault
