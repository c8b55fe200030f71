#include "service/supervisor.h"

#include <optional>
#include <thread>

#include "base/mutex.h"

namespace changevault {
namespace {

class FirstError {
 public:
  void note(Error error, const std::string& job) {
    const MutexLock lock(mutex_);
    if (error_) return;
    error_ = std::move(error);
    error_->message = job + ": " + error_->message;
  }
  Result<void> result() {
    const MutexLock lock(mutex_);
    if (error_) return *error_;
    return {};
  }

 private:
  Mutex mutex_;
  std::optional<Error> error_ CV_GUARDED_BY(mutex_);
};

}  // namespace

Result<void> Supervisor::run(std::stop_token stop) {
  std::stop_source all;
  // Declared before the threads: joined threads may still be in it.
  const std::stop_callback forward(stop, [&all] { all.request_stop(); });
  FirstError first;
  {
    std::vector<std::jthread> threads;
    threads.reserve(jobs_.size());
    for (const Named& named : jobs_) {
      threads.emplace_back([&named, &all, &first] {
        Result<void> done = named.job(all.get_token());
        if (!done.has_value()) first.note(std::move(done).error(), named.name);
        all.request_stop();
      });
    }
  }
  return first.result();
}

}  // namespace changevault
