// What the files of an archive without a ledger held when they were last read (docs/formats/found-memory.md).
// A file of one machine: it saves reading and proves nothing to anybody else.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "archive/found_file.h"
#include "base/result.h"

namespace changevault {

// Not thread-safe.
class FoundMemory {
 public:
  static constexpr std::size_t kMostBytes = std::size_t{64} << 20;

  // `archive`: by what the archive, and how its records are read, is known again; empty: of none yet.
  explicit FoundMemory(std::string archive = {}) : archive_(std::move(archive)) {}
  static std::string archive_name(const std::string& store_url, const std::string& root,
                                  const std::string& source_id);

  // kCorrupt for bytes that are not what their checksum says; kUsage for a newer format.
  static Result<FoundMemory> decode(std::string_view text, const std::string& object);
  // At most kMostBytes: what was asked for longest ago is left out first.
  std::string encode(std::size_t most_bytes = kMostBytes) const;

  const std::string& archive() const { return archive_; }
  std::size_t size() const { return files_.size(); }
  bool changed() const { return changed_; }

  // The file, if name, size and etag are those of then. `now`: of asking.
  const FoundFile* find(const ObjectInfo& object, Timestamp now);
  // Only what is whole and did not change meanwhile.
  void remember(const FoundFile& file, Timestamp now);
  void forget(const std::string& key);

  template <typename Each>
  void for_each(Each&& each) const {
    for (const auto& [key, known] : files_) each(known.file);
  }

 private:
  struct Known {
    FoundFile file;
    Timestamp used{};
  };
  static Result<Known> known_from(std::string_view line, const std::string& where);

  std::string archive_;
  std::map<std::string, Known, std::less<>> files_;
  bool changed_ = false;
};

// nullopt where there is no such file. The errors of decode, and kUsage where it cannot be read.
Result<std::optional<FoundMemory>> read_found_memory(const std::filesystem::path& file);
// Replaces the file, all at once.
Result<void> write_found_memory(const FoundMemory& memory, const std::filesystem::path& file);

}  // namespace changevault
