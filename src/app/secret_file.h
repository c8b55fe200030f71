// Secrets that stand in files.
#pragma once

#include <string>

#include "base/result.h"

namespace changevault {

// What the file holds; empty for an empty path. kUsage, naming the configuration's key, where it cannot be
// read, is empty or larger than a secret.
Result<std::string> read_secret_file(const std::string& path, const std::string& key,
                                     const std::string& holds);

}  // namespace changevault
