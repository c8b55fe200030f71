#include "service/target_folder.h"

#include <cerrno>
#include <cstdio>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace changevault {
namespace {

constexpr mode_t kFolderMode = 0777;
constexpr mode_t kFileMode = 0666;
constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

Error disk_error(const std::string& what, const std::string& path, int error) {
  return system_error(ErrorCode::kUnreachable, what, path, error);
}

// Names come from a store that others may write to.
Result<std::vector<std::string>> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  std::string_view rest = path;
  while (true) {
    const std::size_t end = rest.find('/');
    const std::string part(rest.substr(0, end));
    if (part.empty() || part == "." || part == ".." || part.find('\0') != std::string::npos)
      return Error(ErrorCode::kUsage, "this name cannot be a file here", path);
    parts.push_back(part);
    if (end == std::string_view::npos) return parts;
    rest.remove_prefix(end + 1);
  }
}

bool is_no_folder(int error) {
  return error == ELOOP || error == ENOTDIR;
}

// Gives an unnamed file a name; never replaces. 0 or an errno.
int link_open_file(int file, int folder, const std::string& name) {
  const std::string source = "/proc/self/fd/" + std::to_string(file);
  return ::linkat(AT_FDCWD, source.c_str(), folder, name.c_str(), AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
}

// Tried out, for some file systems have unnamed files and cannot name them, and some sandboxes have no /proc.
bool has_unnamed_files(int folder) {
  const LocalFile probe(::openat(folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, kFileMode));
  if (!probe.valid()) return false;
  const std::string name = ".changevault-tmp-probe-" + std::to_string(::getpid());
  const int linked = link_open_file(probe.get(), folder, name);
  if (linked == 0) (void)::unlinkat(folder, name.c_str(), 0);
  return linked == 0;
}

// Never replaces; a kill leaves the old name or the new one.
int rename_new(int folder, const char* from, const char* to) {
  if (::renameat2(folder, from, folder, to, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  if (::linkat(folder, from, folder, to, 0) != 0) return errno;  // a file system that knows no such rename
  return ::unlinkat(folder, from, 0) == 0 ? 0 : errno;
}

}  // namespace

LocalFile::~LocalFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<std::size_t> LocalSource::read(std::span<char> into) {
  while (true) {
    const ssize_t got = ::pread(file_.get(), into.data(), into.size(), offset_);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return disk_error("cannot read the file", name_, errno);
    offset_ += got;
    return static_cast<std::size_t>(got);
  }
}

NewFile::NewFile(Place place, LocalFile file, std::string temporary, bool named)
    : place_(std::move(place)), file_(std::move(file)), temporary_(std::move(temporary)), named_(named) {}

NewFile::~NewFile() {
  // What cannot be removed is a file of a name that nothing else uses.
  if (place_.folder.valid() && named_) (void)::unlinkat(place_.folder.get(), temporary_.c_str(), 0);
}

Result<void> NewFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return disk_error("cannot write the file", place_.path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> NewFile::sync() {
  if (::fsync(file_.get()) != 0) return disk_error("cannot write the file to the disk", place_.path, errno);
  return {};
}

Result<void> NewFile::place(bool replace) {
  const int folder = place_.folder.get();
  int error = 0;
  if (!named_ && replace) {  // only a named file can take another's place
    error = link_open_file(file_.get(), folder, temporary_);
    named_ = error == 0;
  }
  if (error == 0) {
    if (!named_) {
      error = link_open_file(file_.get(), folder, place_.name);
    } else if (replace) {
      error = ::renameat(folder, temporary_.c_str(), folder, place_.name.c_str()) == 0 ? 0 : errno;
    } else {
      error = rename_new(folder, temporary_.c_str(), place_.name.c_str());
    }
  }
  if (error == EEXIST) return Error(ErrorCode::kAlreadyExists, "something stands there already", place_.path);
  if (error != 0) return disk_error("cannot give the file its name", place_.path, error);
  named_ = false;
  if (::fsync(folder) != 0 && errno != EINVAL)
    return disk_error("cannot write the folder to the disk", place_.path, errno);
  return {};
}

Result<TargetFolder> TargetFolder::open(const std::filesystem::path& folder) {
  TargetFolder target;
  target.place_ = folder.empty() ? "." : folder;
  std::error_code ignored;
  std::filesystem::create_directories(target.place_, ignored);  // the open below says what is wrong
  target.folder_ = LocalFile(::open(target.place_.c_str(), kFolderFlags));
  if (target.folder_.valid()) {
    target.unnamed_files_ = has_unnamed_files(target.folder_.get());
    return target;
  }
  const int error = errno;
  if (error == ENOTDIR)
    return Error(ErrorCode::kUsage, "this is no folder", target.place_.string(),
                 "choose another one, or remove the file");
  return disk_error("cannot open the folder", target.place_.string(), error);
}

Result<TargetFolder::Found> TargetFolder::walk(const std::string& path, bool make) const {
  CV_ASSIGN(const std::vector<std::string> parts, parts_of(path));
  LocalFile folder(::openat(folder_.get(), ".", kFolderFlags));
  if (!folder.valid()) return disk_error("cannot open the folder", place_.string(), errno);
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    const auto open_part = [&] {
      return ::openat(folder.get(), parts[i].c_str(), kFolderFlags | O_NOFOLLOW);
    };
    LocalFile next(open_part());
    if (!next.valid() && errno == ENOENT) {
      if (!make) return Found{};
      if (::mkdirat(folder.get(), parts[i].c_str(), kFolderMode) != 0 && errno != EEXIST)
        return disk_error("cannot make the folder", describe(path), errno);
      (void)::fsync(
          folder.get());  // the file's own folder is what counts; this one only helps after a power cut
      next = LocalFile(open_part());
    }
    if (!next.valid() && is_no_folder(errno)) {
      return Error(ErrorCode::kUsage,
                   "\"" + parts[i] + "\" is a symbolic link or a file where a folder must be", describe(path),
                   "nothing is written outside of the folder: remove it, or choose another -d");
    }
    if (!next.valid()) return disk_error("cannot open the folder", describe(path), errno);
    folder = std::move(next);
  }
  return Found{std::move(folder), parts.back()};
}

Result<NewFile> TargetFolder::create(const std::string& path, const std::string& nonce) const {
  CV_ASSIGN(Found found, walk(path, true));
  const std::string temporary = ".changevault-tmp-" + nonce;
  NewFile::Place place{std::move(found.folder), std::move(found.name), describe(path)};
  const int folder = place.folder.get();
  if (unnamed_files_) {
    LocalFile unnamed(::openat(folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, kFileMode));
    if (unnamed.valid()) return NewFile(std::move(place), std::move(unnamed), temporary, false);
    // Else what is wrong the next call says too.
  }
  LocalFile file(
      ::openat(folder, temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kFileMode));
  if (!file.valid()) return disk_error("cannot write the file", place.path, errno);
  return NewFile(std::move(place), std::move(file), temporary, true);
}

Result<std::optional<LocalFile>> TargetFolder::existing(const std::string& path) const {
  CV_ASSIGN(const Found found, walk(path, false));
  if (!found.folder.valid()) return std::optional<LocalFile>();
  struct stat facts{};
  if (::fstatat(found.folder.get(), found.name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return std::optional<LocalFile>();
    return disk_error("cannot look at the file", describe(path), errno);
  }
  if (!S_ISREG(facts.st_mode)) {
    return Error(ErrorCode::kUsage, "what stands there is no plain file", describe(path),
                 "remove it, or choose another place; a symbolic link is never followed");
  }
  LocalFile file(::openat(found.folder.get(), found.name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file.valid()) return disk_error("cannot read the file", describe(path), errno);
  return std::optional<LocalFile>(std::move(file));
}

Result<void> must_lie_outside(const std::filesystem::path& folder, const std::filesystem::path& place) {
  std::error_code error;
  const std::filesystem::path here = std::filesystem::absolute(place.empty() ? "." : place, error);
  std::filesystem::path at = std::filesystem::weakly_canonical(here, error);
  if (error) at = here;  // what cannot be looked at, opening it will say
  while (true) {
    // By what they are, not by their names: a bind mount has two.
    if (std::filesystem::equivalent(at, folder, error) && !error)
      return Error(ErrorCode::kUsage, "the archive itself lives in this folder", place.string(),
                   "choose another one: nobody but the archiver may write below " + folder.string());
    if (at == at.parent_path()) return {};
    at = at.parent_path();
  }
}

Result<void> must_lie_outside_store(const std::string& store_url, const std::filesystem::path& place) {
  constexpr std::string_view kFile = "file:";
  if (!store_url.starts_with(kFile)) return {};
  return must_lie_outside(store_url.substr(kFile.size()), place);
}

}  // namespace changevault
