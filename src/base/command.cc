#include "base/command.h"

#include <array>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

namespace changevault {
namespace {

constexpr std::size_t kMostOutput = std::size_t{1} << 20;

class Pipe {
 public:
  Pipe() { opened_ = ::pipe2(ends_.data(), O_CLOEXEC) == 0; }
  ~Pipe() {
    close(0);
    close(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  bool opened() const { return opened_; }
  int end(std::size_t which) const { return ends_[which]; }
  void close(std::size_t which) {
    if (ends_[which] >= 0) ::close(ends_[which]);
    ends_[which] = -1;
  }

 private:
  std::array<int, 2> ends_{-1, -1};
  bool opened_ = false;
};

int spawn(const std::vector<std::string>& argv, const Pipe& out, const Pipe& err, pid_t& child) {
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&files, out.end(1), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&files, err.end(1), STDERR_FILENO);
  // Signals that this program blocks for a thread of its own reach the child as everywhere else.
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  const int failed = ::posix_spawnp(&child, words[0], &files, &attributes, words.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&files);
  return failed;
}

// Reads both ends until they are closed. False where the deadline came or too much was written.
bool drain(Pipe& out, Pipe& err, std::string& out_text, std::string& err_text, Duration until) {
  std::array<pollfd, 2> ends{pollfd{out.end(0), POLLIN, 0}, pollfd{err.end(0), POLLIN, 0}};
  std::array<std::string*, 2> texts{&out_text, &err_text};
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    const std::int64_t left = until.ms - system_clock().steady().ms;
    if (left <= 0) return false;
    if (::poll(ends.data(), ends.size(), static_cast<int>(left)) < 0 && errno != EINTR) return false;
    for (std::size_t i = 0; i < ends.size(); ++i) {
      if (ends[i].fd < 0 || ends[i].revents == 0) continue;
      std::array<char, 4096> buffer;
      const ssize_t got = ::read(ends[i].fd, buffer.data(), buffer.size());
      if (got > 0) texts[i]->append(buffer.data(), static_cast<std::size_t>(got));
      if (got == 0 || (got < 0 && errno != EINTR)) ends[i].fd = -1;
      if (texts[i]->size() > kMostOutput) return false;
    }
  }
  return true;
}

std::string last_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  const std::size_t line = text.rfind('\n');
  return line == std::string::npos ? text : text.substr(line + 1);
}

}  // namespace

Result<std::string> run_command(const std::vector<std::string>& argv, Duration deadline) {
  Pipe out;
  Pipe err;
  if (!out.opened() || !err.opened())
    return system_error(ErrorCode::kUnreachable, "cannot run", argv[0], errno);
  pid_t child = -1;
  if (const int failed = spawn(argv, out, err, child); failed != 0) {
    return system_error(failed == ENOENT ? ErrorCode::kNotFound : ErrorCode::kUnreachable, "cannot run",
                        argv[0], failed);
  }
  out.close(1);
  err.close(1);
  std::string text;
  std::string words;
  const bool ended = drain(out, err, text, words, system_clock().steady() + deadline);
  if (!ended) ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!ended)
    return Error(ErrorCode::kUnreachable, "gave no answer within " + to_string(deadline), argv[0], {}, true);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return text;
  const std::string said = last_line(std::move(words));
  return Error(ErrorCode::kUnreachable, said.empty() ? "failed without a word" : said, argv[0]);
}

}  // namespace changevault
