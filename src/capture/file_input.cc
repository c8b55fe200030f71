#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/byte_input.h"

namespace changevault {
namespace {

// How long a wait for a pipe goes on before `stop` is looked at again.
constexpr int kStopLookMs = 100;

class FileInput final : public ByteInput {
 public:
  FileInput(int descriptor, bool owned, bool waits, std::string path, std::stop_token stop)
      : descriptor_(descriptor),
        owned_(owned),
        waits_(waits),
        path_(std::move(path)),
        stop_(std::move(stop)) {}
  ~FileInput() override {
    if (owned_) ::close(descriptor_);
  }
  FileInput(const FileInput&) = delete;
  FileInput& operator=(const FileInput&) = delete;

  Result<std::size_t> read(std::span<char> into) override {
    while (true) {
      if (stop_.stop_requested()) return Error(ErrorCode::kCancelled, "stopped while reading", path_);
      if (waits_ && !readable(kStopLookMs)) continue;
      const ssize_t got = ::read(descriptor_, into.data(), into.size());
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR && errno != EAGAIN)
        return system_error(ErrorCode::kUnreachable, "cannot read", path_, errno);
    }
  }

  bool would_wait() const override { return waits_ && !readable(0); }

 private:
  // Also true at the end of the input and for errors: `read` then says so.
  bool readable(int wait_ms) const {
    pollfd wanted{descriptor_, POLLIN, 0};
    return ::poll(&wanted, 1, wait_ms) > 0;
  }

  int descriptor_;
  bool owned_;
  bool waits_;
  std::string path_;
  std::stop_token stop_;
};

}  // namespace

Result<std::unique_ptr<ByteInput>> open_file_input(const std::string& path, std::stop_token stop) {
  const bool standard = path == "-";
  const std::string name = standard ? "standard input" : path;
  // Without O_NONBLOCK, opening a named pipe would wait for its writer and could not be stopped.
  const int descriptor = standard ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return Error(ErrorCode::kNotFound, "there is no such file", path,
                   "check the name; `-` reads standard input");
    }
    return system_error(ErrorCode::kUnreachable, "cannot open", path, errno);
  }
  struct stat facts{};
  if (::fstat(descriptor, &facts) != 0) {
    const int failed = errno;
    if (!standard) ::close(descriptor);
    return system_error(ErrorCode::kUnreachable, "cannot look at", name, failed);
  }
  auto input =
      std::make_unique<FileInput>(descriptor, !standard, !S_ISREG(facts.st_mode), name, std::move(stop));
  if (S_ISDIR(facts.st_mode)) {
    return Error(ErrorCode::kUsage, "this is a folder, not a file", name,
                 "name the files in it, for example with `*.jsonl`");
  }
  return std::unique_ptr<ByteInput>(std::move(input));
}

}  // namespace changevault
