// The bytes of an open segment: header and finished blocks, hashed as they come (docs/formats/segment.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "codec/block_compressor.h"
#include "model/segment_facts.h"

namespace changevault {

// Invariant: the blocks tile the file behind the header. Not thread-safe.
class SegmentFile {
 public:
  SegmentFile();

  // Compresses `text` to the end of the file. `block` has the facts of its records; its place and hash are
  // filled in.
  void add_block(BlockCompressor& compressor, std::string_view text, BlockFacts block);
  // The end of the file: sizes, hashes and blocks into `facts`, the bytes given out. Spent then.
  std::string finish(SegmentFacts& facts);

  std::int64_t bytes() const { return static_cast<std::int64_t>(bytes_.size()); }
  std::int64_t compressed() const;  // bytes of the blocks
  std::int64_t memory() const;      // bytes held

 private:
  void hash_from(std::size_t begin);

  std::string bytes_;
  std::vector<BlockFacts> blocks_;
  std::int64_t text_bytes_ = 0;
  std::uint32_t crc_ = 0;
  Hasher sha256_{Hasher::Kind::kSha256};
  Hasher md5_{Hasher::Kind::kMd5};
};

}  // namespace changevault
