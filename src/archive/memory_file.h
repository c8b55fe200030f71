// Files in which one machine remembers what it read, so that it need not read it again: lines of JSON, the
// last of them a checksum. They save work and prove nothing to anybody else.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace changevault {

// `text` (whole lines) with the line that proves it.
std::string with_checksum(std::string text);

// The lines before the checksum, one after the other.
class MemoryLines {
 public:
  // kCorrupt where the checksum is not that of the lines. `text` and `object` (for errors) outlive it.
  static Result<MemoryLines> open(std::string_view text, const std::string& object);
  // Without its '\n'; nullopt at the end.
  std::optional<std::string_view> next();

 private:
  explicit MemoryLines(std::string_view body) : rest_(body) {}
  std::string_view rest_;
};

// Reads the first line, {"version":…,"kind":…,"archive":…}: the archive that the file is about. kCorrupt
// where it is not of that kind; kUsage where its version is newer than `newest`.
Result<std::string> read_memory_head(MemoryLines& lines, const std::string& kind, std::int64_t newest,
                                     const std::string& object);

// kCorrupt, with what the loss of the file costs.
Error memory_damaged(const std::string& what, const std::string& object);

// nullopt where there is no such file; kUsage where it cannot be read.
Result<std::optional<std::string>> read_memory_file(const std::filesystem::path& file);
// Replaces the file, all at once.
Result<void> write_memory_file(const std::string& text, const std::filesystem::path& file);

}  // namespace changevault
