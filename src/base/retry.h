// Trying again: only what says of itself that it may succeed later, with growing waits, for a bounded time.
#pragma once

#include <algorithm>
#include <stop_token>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"

namespace changevault {

struct RetryPolicy {
  Duration first_wait = milliseconds(50);
  Duration longest_wait = seconds(5);
  Duration give_up_after = seconds(60);
};

// Calls `attempt` until it succeeds, fails for good, or the policy's time is over. Where the other side named
// a wait (Error::retry_after) it is kept to, or, where it is longer than the time left, not waited for at
// all. A stop ends the waiting, not an attempt: at least one is made. An attempt that took all of the time
// itself is followed by one more.
template <typename Attempt>
auto retry(const RetryPolicy& policy, Clock& clock, Random& random, std::stop_token stop, Attempt&& attempt)
    -> decltype(attempt()) {
  const Duration begin = clock.steady();
  int attempts = 0;
  for (Duration wait = policy.first_wait;; wait = std::min(milliseconds(wait.ms * 2), policy.longest_wait)) {
    auto result = attempt();
    ++attempts;
    if (result.has_value() || !result.error().retryable) return result;
    const Duration asked = result.error().retry_after;
    const Duration next = std::max(wait, asked);
    if (next > policy.give_up_after) return result;
    const bool over = clock.steady().ms - begin.ms + next.ms > policy.give_up_after.ms;
    if (over && attempts > 1) return result;
    const auto jittered = milliseconds(
        wait.ms / 2 + static_cast<std::int64_t>(random.next() % static_cast<std::uint64_t>(wait.ms / 2 + 1)));
    if (!clock.sleep(asked.ms > 0 ? asked + jittered : jittered, stop)) return result;
  }
}

}  // namespace changevault
