// Paths below one directory, walked part by part so that nothing leads out of it.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/result.h"
#include "store/file/descriptor.h"

namespace changevault::file {

// Why no path leaves the root: parts come from split_key (no "..", no empty part), each is opened relative to
// the folder before it, and none may be a symbolic link. A link inside the root, wherever it points, is
// refused (kUsage). Thread-safe.
class FolderTree {
 public:
  // `root`: an open folder. `path`: its name, for messages.
  FolderTree(Descriptor root, std::string path) : root_(std::move(root)), path_(std::move(path)) {}

  enum class Purpose { kPass, kRead };  // kPass: only to open what is in it; kRead: to list or sync it

  // kNotFound where a part is not there or is no folder.
  Result<Descriptor> open(std::span<const std::string_view> parts, Purpose purpose) const;

  // The folder, made if needed. When it returns, every name on the way to it is durable.
  Result<Descriptor> make(std::span<const std::string_view> parts);

  const std::string& path() const { return path_; }

 private:
  Result<Descriptor> step(int folder, const std::string& part, const std::string& path, int flags) const;
  Result<Descriptor> root(int flags) const;
  bool is_durable(const std::string& path);
  void note_durable(const std::string& path);

  Descriptor root_;
  std::string path_;
  Mutex mutex_;
  std::set<std::string> durable_ CV_GUARDED_BY(mutex_);  // folders whose names this process has synced
};

// The error for something in the store that is a symbolic link.
Error link_refused(const std::string& object);

}  // namespace changevault::file
