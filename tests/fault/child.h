// Another process of a test's own, forked.
#pragma once

#include <functional>

#include <sys/wait.h>
#include <unistd.h>

namespace changevault::testing {

// Runs `body` in another process; its return value is the exit code. No connection may be open across the
// fork.
inline pid_t in_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  return child;
}

inline int wait_for(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace changevault::testing
