// Another program, run by a test: no shell in between, its output kept, its end waited for with a deadline.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/time.h"

namespace changevault::testing {

struct ProcessOptions {
  std::map<std::string, std::string>
      environment;     // added to ours; CHANGEVAULT_* and CONSUMER_GROUP of ours are not handed on
  std::string input;   // standard input
  std::string folder;  // where it runs; empty: where we are
  Duration deadline = minutes(10);  // then it is killed and the test fails
};

struct Outcome {
  int exit_code = -1;  // -1 where a signal ended it
  int signal = 0;      // 0 where it ended by itself
  std::string out;
  std::string err;
  std::int64_t peak_memory = 0;  // bytes; not below what this test program itself held at the start
};

// A child process. Destroying a running one kills it.
class Process {
 public:
  // argv[0] is a path, or a name found in PATH. Throws std::runtime_error where it cannot be started.
  static Process start(const std::vector<std::string>& argv, const ProcessOptions& options = {});
  ~Process();
  Process(Process&& other) noexcept;
  Process& operator=(Process&&) = delete;

  pid_t pid() const { return pid_; }
  void kill(int signal);
  // True once it has ended; waits up to `duration`.
  bool ended_within(Duration duration);
  // Waits for its end, by the deadline; once.
  Outcome wait();
  // What it has written so far.
  std::string out_so_far() const;
  std::string err_so_far() const;

 private:
  Process() = default;
  pid_t pid_ = -1;
  int pid_fd_ = -1;
  int out_fd_ = -1;
  int err_fd_ = -1;
  Duration deadline_{};
  std::string name_;
};

// The program that is tested: it stands beside the test program.
std::string program_path();

// Starts and waits.
Outcome run(const std::vector<std::string>& argv, const ProcessOptions& options = {});

}  // namespace changevault::testing
