// The fixed bytes of our gzip files (RFC 1952, RFC 1951).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace changevault {

// Deflate, no name, no time, no system: the same text makes the same file.
constexpr std::string_view kGzipHeader{"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", 10};
// The stored block of no bytes that a full flush ends with.
constexpr std::string_view kFlushMark{"\x00\x00\xff\xff", 4};
// The last deflate block, empty: blocks before it are never final.
constexpr std::string_view kFinalBlock{"\x03\x00", 2};
constexpr std::size_t kGzipTrailerBytes = 8;

// The checksum of a gzip file, of text in pieces; of nothing: 0.
std::uint32_t gzip_crc32(std::uint32_t before, std::string_view bytes);
// The final block and the trailer.
void append_gzip_end(std::string& out, std::uint32_t crc, std::uint64_t text_bytes);

}  // namespace changevault
