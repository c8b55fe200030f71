#include "hub/sqlite/member_lock.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace changevault {
namespace {

struct flock byte_of(MemberId member) {
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = member.value;
  lock.l_len = 1;
  return lock;
}

}  // namespace

MemberLock::MemberLock(const std::string& hub_path, bool make) {
  const std::string path = hub_path + "-members";
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CLOEXEC | (make ? O_CREAT : 0), 0644);
  struct stat status{};
  if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0) return;
  struct flock probe = byte_of(MemberId(0));
  if (::fcntl(descriptor_, F_OFD_GETLK, &probe) != 0) return;  // a file system without locks
  file_ = {static_cast<std::int64_t>(status.st_dev), static_cast<std::int64_t>(status.st_ino)};
}

MemberLock::~MemberLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool MemberLock::take(MemberId member) {
  if (file_ == File{}) return true;
  struct flock lock = byte_of(member);
  if (::fcntl(descriptor_, F_OFD_SETLK, &lock) == 0) return true;
  if (errno == EAGAIN || errno == EACCES) return false;
  file_ = {};
  return true;
}

MemberLock::State MemberLock::look(File file, MemberId member) const {
  if (file == File{} || file != file_) return State::kUnknown;
  struct flock lock = byte_of(member);
  if (::fcntl(descriptor_, F_OFD_GETLK, &lock) != 0) return State::kUnknown;
  return lock.l_type == F_UNLCK ? State::kDead : State::kAlive;
}

}  // namespace changevault
