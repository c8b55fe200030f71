#include "app/secret_file.h"

#include <fstream>
#include <iterator>

namespace changevault {

Result<std::string> read_secret_file(const std::string& path, const std::string& key,
                                     const std::string& holds) {
  constexpr std::size_t kLargestSecret = 16 << 10;
  if (path.empty()) return std::string();
  std::ifstream in(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!in || text.empty() || text.size() > kLargestSecret) {
    return Error(ErrorCode::kUsage, "the secret file cannot be read, is empty or too large", path,
                 key + " names a file with " + holds);
  }
  return text;
}

}  // namespace changevault
