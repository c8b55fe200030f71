#include "hub/sqlite/file_holder.h"

#include <fstream>
#include <sstream>

#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace changevault {
namespace {

// The byte of the -shm file that a writer locks (SQLite's WAL-index format).
constexpr std::string_view kWriterByte = "120";

std::string command_of(const std::string& pid) {
  std::ifstream in("/proc/" + pid + "/comm");
  std::string command;
  std::getline(in, command);
  return command;
}

}  // namespace

std::string holder_of(const std::string& hub_path) {
  struct stat status{};
  if (::stat((hub_path + "-shm").c_str(), &status) != 0) return "another process";
  const std::string file =
      fmt::format("{:02x}:{:02x}:{}", major(status.st_dev), minor(status.st_dev), status.st_ino);
  // "7: POSIX  ADVISORY  WRITE 1234 08:01:5678 120 120"
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    std::istringstream words(line);
    std::string number, kind, strictness, access, pid, inode, first, last;
    words >> number >> kind >> strictness >> access >> pid >> inode >> first >> last;
    if (kind != "POSIX" || access != "WRITE" || inode != file || first > kWriterByte || last < kWriterByte)
      continue;
    const std::string command = command_of(pid);
    if (command.empty()) continue;
    return std::string("process ").append(pid).append(" (").append(command).append(")");
  }
  return "another process";
}

}  // namespace changevault
