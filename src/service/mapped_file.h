// A local file's bytes as memory, without reading them all at once.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "service/target_folder.h"

namespace changevault {

// Only for files that nobody else changes: one that is cut while it is mapped ends the program.
class MappedFile {
 public:
  static Result<MappedFile> of(const LocalFile& file, const std::string& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;
  std::string_view bytes() const;

 private:
  MappedFile() = default;
  void* at_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace changevault
