#include "tests/support/temp_dir.h"

#include <stdexcept>

#include <stdlib.h>

namespace changevault::testing {

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "changevault-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder: " + name);
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace changevault::testing
