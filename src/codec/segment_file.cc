#include "codec/segment_file.h"

#include <utility>

#include "codec/gzip_format.h"

namespace changevault {

SegmentFile::SegmentFile() : bytes_(kGzipHeader) {
  hash_from(0);
}

// Hashed while the bytes are in the cache, and not all at once at the end.
void SegmentFile::hash_from(std::size_t begin) {
  const std::string_view added = std::string_view(bytes_).substr(begin);
  sha256_.update(added);
  md5_.update(added);
}

void SegmentFile::add_block(BlockCompressor& compressor, std::string_view text, BlockFacts block) {
  const std::size_t begin = bytes_.size();
  compressor.compress(text, bytes_);
  hash_from(begin);
  crc_ = gzip_crc32(crc_, text);
  block.byte_offset = static_cast<std::int64_t>(begin);
  block.bytes = static_cast<std::int64_t>(bytes_.size() - begin);
  block.text_offset = text_bytes_;
  block.text_bytes = static_cast<std::int64_t>(text.size());
  block.sha256 = sha256_hex(std::string_view(bytes_).substr(begin));
  text_bytes_ += block.text_bytes;
  blocks_.push_back(std::move(block));
}

std::string SegmentFile::finish(SegmentFacts& facts) {
  const std::size_t end = bytes_.size();
  append_gzip_end(bytes_, crc_, static_cast<std::uint64_t>(text_bytes_));
  hash_from(end);
  facts.bytes = bytes();
  facts.text_bytes = text_bytes_;
  facts.sha256 = sha256_.finish_hex();
  facts.md5 = md5_.finish_hex();
  facts.blocks = std::move(blocks_);
  return std::move(bytes_);
}

std::int64_t SegmentFile::compressed() const {
  return bytes() - static_cast<std::int64_t>(kGzipHeader.size());
}

std::int64_t SegmentFile::memory() const {
  return static_cast<std::int64_t>(bytes_.capacity() + blocks_.capacity() * sizeof(BlockFacts));
}

}  // namespace changevault
