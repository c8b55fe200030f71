// The order of keys is not the order of names: the key of what is in folder "a" goes on with '/', so file
// "a-b" (0x2d) comes before it and file "a0" (0x30) after. Entries are therefore compared as they stand in
// keys: folders with their '/'.
//
// A page is collected depth first. A folder is entered only if something in it can come after the
// continuation, and of each folder only as many entries are kept as the page still lacks; if those turn out
// to be empty folders, it is read again from where it stopped.
#include "store/file/tree_lister.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "store/object_key.h"

namespace changevault::file {
namespace {

// What stands in a folder, as in a key: "name", or "name/" for a folder.
using EntryName = std::string;

struct FolderSlice {
  std::vector<EntryName> entries;  // in order
  bool complete = true;            // nothing comes after the last one
};

Error listing_error(const std::string& path, int error) {
  return system_error(ErrorCode::kUnreachable, "cannot list the folder", path, error);
}

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};
using OpenFolder = std::unique_ptr<DIR, CloseFolder>;

// A second, independent reading position of the folder `fd`.
Result<OpenFolder> start_reading(int fd, const std::string& path) {
  Descriptor own = open_at(fd, ".", O_RDONLY | O_DIRECTORY);
  if (!own.valid()) return listing_error(path, errno);
  OpenFolder folder(::fdopendir(own.get()));
  if (!folder) return listing_error(path, errno);
  own.release();
  return folder;
}

// The entry as it stands in a key; nullopt for what is no object and holds none, or is gone again.
Result<std::optional<EntryName>> classify(int folder, const dirent& entry, const std::string& path) {
  std::string name = entry.d_name;
  if (name == "." || name == "..") return std::nullopt;
  unsigned char type = entry.d_type;
  if (type == DT_UNKNOWN) {
    struct stat status{};
    if (::fstatat(folder, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) return std::nullopt;
      return listing_error(path + name, errno);
    }
    type = static_cast<unsigned char>(IFTODT(status.st_mode));
  }
  // Leaving a link out would hide what is behind it; following it may lead out.
  if (type == DT_LNK) return link_refused(path + name);
  if (type == DT_DIR) return name + "/";
  if (type != DT_REG || name.starts_with(kTemporaryPrefix)) return std::nullopt;
  return name;
}

class Lister {
 public:
  explicit Lister(const ListRequest& request) : request_(request) {}

  // `path`: the folder's place in keys, empty or ended by '/'. `name_prefix`: what entries start with.
  Result<void> collect(int folder, const std::string& path, const std::string& name_prefix) {
    std::string after;
    for (bool complete = false; !complete && !full();) {
      CV_ASSIGN(const FolderSlice slice, read_slice(folder, path, name_prefix, after));
      for (const EntryName& entry : slice.entries) {
        if (full()) return {};
        CV_TRY(entry.ends_with('/') ? add_folder(folder, path, entry) : add_file(folder, path, entry));
      }
      complete = slice.complete;
      if (!complete) after = slice.entries.back();
    }
    return {};
  }

  // One item more than the page holds was collected if there is one: it says that a next page exists.
  ListPage finish() && {
    if (items_ <= request_.page_size) return std::move(page_);
    if (last_is_prefix_) {
      page_.prefixes.pop_back();
    } else {
      page_.objects.pop_back();
    }
    page_.next = before_last_;
    return std::move(page_);
  }

 private:
  bool full() const { return items_ > request_.page_size; }

  // Whether `key`, or for a folder something in it, comes after the continuation.
  bool wanted(const std::string& key, bool folder) const {
    if (key > request_.continuation) return true;
    return folder && !request_.folders && request_.continuation.starts_with(key);
  }

  Result<FolderSlice> read_slice(int fd, const std::string& path, const std::string& name_prefix,
                                 const std::string& after) const {
    CV_ASSIGN(const OpenFolder folder, start_reading(fd, path));
    const std::size_t limit = request_.page_size + 1 - items_;
    FolderSlice slice;
    const auto keep_smallest = [&] {
      if (slice.entries.size() <= limit) return;
      std::ranges::nth_element(slice.entries, slice.entries.begin() + static_cast<std::ptrdiff_t>(limit));
      slice.entries.resize(limit);
      slice.complete = false;
    };
    for (;;) {
      errno = 0;
      const dirent* entry = ::readdir(folder.get());
      if (entry == nullptr) {
        if (errno != 0) return listing_error(path, errno);
        break;
      }
      if (!std::string_view(entry->d_name).starts_with(name_prefix)) continue;
      CV_ASSIGN(auto name, classify(fd, *entry, path));
      if (!name || *name <= after || !wanted(path + *name, name->ends_with('/'))) continue;
      slice.entries.push_back(*std::move(name));
      if (slice.entries.size() / 2 > limit) keep_smallest();
    }
    keep_smallest();
    std::ranges::sort(slice.entries);
    return slice;
  }

  Result<void> add_file(int folder, const std::string& path, const EntryName& name) {
    struct stat status{};
    if (::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) return {};  // removed meanwhile
      return listing_error(path + name, errno);
    }
    if (!S_ISREG(status.st_mode)) return {};
    page_.objects.push_back(object_info(path + name, status));
    note(page_.objects.back().key, false);
    return {};
  }

  Result<void> add_folder(int folder, const std::string& path, const EntryName& name) {
    const std::string below = path + name;
    if (below.size() > kMaxKeyBytes) {
      return Error(ErrorCode::kUsage, "a folder in the store is deeper than an object's name can say", below,
                   "move it out of the store");
    }
    const Descriptor next =
        open_at(folder, name.substr(0, name.size() - 1).c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!next.valid()) {
      if (errno == ENOENT || errno == ENOTDIR) return {};  // removed meanwhile
      return listing_error(below, errno);
    }
    if (!request_.folders) return collect(next.get(), below, {});
    CV_ASSIGN(const bool any, holds_object(next.get(), below));
    if (any) {
      page_.prefixes.push_back(below);
      note(below, true);
    }
    return {};
  }

  static Result<bool> holds_object(int folder, const std::string& path) {
    Lister probe(ListRequest{path, false, {}, 0});
    CV_TRY(probe.collect(folder, path, {}));
    return probe.items_ > 0;
  }

  void note(const std::string& item, bool is_prefix) {
    before_last_ = std::exchange(last_, item);
    last_is_prefix_ = is_prefix;
    ++items_;
  }

  const ListRequest request_;
  ListPage page_;
  std::size_t items_ = 0;
  std::string last_;
  std::string before_last_;
  bool last_is_prefix_ = false;
};

Timestamp modified(const struct stat& status) {
  return {status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1'000'000};
}

}  // namespace

ObjectInfo object_info(std::string key, const struct stat& status) {
  const auto hex = [](auto number) {
    const std::string digits = to_hex(static_cast<std::uint64_t>(number));
    return digits.substr(std::min(digits.find_first_not_of('0'), digits.size() - 1));
  };
  const std::string etag = hex(status.st_size) + "-" +
                           hex(status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec) + "-" +
                           hex(status.st_ino);
  return {std::move(key), status.st_size, modified(status), etag};
}

Result<ListPage> list_tree(const FolderTree& tree, const ListRequest& request) {
  CV_ASSIGN(const KeyPrefix prefix, split_prefix(request.prefix));
  auto folder = tree.open(prefix.folder, FolderTree::Purpose::kRead);
  if (!folder.has_value()) {
    if (folder.error().code == ErrorCode::kNotFound) return ListPage{};
    return std::move(folder).error();
  }
  Lister lister(request);
  const std::string path = request.prefix.substr(0, request.prefix.size() - prefix.name.size());
  CV_TRY(lister.collect(folder->get(), path, std::string(prefix.name)));
  return std::move(lister).finish();
}

}  // namespace changevault::file
