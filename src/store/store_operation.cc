#include "store/store_operation.h"

namespace changevault {

const char* name(StoreOperation operation) {
  switch (operation) {
    case StoreOperation::kPut:
      return "put";
    case StoreOperation::kGet:
      return "get";
    case StoreOperation::kHead:
      return "head";
    case StoreOperation::kList:
      return "list";
    case StoreOperation::kRemove:
      return "remove";
    case StoreOperation::kClock:
      return "clock";
  }
  return "unknown";
}

}  // namespace changevault
