#include "bench/suite/measure.h"

#include <chrono>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace changevault::bench {
namespace {

namespace fs = std::filesystem;

double seconds_of(const timeval& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
}

[[noreturn]] void become(const std::vector<std::string>& argv, const fs::path& folder, const fs::path& out,
                         const fs::path& err) {
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const int out_fd = ::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  const int err_fd = ::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (::chdir(folder.c_str()) == 0 && ::dup2(out_fd, STDOUT_FILENO) >= 0 &&
      ::dup2(err_fd, STDERR_FILENO) >= 0) {
    ::execvp(words[0], words.data());
  }
  ::_exit(127);
}

}  // namespace

Finished run(const std::vector<std::string>& argv, const fs::path& folder) {
  const fs::path out = folder / "out";
  const auto begin = std::chrono::steady_clock::now();
  const pid_t child = ::fork();
  if (child < 0) throw Failed("no process could be started");
  if (child == 0) become(argv, folder, out, folder / "err");
  int status = 0;
  struct rusage usage{};
  if (::wait4(child, &status, 0, &usage) != child || !WIFEXITED(status)) {
    throw Failed(fmt::format("{} was ended by a signal", argv.front()));
  }
  const std::chrono::duration<double> lasted = std::chrono::steady_clock::now() - begin;
  Sample sample{lasted.count(), seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime),
                std::int64_t{usage.ru_maxrss} * 1024, 0};
  return {WEXITSTATUS(status), sample, out};
}

Finished run_to(int exit_code, const std::vector<std::string>& argv, const fs::path& folder) {
  Finished finished = run(argv, folder);
  if (finished.exit_code == exit_code) return finished;
  std::string line;
  for (const std::string& word : argv) line += (line.empty() ? "" : " ") + word.substr(0, 200);
  throw Failed(fmt::format("{}\nended with exit code {}, expected {}\n{}", line, finished.exit_code,
                           exit_code, read_file(folder / "err").substr(0, 2000)));
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Failed("cannot read " + path.string());
  std::string bytes(fs::file_size(path), '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!in) throw Failed("cannot read " + path.string());
  return bytes;
}

void write_file(const fs::path& path, const std::string& bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary);
  out << bytes;
  if (!out.flush()) throw Failed("cannot write " + path.string());
}

void expect(const std::string& what, std::int64_t found, std::int64_t wanted) {
  if (found != wanted) throw Failed(fmt::format("{}: {}, expected {}", what, found, wanted));
}

}  // namespace changevault::bench
