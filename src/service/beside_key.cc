#include "service/beside_key.h"

#include <filesystem>

#include "store/object_key.h"

namespace changevault {
namespace {

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._=+@,%/").find(c) != std::string_view::npos;
}

std::string plain_name_of(const std::string& key) {
  std::string name = std::filesystem::path(key).filename().string();
  for (char& c : name) c = is_plain(c) ? c : '-';
  return name.empty() ? "records.jsonl" : name;
}

}  // namespace

Result<void> check_key_beside(const KeyLayout& layout, const std::string& key) {
  const std::string proposal = "for example " + std::string(kBesideFolder) + plain_name_of(key);
  CV_TRY(split_key(key));
  for (const char c : key) {
    if (is_plain(c)) continue;
    return Error(ErrorCode::kUsage, "a name in the store is made of letters, digits and -._=+@,% only", key,
                 "choose another one, " + proposal);
  }
  const std::string prefix = layout.archive_prefix();
  if (!prefix.empty() && !key.starts_with(prefix)) return {};
  return Error(ErrorCode::kUsage,
               prefix.empty() ? "the archive is the whole store (store.root is empty)"
                              : "this is inside of the archive",
               key, "name a place beside it, " + proposal);
}

Result<std::string> key_for_file(const KeyLayout& layout, const std::string& path) {
  std::string key = kBesideFolder + std::filesystem::path(path).filename().string();
  if (Result<void> good = check_key_beside(layout, key); !good) {
    Error error = good.error();
    error.hint = "say what it is to be called: changevault put FILE KEY, for example with the KEY " +
                 std::string(kBesideFolder) + plain_name_of(path);
    return error;
  }
  return key;
}

}  // namespace changevault
