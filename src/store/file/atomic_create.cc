// The problem: a name must stand for all of its bytes or not exist, whenever the process dies. Opening the
// final name with O_EXCL and writing into it leaves an empty or half file under a name that may never be
// written again. So the bytes are complete and on the disk before they get the name, and link() gives it,
// which never replaces what is there.
#include "store/file/atomic_create.h"

#include <cerrno>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "store/file/descriptor.h"
#include "store/object_key.h"

namespace changevault::file {
namespace {

// Read-only would be truer to objects that never change, but then their owner could not repair a mode by
// hand.
constexpr unsigned kMode = 0666;

Error write_error(const std::string& object, int error) {
  return system_error(ErrorCode::kUnreachable, "cannot write the object", object, error);
}

Result<void> fill(int fd, std::string_view bytes, const std::string& object) {
  if (const int error = write_all(fd, bytes)) return write_error(object, error);
  if (const int error = sync_file(fd)) return write_error(object, error);
  return {};
}

// What link() returned, as an outcome.
Result<PutOutcome> outcome_of_link(int error, const std::string& object) {
  if (error == 0) return PutOutcome::kCreated;
  if (error == EEXIST) return PutOutcome::kExists;
  Error failed = write_error(object, error);
  if (error == EPERM || error == EOPNOTSUPP) {
    failed.hint = "the store needs a file system with hard links; choose another place in the configuration";
  }
  return failed;
}

// nullopt: unnamed files do not work here.
std::optional<Result<PutOutcome>> create_unnamed(int folder, const std::string& name, std::string_view bytes,
                                                 const std::string& object) {
  const Descriptor file = open_at(folder, ".", O_TMPFILE | O_WRONLY, kMode);
  if (!file.valid()) {
    // EISDIR: a kernel that does not know the flag. ENOENT: the same from some file systems.
    if (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT || errno == EINVAL) return std::nullopt;
    return write_error(object, errno);
  }
  if (auto filled = fill(file.get(), bytes, object); !filled.has_value()) return std::move(filled).error();
  const std::string source = "/proc/self/fd/" + std::to_string(file.get());
  const int linked =
      ::linkat(AT_FDCWD, source.c_str(), folder, name.c_str(), AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
  // No /proc in this sandbox, or a file system that gives unnamed files no names.
  if (linked == ENOENT || linked == EXDEV || linked == EOPNOTSUPP) return std::nullopt;
  return outcome_of_link(linked, object);
}

Result<PutOutcome> create_named(int folder, const std::string& name, std::string_view bytes,
                                const std::string& object) {
  const std::string temporary = std::string(kTemporaryPrefix) + system_random().nonce();
  const Descriptor file = open_at(folder, temporary.c_str(), O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, kMode);
  if (!file.valid()) return write_error(object, errno);
  const auto filled = fill(file.get(), bytes, object);
  const int linked = !filled.has_value()                                                 ? 0
                     : ::linkat(folder, temporary.c_str(), folder, name.c_str(), 0) == 0 ? 0
                                                                                         : errno;
  // A temporary name that stays is garbage that nobody lists, not a failure of this put.
  (void)::unlinkat(folder, temporary.c_str(), 0);
  CV_TRY(filled);
  return outcome_of_link(linked, object);
}

}  // namespace

Result<PutOutcome> create_file(int folder, const std::string& name, std::string_view bytes,
                               const std::string& object, CreateMethod method) {
  if (method == CreateMethod::kUnnamed) {
    if (auto outcome = create_unnamed(folder, name, bytes, object)) return *std::move(outcome);
  }
  return create_named(folder, name, bytes, object);
}

}  // namespace changevault::file
