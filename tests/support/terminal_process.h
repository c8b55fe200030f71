// A program on a terminal of its own, as a person sees it: it reads keys from it and writes to it.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "tests/support/process.h"

namespace changevault::testing {

// "KEY=value" of all that a process is given (process.cc).
std::vector<std::string> environment_of(const ProcessOptions& options);

inline constexpr const char* kCtrlC = "\x03";

// Destroying a running one kills it.
class TerminalProcess {
 public:
  // `options.input` is not looked at: keys come from `type`. TERM is "xterm" unless the environment says
  // else. Throws std::runtime_error where it cannot be started.
  static TerminalProcess start(const std::vector<std::string>& argv, ProcessOptions options = {},
                               unsigned short columns = 80);
  ~TerminalProcess();
  TerminalProcess(TerminalProcess&& other) noexcept;
  TerminalProcess& operator=(TerminalProcess&&) = delete;

  void type(const std::string& keys);
  // Reads until the screen got `text`; false where the program ended, or the deadline passed, before.
  bool shows(const std::string& text);
  // Reads to its end, by the deadline. `out` is all that the terminal got, stderr included; lines end with
  // "\r\n".
  Outcome wait();

 private:
  TerminalProcess() = default;
  bool read_some();

  pid_t pid_ = -1;
  int screen_ = -1;
  Duration deadline_{};
  std::string name_;
  std::string seen_;
};

}  // namespace changevault::testing
