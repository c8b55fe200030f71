// A segment of any lines, then damaged at any places. Input: level, block size, number of damages, four bytes
// for each, and the text. Whole, everybody reads it; damaged, our reader and zlib agree, no other text comes
// out, and a block whose checksum the index still has is the text it was.
#include <cstdint>
#include <vector>

#include "base/hash.h"
#include "codec/segment_writer.h"
#include "fuzz/fuzzing.h"
#include "fuzz/gzip_reference.h"

namespace {

using namespace changevault;
using namespace changevault::fuzzing;

// Takes numbers off the front of the input; zeros behind its end.
class Numbers {
 public:
  explicit Numbers(std::string_view bytes) : rest_(bytes) {}
  std::size_t byte() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

struct Damage {
  std::size_t kind = 0;
  std::size_t place = 0;
  std::size_t value = 0;
};

std::string damaged(std::string bytes, const std::vector<Damage>& damages) {
  for (const Damage& damage : damages) {
    if (bytes.empty()) break;
    const std::size_t at = damage.place % bytes.size();
    switch (damage.kind % 4) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ 1 << damage.value % 8);
        break;
      case 1:
        bytes[at] = static_cast<char>(damage.value);
        break;
      case 2:
        bytes.insert(at, 1, static_cast<char>(damage.value));
        break;
      default:
        bytes.erase(at, 1 + damage.value);
    }
  }
  return bytes;
}

FinishedSegment write(std::string_view text, const SegmentOptions& options) {
  BlockWorker compressor(options.gzip_level);
  SegmentWriter writer(options);
  for (std::int64_t n = 0; !text.empty(); ++n) {
    const std::size_t end = text.find('\n') + 1;
    writer.text().append(text.substr(0, end));
    const auto number = static_cast<std::uint64_t>(n);
    writer.added({Sequence(n), Timestamp{n}, EventId{number, number}, "insert"}, compressor);
    text.remove_prefix(end);
  }
  return writer.finish(compressor);
}

std::string_view part(std::string_view whole, std::int64_t offset, std::int64_t bytes) {
  const auto from = static_cast<std::size_t>(offset);
  return from > whole.size() ? std::string_view() : whole.substr(from, static_cast<std::size_t>(bytes));
}

void check_whole(const FinishedSegment& segment, const std::string& text) {
  require(zlib_text(segment.bytes).text == text);
  const auto read = our_text(segment.bytes, segment.bytes.size());
  require(read && *read == text);
  std::int64_t at = static_cast<std::int64_t>(kGzipHeader.size());
  std::int64_t text_at = 0;
  for (const BlockFacts& block : segment.facts.blocks) {
    require(block.byte_offset == at && block.text_offset == text_at && block.records > 0);
    at += block.bytes;
    text_at += block.text_bytes;
  }
  require(at == segment.facts.bytes - static_cast<std::int64_t>(kFinalBlock.size() + kGzipTrailerBytes));
  require(text_at == static_cast<std::int64_t>(text.size()) &&
          segment.facts.sha256 == sha256_hex(segment.bytes));
}

void check_damaged(const FinishedSegment& segment, const std::string& text, const std::string& bytes) {
  const auto read = our_text(bytes, bytes.size() + 1);
  require(zlib_text(bytes).allows(read.has_value()));
  require(read ? *read == text : read.error().code == ErrorCode::kCorrupt);
  for (const BlockFacts& block : segment.facts.blocks) {
    const std::string_view found = part(bytes, block.byte_offset, block.bytes);
    const auto inflated = inflate_block(found, block.text_bytes);
    const auto theirs = zlib_block(found);
    const bool fits = theirs.text && theirs.text->size() == static_cast<std::size_t>(block.text_bytes);
    require(theirs.unsure || inflated.has_value() == fits);
    if (inflated && theirs.text) require(*inflated == *theirs.text);
    if (sha256_hex(found) == block.sha256)
      require(inflated && *inflated == part(text, block.text_offset, block.text_bytes));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Numbers numbers({reinterpret_cast<const char*>(data), size});
  SegmentOptions options;
  options.gzip_level = static_cast<int>(numbers.byte() % 4);
  options.block_text_bytes = static_cast<std::int64_t>(1 + 8 * numbers.byte());
  std::vector<Damage> damages(numbers.byte() % 5);
  for (Damage& damage : damages) {
    damage.kind = numbers.byte();
    damage.place = numbers.byte() << 8;
    damage.place |= numbers.byte();
    damage.value = numbers.byte();
  }
  const std::string text = with_last_line_ended(std::string(numbers.rest()));
  if (text.empty()) return 0;
  const FinishedSegment segment = write(text, options);
  check_whole(segment, text);
  const std::string bytes = damaged(segment.bytes, damages);
  check_damaged(segment, text, bytes);
  return 0;
}
