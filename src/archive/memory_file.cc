#include "archive/memory_file.h"

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <unistd.h>

#include "base/hash.h"
#include "codec/json.h"
#include "codec/json_fields.h"

namespace changevault {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Result<void> write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(ErrorCode::kUsage, "the memory cannot be written", path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::fsync(fd) != 0) return system_error(ErrorCode::kUsage, "the memory cannot be written", path, errno);
  return {};
}

}  // namespace

Error memory_damaged(const std::string& what, const std::string& object) {
  return Error(ErrorCode::kCorrupt, "the memory of what was read is damaged: " + what, object,
               "delete the file; the next time everything is read again");
}

Result<std::string> read_memory_head(MemoryLines& lines, const std::string& kind, std::int64_t newest,
                                     const std::string& object) {
  const Json head = Json::parse(lines.next().value_or(""), nullptr, false);
  JsonFields fields(head, object);
  const std::int64_t version = fields.count("version");
  const std::string found = fields.text("kind");
  std::string archive = fields.text("archive");
  if (!fields.finish() || found != kind) return memory_damaged("it is no such file", object);
  if (version > newest) {
    return Error(ErrorCode::kUsage, "the memory was written by a newer version of the program", object,
                 "use that version, or delete the file");
  }
  return archive;
}

std::string with_checksum(std::string text) {
  const std::string sha256 = sha256_hex(text);
  return std::move(text) + Json{{"self", sha256}}.dump() + "\n";
}

Result<MemoryLines> MemoryLines::open(std::string_view text, const std::string& object) {
  const std::size_t last = text.rfind('\n', text.size() < 2 ? std::string_view::npos : text.size() - 2);
  if (text.empty() || text.back() != '\n' || last == std::string_view::npos)
    return memory_damaged("it ends too early", object);
  const std::string_view body = text.substr(0, last + 1);
  const Json end = Json::parse(text.substr(last + 1), nullptr, false);
  JsonFields end_fields(end, object);
  const std::string sha = end_fields.sha256("self");
  if (!end_fields.finish() || sha != sha256_hex(body)) return memory_damaged("its checksum is wrong", object);
  return MemoryLines(body);
}

std::optional<std::string_view> MemoryLines::next() {
  const std::size_t end = rest_.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = rest_.substr(0, end);
  rest_.remove_prefix(end + 1);
  return line;
}

Result<std::optional<std::string>> read_memory_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<std::string>();
    return system_error(ErrorCode::kUsage, "the memory of what was read cannot be read", file.string(),
                        errno);
  }
  return std::optional(std::string{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()});
}

Result<void> write_memory_file(const std::string& text, const std::filesystem::path& file) {
  std::error_code failed;
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path(), failed);
  std::string temporary = file.string() + ".tmp-XXXXXX";
  const Descriptor descriptor(::mkostemp(temporary.data(), O_CLOEXEC));
  if (descriptor.get() < 0)
    return system_error(ErrorCode::kUsage, "the memory cannot be written", file.string(), errno);
  Result<void> done = write_all(descriptor.get(), text, file.string());
  if (done && ::rename(temporary.c_str(), file.c_str()) != 0)
    done = system_error(ErrorCode::kUsage, "the memory cannot be written", file.string(), errno);
  if (!done) ::unlink(temporary.c_str());
  return done;
}

}  // namespace changevault
