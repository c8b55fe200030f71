// Locks that the compiler checks. clang's -Wthread-safety (scripts/check-locks) proves that what is
// CV_GUARDED_BY a mutex is touched only while that is held; under GCC the annotations are nothing.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "base/time.h"

#if defined(__clang__)
#define CV_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define CV_THREAD_ATTRIBUTE(x)
#endif

#define CV_CAPABILITY(x) CV_THREAD_ATTRIBUTE(capability(x))
#define CV_SCOPED_CAPABILITY CV_THREAD_ATTRIBUTE(scoped_lockable)
// On a member: touched only while the mutex is held. CV_PT_…: what the pointer points to.
#define CV_GUARDED_BY(x) CV_THREAD_ATTRIBUTE(guarded_by(x))
#define CV_PT_GUARDED_BY(x) CV_THREAD_ATTRIBUTE(pt_guarded_by(x))
// On a function: the caller holds the mutex; the caller does not hold it.
#define CV_REQUIRES(...) CV_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define CV_EXCLUDES(...) CV_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define CV_ACQUIRE(...) CV_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define CV_RELEASE(...) CV_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))

namespace changevault {

// Not recursive: a thread that takes it twice waits for ever.
class CV_CAPABILITY("mutex") Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() CV_ACQUIRE() { mutex_.lock(); }
  void unlock() CV_RELEASE() { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

// Holds the mutex, which outlives it, as long as it lives. May let go of it in between.
class CV_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) CV_ACQUIRE(mutex) : lock_(mutex) {}
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;
  ~MutexLock() CV_RELEASE() = default;

  // REQUIRES: held.
  void unlock() CV_RELEASE() { lock_.unlock(); }
  // REQUIRES: let go of.
  void lock() CV_ACQUIRE() { lock_.lock(); }

 private:
  std::unique_lock<Mutex> lock_;
};

// Waiting may end without a reason: callers look at their condition again in a loop.
class CondVar {
 public:
  // Lets go of the mutex while it waits; holds it again when it returns.
  void wait(Mutex& mutex) CV_REQUIRES(mutex) {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    wake_.wait(lock);
    lock.release();
  }
  // The same for at most `duration`.
  void wait_for(Mutex& mutex, Duration duration) CV_REQUIRES(mutex) {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    wake_.wait_for(lock, std::chrono::milliseconds(duration.ms));
    lock.release();
  }
  void notify_one() { wake_.notify_one(); }
  void notify_all() { wake_.notify_all(); }

 private:
  std::condition_variable wake_;
};

}  // namespace changevault
