#include "base/clock.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace changevault {
namespace {

class SystemClock final : public Clock {
 public:
  Timestamp now() const override {
    using std::chrono::duration_cast, std::chrono::milliseconds;
    return {duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count()};
  }
  Duration steady() const override {
    using std::chrono::duration_cast, std::chrono::milliseconds;
    return {duration_cast<milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count()};
  }
  bool sleep(Duration duration, std::stop_token stop) override {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, std::chrono::milliseconds(duration.ms), [] { return false; });
    return !stop.stop_requested();
  }
};

}  // namespace

Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

}  // namespace changevault
