// One page of the objects below a folder, in the order of their keys' bytes.
#pragma once

#include <string>

#include <sys/stat.h>

#include "base/result.h"
#include "store/file/folder_tree.h"
#include "store/object_store.h"

namespace changevault::file {

struct ListRequest {
  std::string prefix;
  bool folders = false;      // with the delimiter '/'
  std::string continuation;  // only what comes after it
  std::size_t page_size = 5000;
};

// As ObjectStore::list. Folders without any object in them do not show. Memory is bounded by the page, not by
// the tree.
Result<ListPage> list_tree(const FolderTree& tree, const ListRequest& request);

// What a file's status says of it as an object.
ObjectInfo object_info(std::string key, const struct stat& status);

}  // namespace changevault::file
