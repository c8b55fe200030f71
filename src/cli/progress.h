// How far a long verb is: a line that is rewritten on a terminal, else a line now and then.
#pragma once

#include <string>

#include "base/clock.h"
#include "cli/output.h"

namespace changevault {

// Without a terminal, a line to stderr that often. Nothing at all with --quiet.
inline constexpr Duration kProgressInterval = seconds(10);

// Not thread-safe. What stands on the line is made only when it is shown; what is done within half a second
// shows none.
class Progress {
 public:
  Progress(Output& out, Clock& clock, Duration log_every = kProgressInterval)
      : out_(out), clock_(clock), started_(clock.steady()), last_(started_), log_every_(log_every) {}
  ~Progress() { out_.progress({}); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  template <typename MakeLine>
  void show(MakeLine&& line) {
    const Duration now = clock_.steady();
    const Duration wait = !out_.shows_progress() ? log_every_
                          : shown_               ? milliseconds(100)
                                                 : milliseconds(500);
    if (now.ms - last_.ms < wait.ms) return;
    shown_ = true;
    last_ = now;
    if (out_.shows_progress()) {
      out_.progress(line());
    } else {
      out_.note(to_rfc3339_seconds(clock_.now()) + " " + line());
    }
  }

  // For work that cannot say how far it is: a line at once, on a terminal only.
  void begin(const std::string& what) {
    if (out_.shows_progress()) out_.progress(what + " …");
  }

  Duration elapsed() const { return {clock_.steady().ms - started_.ms}; }
  // "12,345 events, 4,115/s": a count and its rate since the start.
  std::string rate(std::int64_t n, std::string_view noun) const;
  // "1.2 GiB, 310.0 MiB/s".
  std::string byte_rate(std::int64_t bytes) const;
  // " [########------------] 42 % · 3 min left" of done from all; empty where nothing can be said. The bar on
  // a terminal only.
  std::string remaining(std::int64_t done, std::int64_t all) const;

 private:
  Output& out_;
  Clock& clock_;
  Duration started_;
  Duration last_;  // when a line was shown, or the start
  Duration log_every_;
  bool shown_ = false;
};

// "[########------------]" with `cells` between the brackets, `done` from `all` of them full.
std::string bar(std::int64_t done, std::int64_t all, std::size_t cells);

}  // namespace changevault
