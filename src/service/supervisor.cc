#include "service/supervisor.h"

#include <mutex>
#include <optional>
#include <thread>

namespace changevault {

Result<void> Supervisor::run(std::stop_token stop) {
  std::stop_source all;
  // Declared before the threads: joined threads may still be in it.
  const std::stop_callback forward(stop, [&all] { all.request_stop(); });
  std::mutex mutex;
  std::optional<Error> first;
  {
    std::vector<std::jthread> threads;
    threads.reserve(jobs_.size());
    for (const Named& named : jobs_) {
      threads.emplace_back([&named, &all, &mutex, &first] {
        Result<void> done = named.job(all.get_token());
        if (!done.has_value()) {
          const std::lock_guard lock(mutex);
          if (!first) {
            first = std::move(done).error();
            first->message = named.name + ": " + first->message;
          }
        }
        all.request_stop();
      });
    }
  }
  if (first) return *first;
  return {};
}

}  // namespace changevault
