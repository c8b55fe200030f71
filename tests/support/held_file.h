// A file held as DuckDB holds its own while a process works on it.
#pragma once

#include <filesystem>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace changevault::testing {

// Until it goes, nobody else may open the file for writing. The file exists.
class HeldFile {
 public:
  explicit HeldFile(const std::filesystem::path& path) : file_(::open(path.c_str(), O_RDWR | O_CLOEXEC)) {
    struct flock whole{};
    whole.l_type = F_WRLCK;
    EXPECT_EQ(::fcntl(file_, F_SETLK, &whole), 0) << path;
  }
  ~HeldFile() { ::close(file_); }
  HeldFile(const HeldFile&) = delete;
  HeldFile& operator=(const HeldFile&) = delete;

 private:
  int file_;
};

}  // namespace changevault::testing
