#include "store/file/folder_tree.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/mutex.h"

namespace changevault::file {
namespace {

constexpr int kFolderFlags = O_DIRECTORY | O_NOFOLLOW;
constexpr unsigned kMode = 0777;
constexpr std::size_t kRemembered = 10'000;

int flags_of(FolderTree::Purpose purpose) {
  return kFolderFlags | (purpose == FolderTree::Purpose::kPass ? O_PATH : O_RDONLY);
}

bool is_link(int folder, const char* name) {
  struct stat status{};
  return ::fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode);
}

}  // namespace

Error link_refused(const std::string& object) {
  return Error(
      ErrorCode::kUsage, "a symbolic link stands inside the store", object,
      "put the real folder or file there; a bind mount works, and the store's own folder may be a link");
}

Result<Descriptor> FolderTree::step(int folder, const std::string& part, const std::string& path,
                                    int flags) const {
  Descriptor next = open_at(folder, part.c_str(), flags);
  if (next.valid()) return next;
  const int error = errno;
  if (error == ELOOP || (error == ENOTDIR && is_link(folder, part.c_str()))) return link_refused(path);
  if (error == ENOENT || error == ENOTDIR) return Error(ErrorCode::kNotFound, "no such folder", path);
  return system_error(ErrorCode::kUnreachable, "cannot open the folder", path, error);
}

// In a root that was taken away nothing is found: that must not say that objects are not there.
Result<Descriptor> FolderTree::root(int flags) const {
  struct stat status{};
  if (::fstat(root_.get(), &status) != 0 || status.st_nlink == 0) {
    return Error(ErrorCode::kUnreachable, "the store's folder was removed while it was in use", path_,
                 "put it back, or check what is mounted there, and run the command again");
  }
  return step(root_.get(), ".", path_, flags);
}

Result<Descriptor> FolderTree::open(std::span<const std::string_view> parts, Purpose purpose) const {
  CV_ASSIGN(Descriptor folder, root(flags_of(parts.empty() ? purpose : Purpose::kPass)));
  std::string path;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string part(parts[i]);
    path += (i == 0 ? "" : "/") + part;
    const bool last = i + 1 == parts.size();
    CV_ASSIGN(folder, step(folder.get(), part, path, flags_of(last ? purpose : Purpose::kPass)));
  }
  return folder;
}

// A folder that is there may have been made by a process that died before it synced the name: its existence
// is no proof. So each name is synced once by every process that writes below it.
Result<Descriptor> FolderTree::make(std::span<const std::string_view> parts) {
  CV_ASSIGN(Descriptor folder, root(flags_of(Purpose::kRead)));
  std::string path;
  for (const std::string_view view : parts) {
    const std::string part(view);
    path += (path.empty() ? "" : "/") + part;
    const bool made = ::mkdirat(folder.get(), part.c_str(), kMode) == 0;
    if (!made && errno != EEXIST) {
      // EROFS and the like come before EEXIST on some file systems: a folder that is there needs no right to
      // make it.
      const int error = errno;
      struct stat status{};
      if (::fstatat(folder.get(), part.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return system_error(ErrorCode::kUnreachable, "cannot make the folder", path, error);
      }
    }
    auto next = step(folder.get(), part, path, flags_of(Purpose::kRead));
    if (!next.has_value()) {
      if (next.error().code != ErrorCode::kNotFound) return std::move(next).error();
      return Error(ErrorCode::kUsage, "an object stands where a folder is needed", path);
    }
    if (made || !is_durable(path)) {
      if (const int error = sync_folder(folder.get())) {
        return system_error(ErrorCode::kUnreachable, "cannot sync the folder above", path, error);
      }
      note_durable(path);
    }
    folder = std::move(next).value();
  }
  return folder;
}

bool FolderTree::is_durable(const std::string& path) {
  const MutexLock lock(mutex_);
  return durable_.contains(path);
}

void FolderTree::note_durable(const std::string& path) {
  const MutexLock lock(mutex_);
  if (durable_.size() >= kRemembered) durable_.clear();
  durable_.insert(path);
}

}  // namespace changevault::file
