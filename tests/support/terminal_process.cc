#include "tests/support/terminal_process.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace changevault::testing {
namespace {

[[noreturn]] void fail(const std::string& what, int error) {
  throw std::runtime_error(what + ": " + std::strerror(error));
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

TerminalProcess TerminalProcess::start(const std::vector<std::string>& argv, ProcessOptions options,
                                       unsigned short columns) {
  TerminalProcess process;
  process.name_ = argv.at(0);
  process.deadline_ = options.deadline;
  options.environment.try_emplace("TERM", "xterm");
  // All of it is made before the fork: the child of a program with threads may allocate nothing.
  std::vector<std::string> arguments = argv;
  std::vector<std::string> environment = environment_of(options);
  const std::vector<char*> argument_pointers = pointers(arguments);
  const std::vector<char*> environment_pointers = pointers(environment);
  winsize size{};
  size.ws_row = 24;
  size.ws_col = columns;
  process.pid_ = ::forkpty(&process.screen_, nullptr, nullptr, &size);
  if (process.pid_ < 0) fail("forkpty", errno);
  if (process.pid_ == 0) {
    if (!options.folder.empty() && ::chdir(options.folder.c_str()) != 0) ::_exit(126);
    ::execvpe(argv[0].c_str(), argument_pointers.data(), environment_pointers.data());
    ::_exit(127);
  }
  return process;
}

TerminalProcess::TerminalProcess(TerminalProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      screen_(std::exchange(other.screen_, -1)),
      deadline_(other.deadline_),
      name_(std::move(other.name_)),
      seen_(std::move(other.seen_)) {}

TerminalProcess::~TerminalProcess() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
  }
  if (screen_ >= 0) ::close(screen_);
}

void TerminalProcess::type(const std::string& keys) {
  std::size_t at = 0;
  while (at < keys.size()) {
    const ssize_t written = ::write(screen_, keys.data() + at, keys.size() - at);
    if (written < 0 && errno != EINTR) fail("write to the terminal", errno);
    if (written > 0) at += static_cast<std::size_t>(written);
  }
}

// False at its end.
bool TerminalProcess::read_some() {
  pollfd ready{screen_, POLLIN, 0};
  int polled = 0;
  do {
    polled = ::poll(&ready, 1, static_cast<int>(deadline_.ms));
  } while (polled < 0 && errno == EINTR);
  if (polled == 0) {
    throw std::runtime_error(name_ + " wrote nothing for " + to_string(deadline_) + "; before: " + seen_);
  }
  char buffer[65536];
  ssize_t got = 0;
  do {
    got = ::read(screen_, buffer, sizeof buffer);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return false;  // EIO: nobody holds the other side any more
  seen_.append(buffer, static_cast<std::size_t>(got));
  return true;
}

bool TerminalProcess::shows(const std::string& text) {
  while (seen_.find(text) == std::string::npos) {
    if (!read_some()) return false;
  }
  return true;
}

Outcome TerminalProcess::wait() {
  while (read_some()) {
  }
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0) {
    if (errno != EINTR) fail("waitpid", errno);
  }
  pid_ = -1;
  Outcome outcome;
  outcome.out = seen_;
  if (WIFEXITED(status)) outcome.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) outcome.signal = WTERMSIG(status);
  return outcome;
}

}  // namespace changevault::testing
