#include "codec/block_compressor.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <vector>

#include <isa-l/igzip_lib.h>

namespace changevault {
namespace {

constexpr std::array<std::uint32_t, 4> kLevelBytes{ISAL_DEF_LVL0_DEFAULT, ISAL_DEF_LVL1_DEFAULT,
                                                   ISAL_DEF_LVL2_DEFAULT, ISAL_DEF_LVL3_DEFAULT};
// ISA-L counts in 32 bits; text goes in by pieces of less.
constexpr std::size_t kPieceBytes = std::size_t{64} << 20;
constexpr std::size_t kOutBytes = std::size_t{256} << 10;

}  // namespace

struct BlockCompressor::State {
  isal_zstream stream{};
  std::uint32_t level = 0;
  std::vector<std::uint8_t> level_tables;
  std::vector<char> out = std::vector<char>(kOutBytes);

  void start() {
    isal_deflate_reset(&stream);
    stream.level = level;
    stream.level_buf = level_tables.empty() ? nullptr : level_tables.data();
    stream.level_buf_size = static_cast<std::uint32_t>(level_tables.size());
    stream.gzip_flag = IGZIP_DEFLATE;
    stream.end_of_stream = 0;
  }

  void feed(std::string_view piece, std::uint16_t flush, std::string& into) {
    // ISA-L never writes to its input; its interface is C without const.
    stream.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(piece.data()));
    stream.avail_in = static_cast<std::uint32_t>(piece.size());
    stream.flush = flush;
    do {
      stream.next_out = reinterpret_cast<std::uint8_t*>(out.data());
      stream.avail_out = static_cast<std::uint32_t>(out.size());
      if (isal_deflate(&stream) != COMP_OK) throw std::logic_error("ISA-L cannot compress");
      into.append(out.data(), out.size() - stream.avail_out);
    } while (stream.avail_out == 0 || stream.avail_in > 0);
  }
};

BlockCompressor::BlockCompressor(int gzip_level) : state_(std::make_unique<State>()) {
  isal_deflate_init(&state_->stream);
  state_->level = static_cast<std::uint32_t>(std::clamp(gzip_level, ISAL_DEF_MIN_LEVEL, ISAL_DEF_MAX_LEVEL));
  state_->level_tables.resize(kLevelBytes[state_->level]);
}
BlockCompressor::~BlockCompressor() = default;
BlockCompressor::BlockCompressor(BlockCompressor&&) noexcept = default;

void BlockCompressor::compress(std::string_view text, std::string& out) {
  state_->start();
  while (text.size() > kPieceBytes) {
    state_->feed(text.substr(0, kPieceBytes), NO_FLUSH, out);
    text.remove_prefix(kPieceBytes);
  }
  state_->feed(text, FULL_FLUSH, out);
}

}  // namespace changevault
