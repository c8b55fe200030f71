#include "service/supervisor.h"

#include <condition_variable>
#include <mutex>

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace changevault {
namespace {

// Waits for the stop, as daemons do.
Result<void> wait_for_stop(std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait(lock, stop, [] { return false; });
  return {};
}

TEST(Supervisor, TheFirstErrorStopsAllAndIsNamed) {
  Supervisor supervisor;
  bool ended_cleanly = false;
  supervisor.add("archive", [&](std::stop_token stop) {
    auto done = wait_for_stop(stop);
    ended_cleanly = true;
    return done;
  });
  supervisor.add("load", [](std::stop_token) -> Result<void> {
    return Error(ErrorCode::kUnreachable, "no answer", "duckdb:w", "look at it");
  });
  const Result<void> done = supervisor.run({});
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error(), Error(ErrorCode::kUnreachable, "load: no answer", "duckdb:w", "look at it"));
  EXPECT_TRUE(ended_cleanly);
}

TEST(Supervisor, AStopFromOutsideIsASuccess) {
  Supervisor supervisor;
  std::stop_source outside;
  supervisor.add("a", wait_for_stop);
  supervisor.add("b", [&](std::stop_token stop) {
    outside.request_stop();
    return wait_for_stop(stop);
  });
  EXPECT_OK(supervisor.run(outside.get_token()));
}

TEST(Supervisor, AStopThatCameBeforeIsSeen) {
  Supervisor supervisor;
  std::stop_source outside;
  outside.request_stop();
  supervisor.add("a", wait_for_stop);
  EXPECT_OK(supervisor.run(outside.get_token()));
}

}  // namespace
}  // namespace changevault
