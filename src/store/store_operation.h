// The requests of an ObjectStore, by name.
#pragma once

namespace changevault {

enum class StoreOperation { kPut, kGet, kHead, kList, kRemove, kClock };
constexpr int kStoreOperations = 6;

// "put", "get", "head", "list", "remove", "clock".
const char* name(StoreOperation operation);

}  // namespace changevault
