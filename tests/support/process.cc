#include "tests/support/process.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/terminal_process.h"

extern char** environ;

namespace changevault::testing {
namespace {

[[noreturn]] void fail(const std::string& what, int error) {
  throw std::runtime_error(what + ": " + std::strerror(error));
}

// Output goes to a file in memory: a pipe would stop a child that writes more than anybody reads.
int memory_file(const char* name) {
  const int fd = ::memfd_create(name, MFD_CLOEXEC);
  if (fd < 0) fail("memfd_create", errno);
  return fd;
}

void write_all(int fd, const std::string& bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t written = ::write(fd, bytes.data() + at, bytes.size() - at);
    if (written < 0 && errno != EINTR) fail("write", errno);
    if (written > 0) at += static_cast<std::size_t>(written);
  }
}

std::string read_all(int fd) {
  std::string out;
  char buffer[65536];
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(fd, buffer, sizeof buffer, at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("pread", errno);
    if (got == 0) return out;
    out.append(buffer, static_cast<std::size_t>(got));
    at += got;
  }
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

std::vector<std::string> environment_of(const ProcessOptions& options) {
  std::map<std::string, std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::size_t equals = text.find('=');
    const std::string key = text.substr(0, equals);
    if (equals == std::string::npos || key.starts_with("CHANGEVAULT_") || key == "CONSUMER_GROUP") continue;
    all[key] = text.substr(equals + 1);
  }
  for (const auto& [key, value] : options.environment) all[key] = value;
  std::vector<std::string> out;
  for (const auto& [key, value] : all) out.push_back(key + "=" + value);
  return out;
}

Process Process::start(const std::vector<std::string>& argv, const ProcessOptions& options) {
  Process process;
  process.name_ = argv.at(0);
  process.deadline_ = options.deadline;
  process.out_fd_ = memory_file("stdout");
  process.err_fd_ = memory_file("stderr");
  const int in_fd = memory_file("stdin");
  write_all(in_fd, options.input);
  ::lseek(in_fd, 0, SEEK_SET);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in_fd, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, process.out_fd_, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, process.err_fd_, STDERR_FILENO);
  if (!options.folder.empty()) posix_spawn_file_actions_addchdir_np(&actions, options.folder.c_str());

  std::vector<std::string> arguments = argv;
  std::vector<std::string> environment = environment_of(options);
  const int error = ::posix_spawnp(&process.pid_, argv[0].c_str(), &actions, nullptr,
                                   pointers(arguments).data(), pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  ::close(in_fd);
  if (error != 0) {
    process.pid_ = -1;
    fail("cannot start " + argv[0], error);
  }
  process.pid_fd_ = static_cast<int>(::syscall(SYS_pidfd_open, process.pid_, 0));
  if (process.pid_fd_ < 0) fail("pidfd_open", errno);
  return process;
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pid_fd_(std::exchange(other.pid_fd_, -1)),
      out_fd_(std::exchange(other.out_fd_, -1)),
      err_fd_(std::exchange(other.err_fd_, -1)),
      deadline_(other.deadline_),
      name_(std::move(other.name_)) {}

Process::~Process() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
  }
  for (const int fd : {pid_fd_, out_fd_, err_fd_}) {
    if (fd >= 0) ::close(fd);
  }
}

void Process::kill(int signal) {
  if (pid_ > 0) ::kill(pid_, signal);
}

bool Process::ended_within(Duration duration) {
  pollfd ended{pid_fd_, POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&ended, 1, static_cast<int>(std::min<std::int64_t>(duration.ms, INT32_MAX)));
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

Outcome Process::wait() {
  if (!ended_within(deadline_)) {
    kill(SIGKILL);
    throw std::runtime_error(name_ + " did not end within " + to_string(deadline_) +
                             "; it wrote: " + err_so_far());
  }
  int status = 0;
  rusage usage{};
  while (::wait4(pid_, &status, 0, &usage) < 0) {
    if (errno != EINTR) fail("wait4", errno);
  }
  pid_ = -1;
  Outcome outcome;
  outcome.peak_memory = std::int64_t{usage.ru_maxrss} * 1024;
  outcome.out = out_so_far();
  outcome.err = err_so_far();
  if (WIFEXITED(status)) outcome.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) outcome.signal = WTERMSIG(status);
  return outcome;
}

std::string Process::out_so_far() const {
  return read_all(out_fd_);
}
std::string Process::err_so_far() const {
  return read_all(err_fd_);
}

std::string program_path() {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "changevault").string();
}

Outcome run(const std::vector<std::string>& argv, const ProcessOptions& options) {
  return Process::start(argv, options).wait();
}

}  // namespace changevault::testing
