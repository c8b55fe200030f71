// Time, as a thing that is handed in: nothing outside this file's implementation asks the system for it.
#pragma once

#include <stop_token>

#include "base/time.h"

namespace changevault {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp now() const = 0;
  // A clock that never goes back and knows no date, for intervals and deadlines.
  virtual Duration steady() const = 0;
  // Waits for `duration` or until `stop` is requested; true when the whole time has passed.
  virtual bool sleep(Duration duration, std::stop_token stop) = 0;
};

// The clock of this machine. Lives as long as the program.
Clock& system_clock();

}  // namespace changevault
