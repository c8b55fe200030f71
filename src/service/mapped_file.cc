#include "service/mapped_file.h"

#include <cerrno>
#include <utility>

#include <sys/mman.h>
#include <sys/stat.h>

namespace changevault {

Result<MappedFile> MappedFile::of(const LocalFile& file, const std::string& path) {
  struct stat facts{};
  if (::fstat(file.get(), &facts) != 0)
    return system_error(ErrorCode::kUnreachable, "cannot read", path, errno);
  MappedFile out;
  out.size_ = static_cast<std::size_t>(facts.st_size);
  if (out.size_ == 0) return out;
  out.at_ = ::mmap(nullptr, out.size_, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (out.at_ == MAP_FAILED) {
    out.at_ = nullptr;
    return system_error(ErrorCode::kUnreachable, "cannot read", path, errno);
  }
  return out;
}

MappedFile::~MappedFile() {
  if (at_ != nullptr) ::munmap(at_, size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : at_(std::exchange(other.at_, nullptr)), size_(other.size_) {}

std::string_view MappedFile::bytes() const {
  return at_ == nullptr ? std::string_view() : std::string_view(static_cast<const char*>(at_), size_);
}

}  // namespace changevault
