// The message that stands in the hub in place of an event that the hub does not take
// (docs/formats/oversize.md):
//
//   {"changevault_oversize":1,"key":"_oversize/5f/5f70….json","bytes":16777216,"sha256":"5f70…"}
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace changevault {

// The first field of a pointer of any version.
inline constexpr std::string_view kOversizeField = "changevault_oversize";

// Longest body that is put aside and taken back.
constexpr std::size_t kMostOversizeBytes = std::size_t{64} << 20;

struct OversizePointer {
  std::string key;         // of the body, below the root of the archive
  std::int64_t bytes = 0;  // of the body
  std::string sha256;      // of the body, 64 hex digits, lower case
  bool operator==(const OversizePointer&) const = default;
};

// REQUIRES: `key` consists of [A-Za-z0-9._/-], `sha256` of 64 lower-case hex digits, `bytes` is not negative.
std::string encode_oversize(const OversizePointer& pointer);

// nullopt for anything but the exact bytes that encode_oversize writes: whatever merely looks like a pointer
// is an event as any other. Says nothing about what the key names.
std::optional<OversizePointer> parse_oversize(std::string_view payload);

}  // namespace changevault
