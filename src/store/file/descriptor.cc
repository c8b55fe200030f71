#include "store/file/descriptor.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

namespace changevault::file {

// An error of close says nothing here: what must last was synced before, and the descriptor is gone either
// way.
void Descriptor::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

int write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) return errno;
    if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

int read_at(int fd, std::int64_t offset, std::size_t length, std::string& into) {
  int error = 0;
  into.resize_and_overwrite(length, [&](char* data, std::size_t size) {
    std::size_t done = 0;
    while (done < size) {
      const ssize_t n =
          ::pread(fd, data + done, size - done, static_cast<off_t>(offset) + static_cast<off_t>(done));
      if (n == 0) break;
      if (n > 0) {
        done += static_cast<std::size_t>(n);
      } else if (errno != EINTR) {
        error = errno;
        break;
      }
    }
    return done;
  });
  return error;
}

int sync_file(int fd) {
  while (::fsync(fd) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

int sync_folder(int fd) {
  const int error = sync_file(fd);
  // Some network and user-space file systems cannot sync a folder and say so in this way; they write names
  // through.
  return error == EINVAL || error == ENOTSUP ? 0 : error;
}

Descriptor open_at(int folder, const char* name, int flags, unsigned mode) {
  for (;;) {
    const int fd = ::openat(folder, name, flags | O_CLOEXEC, mode);
    if (fd >= 0 || errno != EINTR) return Descriptor(fd);
  }
}

}  // namespace changevault::file
