// What may be the name of an object and what may be asked of one, the same for every driver.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/object_store.h"

namespace changevault {

constexpr std::size_t kMaxKeyBytes = 1024;
constexpr std::size_t kMaxKeyPartBytes = 255;
// Files of this name are unfinished writes of the file driver: never objects, under any driver.
inline constexpr std::string_view kTemporaryPrefix = ".changevault-tmp-";

// The parts between the slashes of `key`, as views into it. kUsage for a key that is empty or too long,
// starts or ends with '/', has a part that is empty, "." or "..", too long or with a NUL, or whose last part
// is a name of unfinished writes.
Result<std::vector<std::string_view>> split_key(std::string_view key);

// A prefix of keys: the folder that holds everything it can match, and what the names in it start with.
struct KeyPrefix {
  std::vector<std::string_view> folder;
  std::string_view name;
};
// The same rules for the folder's parts; `prefix` may be empty.
Result<KeyPrefix> split_prefix(std::string_view prefix);

// The rest of what every driver checks and cuts the same way. kUsage: negative ranges; delimiters other than
// '/', empty pages.
Result<void> check_range(ByteRange range, const std::string& key);
Result<void> check_list_arguments(std::optional<char> delimiter, std::size_t page_size,
                                  const std::string& prefix);
// The error where a version of an object was asked for that it no longer is.
Error other_version(const std::string& key);
// `range` without what lies behind an object of `size` bytes.
ByteRange cut_range(ByteRange range, std::int64_t size);

}  // namespace changevault
