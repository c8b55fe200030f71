#include "store/file/file_store.h"

#include <cerrno>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/file/atomic_create.h"
#include "store/file/tree_lister.h"
#include "store/object_key.h"

namespace changevault {
namespace {

using file::Descriptor;
using file::FolderTree;
using Parts = std::span<const std::string_view>;

Parts folder_of(const std::vector<std::string_view>& parts) {
  return Parts(parts).first(parts.size() - 1);
}

Error not_found(const std::string& key) {
  return Error(ErrorCode::kNotFound, "no such object", key);
}

// A missing folder on the way to an object means that the object is not there.
Error as_missing_object(Error error, const std::string& key) {
  return error.code == ErrorCode::kNotFound ? not_found(key) : std::move(error);
}

// Makes the folder and those above it; each new name is durable before the next is made.
Result<void> make_directories(const std::filesystem::path& directory) {
  std::error_code ignored;
  if (directory.empty() || std::filesystem::is_directory(directory, ignored)) return {};
  CV_TRY(make_directories(directory.parent_path()));
  if (::mkdir(directory.c_str(), 0777) != 0 && errno != EEXIST) {
    return system_error(ErrorCode::kUnreachable, "cannot make the store's folder", directory, errno);
  }
  const Descriptor parent = file::open_at(AT_FDCWD, directory.parent_path().c_str(), O_RDONLY | O_DIRECTORY);
  const int error = parent.valid() ? file::sync_folder(parent.get()) : errno;
  if (error != 0)
    return system_error(ErrorCode::kUnreachable, "cannot sync the folder above", directory, error);
  return {};
}

}  // namespace

struct FileStore::OpenObject {
  Descriptor file;
  struct stat status{};
};

Result<std::unique_ptr<ObjectStore>> FileStore::open(const std::string& directory, bool create) {
  if (directory.empty()) return Error(ErrorCode::kUsage, "the store's folder has no name", "file:");
  std::error_code failed;
  std::filesystem::path path = std::filesystem::absolute(directory, failed).lexically_normal();
  if (failed)
    return system_error(ErrorCode::kUnreachable, "cannot find the store's folder", directory, failed.value());
  if (!path.has_filename() && path.has_relative_path()) path = path.parent_path();  // "archive/" is "archive"
  if (create) CV_TRY(make_directories(path));
  Descriptor root = file::open_at(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY);
  if (!root.valid()) {
    Error error = system_error(ErrorCode::kUnreachable, "cannot open the store's folder", path, errno);
    if (errno == ENOENT)
      error.hint = "check store.url and what is mounted there; `changevault init` makes a new store";
    if (errno == ENOTDIR) error.hint = "something that is no folder has this name; check store.url";
    return error;
  }
  return std::unique_ptr<ObjectStore>(new FileStore(std::move(root), path.string()));
}

Result<PutOutcome> FileStore::put_if_absent(const std::string& key, std::string_view bytes,
                                            const PutOptions&) {
  CV_ASSIGN(const std::vector<std::string_view> parts, split_key(key));
  CV_ASSIGN(const Descriptor folder, tree_.make(folder_of(parts)));
  CV_ASSIGN(const PutOutcome outcome, file::create_file(folder.get(), std::string(parts.back()), bytes, key));
  // Also when it exists: its writer may have died before this line, and the caller will rely on it from now
  // on.
  if (const int error = file::sync_folder(folder.get())) {
    return system_error(ErrorCode::kUnreachable, "cannot sync the object's folder", key, error);
  }
  return outcome;
}

Result<FileStore::OpenObject> FileStore::open_object(const std::string& key) const {
  CV_ASSIGN(const std::vector<std::string_view> parts, split_key(key));
  auto folder = tree_.open(folder_of(parts), FolderTree::Purpose::kPass);
  if (!folder.has_value()) return as_missing_object(std::move(folder).error(), key);
  OpenObject object;
  // Without O_NONBLOCK somebody's named pipe would hold us for ever.
  object.file =
      file::open_at(folder->get(), std::string(parts.back()).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!object.file.valid()) {
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR || error == ENXIO) return not_found(key);  // ENXIO: a socket
    if (error == ELOOP) return file::link_refused(key);
    return system_error(ErrorCode::kUnreachable, "cannot open the object", key, error);
  }
  if (::fstat(object.file.get(), &object.status) != 0) {
    return system_error(ErrorCode::kUnreachable, "cannot read the object's size", key, errno);
  }
  if (!S_ISREG(object.status.st_mode)) return not_found(key);
  return object;
}

Result<std::string> FileStore::get(const std::string& key, std::optional<ByteRange> range,
                                   const std::string& etag) {
  if (range) CV_TRY(check_range(*range, key));
  CV_ASSIGN(const OpenObject object, open_object(key));
  if (!etag.empty() && file::object_info(key, object.status).etag != etag) return other_version(key);
  const std::int64_t size = object.status.st_size;
  const ByteRange cut = cut_range(range.value_or(ByteRange{0, size}), size);
  std::string bytes;
  const int error = file::read_at(object.file.get(), cut.offset, static_cast<std::size_t>(cut.length), bytes);
  if (error != 0) return system_error(ErrorCode::kUnreachable, "cannot read the object", key, error);
  return bytes;
}

Result<ObjectInfo> FileStore::head(const std::string& key) {
  CV_ASSIGN(const OpenObject object, open_object(key));
  return file::object_info(key, object.status);
}

Result<ListPage> FileStore::list(const std::string& prefix, std::optional<char> delimiter,
                                 const std::string& continuation, std::size_t page_size) {
  CV_TRY(check_list_arguments(delimiter, page_size, prefix));
  return file::list_tree(tree_, {prefix, delimiter.has_value(), continuation, page_size});
}

Result<void> FileStore::remove(const std::string& key) {
  CV_ASSIGN(const std::vector<std::string_view> parts, split_key(key));
  auto folder = tree_.open(folder_of(parts), FolderTree::Purpose::kRead);
  if (!folder.has_value()) {
    if (folder.error().code == ErrorCode::kNotFound) return {};
    return std::move(folder).error();
  }
  // EISDIR: a folder of that name, so no object.
  if (::unlinkat(folder->get(), std::string(parts.back()).c_str(), 0) != 0 && errno != ENOENT &&
      errno != EISDIR) {
    return system_error(ErrorCode::kUnreachable, "cannot remove the object", key, errno);
  }
  if (const int error = file::sync_folder(folder->get())) {
    return system_error(ErrorCode::kUnreachable, "cannot sync the object's folder", key, error);
  }
  return {};
}

}  // namespace changevault
