#include "cli/plan_files.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace changevault {

Result<void> save_plan_file(const std::string& bytes, const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) {
    return Error(ErrorCode::kUsage, "the file exists already", path, "name a new file for the plan");
  }
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  file.close();
  if (!file) return system_error(ErrorCode::kUsage, "the plan cannot be written", path, errno);
  return {};
}

Result<AnyPlan> read_plan_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (std::filesystem::is_directory(path))
    return Error(ErrorCode::kUsage, "a folder is no plan", path, "name the file that --plan wrote");
  if (!file) return system_error(ErrorCode::kUsage, "the plan cannot be read", path, errno);
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  Result<AnyPlan> plan = decode_any_plan(bytes, path);
  if (plan || plan.error().code != ErrorCode::kCorrupt) return plan;
  return Error(ErrorCode::kCorrupt, "the plan file is damaged (" + plan.error().message + ")", path,
               "nothing was changed; make the plan anew with: changevault recover SCOPE --plan=FILE");
}

}  // namespace changevault
