// How far a long verb is: a line that is rewritten on a terminal, else a log line now and then.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "cli/output.h"

namespace changevault {

// Not thread-safe. What stands on the line is made only when it is shown.
class Progress {
 public:
  // `log_every`: without a terminal, a line to stderr that often; nullopt: none.
  Progress(Output& out, Clock& clock, std::optional<Duration> log_every = std::nullopt)
      : out_(out), clock_(clock), started_(clock.steady()), log_every_(log_every) {}
  ~Progress() { out_.progress({}); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  template <typename MakeLine>
  void show(MakeLine&& line) {
    const Duration now = clock_.steady();
    if (out_.shows_progress()) {
      if (shown_ && now.ms - shown_->ms < 100) return;
      shown_ = now;
      out_.progress(line());
    } else if (log_every_ && now.ms - shown_.value_or(started_).ms >= log_every_->ms) {
      shown_ = now;
      out_.note(to_rfc3339_seconds(clock_.now()) + " " + line());
    }
  }

  Duration elapsed() const { return {clock_.steady().ms - started_.ms}; }
  // "12,345 events, 4,115/s": a count and its rate since the start.
  std::string rate(std::int64_t n, std::string_view noun) const;
  // " · 42 % · 3 min left" of done from all; empty where nothing can be said.
  std::string remaining(std::int64_t done, std::int64_t all) const;

 private:
  Output& out_;
  Clock& clock_;
  Duration started_;
  std::optional<Duration> log_every_;
  std::optional<Duration> shown_;
};

}  // namespace changevault
