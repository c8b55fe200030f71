// A file descriptor that is closed when it goes out of scope, and the system calls that need a loop around
// them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace changevault::file {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { close(); }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  // Gives the descriptor away.
  int release() { return std::exchange(fd_, -1); }

 private:
  void close();
  int fd_ = -1;
};

// These return 0 or an errno. Interrupted calls go on where they were.
int write_all(int fd, std::string_view bytes);
int read_at(int fd, std::int64_t offset, std::size_t length,
            std::string& into);  // fewer bytes only at the file's end
int sync_file(int fd);
// Makes new and removed names of a folder durable. 0 also where the file system has no such call for folders.
int sync_folder(int fd);
// openat with O_CLOEXEC; -1 becomes an invalid descriptor and errno is left as the call set it.
Descriptor open_at(int folder, const char* name, int flags, unsigned mode = 0);

}  // namespace changevault::file
