#include "store/object_key.h"

#include <algorithm>

namespace changevault {
namespace {

Error refused(std::string_view key, const char* why) {
  return Error(ErrorCode::kUsage, std::string("not an object name, ") + why, std::string(key),
               "names are parts between single slashes, never '.' or '..'");
}

const char* fault_of_part(std::string_view part) {
  if (part.empty()) return "it has an empty part";
  if (part == "." || part == "..") return "it has a part that could leave the store";
  if (part.size() > kMaxKeyPartBytes) return "one of its parts is longer than 255 bytes";
  if (part.find('\0') != std::string_view::npos) return "it has a NUL byte";
  return nullptr;
}

Result<std::vector<std::string_view>> split_path(std::string_view path) {
  if (path.size() > kMaxKeyBytes) return refused(path, "it is longer than 1024 bytes");
  std::vector<std::string_view> parts;
  for (std::string_view rest = path;;) {
    const std::size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    if (const char* fault = fault_of_part(part)) return refused(path, fault);
    parts.push_back(part);
    if (slash == std::string_view::npos) return parts;
    rest.remove_prefix(slash + 1);
  }
}

}  // namespace

Result<std::vector<std::string_view>> split_key(std::string_view key) {
  CV_ASSIGN(std::vector<std::string_view> parts, split_path(key));
  if (parts.back().starts_with(kTemporaryPrefix))
    return refused(key, "names of unfinished writes are reserved");
  return parts;
}

Result<KeyPrefix> split_prefix(std::string_view prefix) {
  const std::size_t slash = prefix.rfind('/');
  if (slash == std::string_view::npos) return KeyPrefix{{}, prefix};
  CV_ASSIGN(std::vector<std::string_view> folder, split_path(prefix.substr(0, slash)));
  return KeyPrefix{std::move(folder), prefix.substr(slash + 1)};
}

Result<void> check_range(ByteRange range, const std::string& key) {
  if (range.offset >= 0 && range.length >= 0) return {};
  return Error(ErrorCode::kUsage, "a byte range has a negative offset or length", key);
}

Result<void> check_list_arguments(std::optional<char> delimiter, std::size_t page_size,
                                  const std::string& prefix) {
  if (delimiter && *delimiter != '/') {
    return Error(ErrorCode::kUsage, "the only delimiter of a listing is '/'", prefix);
  }
  if (page_size == 0)
    return Error(ErrorCode::kUsage, "a page of a listing holds at least one object", prefix);
  return {};
}

Error other_version(const std::string& key) {
  return Error(ErrorCode::kCorrupt, "the object was replaced while it was read", key,
               "nobody may write over files of an archive; run it again, and find out who does");
}

ByteRange cut_range(ByteRange range, std::int64_t size) {
  const std::int64_t offset = std::min(range.offset, size);
  return {offset, std::min(range.length, size - offset)};
}

}  // namespace changevault
