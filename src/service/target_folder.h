// Files of the local disk below one folder: written whole or not at all, and never outside of it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "codec/segment_reader.h"

namespace changevault {

// An open file, closed at its end.
class LocalFile {
 public:
  LocalFile() = default;
  explicit LocalFile(int descriptor) : descriptor_(descriptor) {}
  ~LocalFile();
  LocalFile(LocalFile&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  LocalFile& operator=(LocalFile&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  int get() const { return descriptor_; }
  bool valid() const { return descriptor_ >= 0; }

 private:
  int descriptor_ = -1;
};

// The bytes of an open file from its beginning.
class LocalSource final : public ByteSource {
 public:
  // `file` outlives it; `name` is for errors.
  LocalSource(const LocalFile& file, std::string name) : file_(file), name_(std::move(name)) {}
  Result<std::size_t> read(std::span<char> into) override;

 private:
  const LocalFile& file_;
  std::string name_;
  std::int64_t offset_ = 0;
};

// A file being written, without a name where the file system has such files (then a kill leaves nothing
// behind), else under one of its own; gone again unless it was given its place. Not thread-safe.
class NewFile {
 public:
  struct Place {
    LocalFile folder;
    std::string name;
    std::string path;  // for people
  };
  // `temporary`: a name that nobody else uses, for a while; `named`: the file has it.
  NewFile(Place place, LocalFile file, std::string temporary, bool named);
  ~NewFile();
  NewFile(NewFile&&) noexcept = default;
  NewFile& operator=(NewFile&&) = delete;

  Result<void> write(std::string_view bytes);
  Result<void> sync();  // its bytes are on the disk
  const LocalFile& file() const { return file_; }
  const std::string& path() const { return place_.path; }
  // Gives the name, durably. kAlreadyExists where something stands there and `replace` is not set.
  Result<void> place(bool replace);

 private:
  Place place_;
  LocalFile file_;
  std::string temporary_;
  bool named_ = false;
};

// Thread-safe.
class TargetFolder {
 public:
  // The folder itself may be reached through symbolic links; below it none is followed. Made where it is
  // missing.
  static Result<TargetFolder> open(const std::filesystem::path& folder);

  // `path`: parts with '/' between them. kUsage for a part that is no plain name, and where a symbolic link
  // or a file stands in the place of a folder.
  Result<NewFile> create(const std::string& path, const std::string& nonce) const;
  // The regular file that stands there; nullopt where nothing does. kUsage for anything else that stands
  // there.
  Result<std::optional<LocalFile>> existing(const std::string& path) const;

  // Where `path` is, for people.
  std::string describe(const std::string& path) const { return (place_ / path).string(); }

 private:
  struct Found {
    LocalFile folder;
    std::string name;
  };
  // The folder that `path` ends in; without `make`, not valid where it is missing.
  Result<Found> walk(const std::string& path, bool make) const;

  std::filesystem::path place_;
  LocalFile folder_;
  bool unnamed_files_ = false;  // the file system has them, and gives them names
};

// kUsage where `place`, which need not be there yet, is `folder` or lies below it, by whatever links it is
// reached. A `folder` that is not there holds nothing.
Result<void> must_lie_outside(const std::filesystem::path& folder, const std::filesystem::path& place);

// The same for the folder of a store in a directory; of any other store, nothing.
Result<void> must_lie_outside_store(const std::string& store_url, const std::filesystem::path& place);

}  // namespace changevault
