// What went wrong first, of several threads.
#pragma once

#include <optional>
#include <utility>

#include "base/mutex.h"
#include "base/result.h"

namespace changevault {

// Thread-safe.
class FirstError {
 public:
  void put(Error error) {
    const MutexLock lock(mutex_);
    if (!error_) error_ = std::move(error);
  }
  // Success where nothing was put.
  Result<void> result() const {
    const MutexLock lock(mutex_);
    if (error_) return *error_;
    return {};
  }

 private:
  mutable Mutex mutex_;
  std::optional<Error> error_ CV_GUARDED_BY(mutex_);
};

}  // namespace changevault
