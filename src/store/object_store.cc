#include "store/object_store.h"

namespace changevault {

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
