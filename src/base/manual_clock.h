// A clock that a test moves by hand. Sleeping moves it.
#pragma once

#include <atomic>

#include "base/clock.h"

namespace changevault {

class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp start) : now_ms_(start.ms) {}
  Timestamp now() const override { return {now_ms_.load()}; }
  Duration steady() const override { return {steady_ms_.load()}; }
  bool sleep(Duration duration, std::stop_token stop) override {
    advance(duration);
    return !stop.stop_requested();
  }
  void advance(Duration duration) {
    now_ms_ += duration.ms;
    steady_ms_ += duration.ms;
  }
  // Moves the date alone, as an operator or NTP would; may go back.
  void set(Timestamp time) { now_ms_ = time.ms; }

 private:
  std::atomic<std::int64_t> now_ms_;
  std::atomic<std::int64_t> steady_ms_{0};
};

}  // namespace changevault
