#include "store/store_with_files.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/object_key.h"

namespace changevault {
namespace {

constexpr std::string_view kLocal = "file://";

Error read_only(const std::string& key) {
  return Error(ErrorCode::kUsage, "a local file is only read", key);
}

// An open plain file.
class OpenFile {
 public:
  static Result<OpenFile> of(const std::string& path) {
    OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.descriptor_ < 0) {
      const ErrorCode code = errno == ENOENT || errno == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kUsage;
      return system_error(code, "cannot open the file", path, errno);
    }
    if (::fstat(file.descriptor_, &file.facts_) != 0)
      return system_error(ErrorCode::kUnreachable, "cannot look at the file", path, errno);
    if (!S_ISREG(file.facts_.st_mode))
      return Error(ErrorCode::kUsage, "this is no plain file", path, "name a file, not a folder or a pipe");
    return file;
  }
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OpenFile(OpenFile&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), facts_(other.facts_) {}
  OpenFile& operator=(OpenFile&&) = delete;

  ObjectInfo info(const std::string& key) const {
    const auto modified = std::int64_t{facts_.st_mtim.tv_sec} * 1000 + facts_.st_mtim.tv_nsec / 1'000'000;
    ObjectInfo out{.key = key, .bytes = facts_.st_size, .modified = {modified}, .etag = {}};
    out.etag = std::to_string(facts_.st_ino) + "-" + std::to_string(facts_.st_size) + "-" +
               std::to_string(facts_.st_mtim.tv_sec) + "." + std::to_string(facts_.st_mtim.tv_nsec);
    return out;
  }

  Result<std::string> read(ByteRange range, const std::string& path) const {
    std::string bytes(static_cast<std::size_t>(range.length), '\0');
    std::size_t got = 0;
    while (got < bytes.size()) {
      const ssize_t n = ::pread(descriptor_, bytes.data() + got, bytes.size() - got,
                                range.offset + static_cast<std::int64_t>(got));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return system_error(ErrorCode::kUnreachable, "cannot read the file", path, errno);
      if (n == 0) break;  // somebody made it shorter
      got += static_cast<std::size_t>(n);
    }
    bytes.resize(got);
    return bytes;
  }

 private:
  explicit OpenFile(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
  struct stat facts_{};
};

}  // namespace

std::string local_file_key(const std::filesystem::path& path) {
  std::error_code failed;
  const std::filesystem::path absolute = std::filesystem::absolute(path, failed);
  return std::string(kLocal) + (failed ? path : absolute).lexically_normal().string();
}

std::optional<std::string> local_path_of(const std::string& key) {
  if (!key.starts_with("file:///")) return std::nullopt;
  return key.substr(kLocal.size());
}

Result<PutOutcome> StoreWithFiles::put_if_absent(const std::string& key, std::string_view bytes,
                                                 const PutOptions& options) {
  if (local_path_of(key)) return read_only(key);
  return inner_.put_if_absent(key, bytes, options);
}

Result<std::string> StoreWithFiles::get(const std::string& key, std::optional<ByteRange> range,
                                        const std::string& etag) {
  const auto path = local_path_of(key);
  if (!path) return inner_.get(key, range, etag);
  CV_ASSIGN(const OpenFile file, OpenFile::of(*path));
  const ObjectInfo info = file.info(key);
  if (!etag.empty() && etag != info.etag) return other_version(key);
  const ByteRange wanted = range.value_or(ByteRange{0, info.bytes});
  CV_TRY(check_range(wanted, key));
  return file.read(cut_range(wanted, info.bytes), *path);
}

Result<ObjectInfo> StoreWithFiles::head(const std::string& key) {
  const auto path = local_path_of(key);
  if (!path) return inner_.head(key);
  CV_ASSIGN(const OpenFile file, OpenFile::of(*path));
  return file.info(key);
}

Result<ListPage> StoreWithFiles::list(const std::string& prefix, std::optional<char> delimiter,
                                      const std::string& continuation, std::size_t page_size) {
  if (local_path_of(prefix)) return Error(ErrorCode::kUsage, "local files are not listed", prefix);
  return inner_.list(prefix, delimiter, continuation, page_size);
}

Result<void> StoreWithFiles::remove(const std::string& key) {
  if (local_path_of(key)) return read_only(key);
  return inner_.remove(key);
}

}  // namespace changevault
