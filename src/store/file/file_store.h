// The archive in a directory of this machine (docs/formats/layout.md): `file:` in the configuration.
#pragma once

#include <memory>
#include <string>

#include "store/file/folder_tree.h"
#include "store/object_store.h"

namespace changevault {

// Any number of processes may use one directory at once. The directory itself may be a symbolic link; links
// below it are refused. Objects are plain files: other tools may read them while this runs.
class FileStore final : public ObjectStore {
 public:
  // `create`: makes the directory, and those above it, where missing. Else a missing directory is
  // kUnreachable: an unmounted disk must not look like an empty archive.
  static Result<std::unique_ptr<ObjectStore>> open(const std::string& directory, bool create);

  Result<PutOutcome> put_if_absent(const std::string& key, std::string_view bytes,
                                   const PutOptions& options = {}) override;
  Result<std::string> get(const std::string& key, std::optional<ByteRange> range = std::nullopt,
                          const std::string& etag = {}) override;
  Result<ObjectInfo> head(const std::string& key) override;
  Result<ListPage> list(const std::string& prefix, std::optional<char> delimiter = std::nullopt,
                        const std::string& continuation = {}, std::size_t page_size = 5000) override;
  Result<void> remove(const std::string& key) override;
  Result<std::optional<Timestamp>> clock() override { return std::nullopt; }
  std::string url() const override { return "file:" + tree_.path(); }

 private:
  FileStore(file::Descriptor root, std::string path) : tree_(std::move(root), std::move(path)) {}
  struct OpenObject;
  Result<OpenObject> open_object(const std::string& key) const;

  file::FolderTree tree_;
};

}  // namespace changevault
