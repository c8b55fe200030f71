// zlib's opinion of gzip and deflate data, for fuzzers that hold our reader against it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <zlib.h>

#include "codec/gzip_format.h"
#include "codec/segment_reader.h"
#include "tests/support/piece_source.h"

namespace changevault::fuzzing {

struct Inflated {
  std::string text;          // what came before the end or the error
  std::size_t consumed = 0;  // bytes of the input
  bool ended = false;        // its end was reached, and every checksum of it is right
  bool unsure = false;       // refused for codes that no text of it may use
};

// What zlib says: the text, or none. It refuses a table of codes that is not complete before anything is
// decoded by it; RFC 1951 does not ask for that, and other inflaters refuse only a code that is used. Then it
// is `unsure`.
struct Opinion {
  std::optional<std::string> text;
  bool unsure = false;

  bool allows(bool accepted) const { return unsure || accepted == text.has_value(); }
};

// One stream: of deflate data alone, or a gzip member.
class ZlibStream {
 public:
  enum class Kind { kDeflate, kGzip };
  explicit ZlibStream(Kind kind) { inflateInit2(&stream_, kind == Kind::kGzip ? 15 + 16 : -15); }
  ~ZlibStream() { inflateEnd(&stream_); }
  ZlibStream(const ZlibStream&) = delete;
  ZlibStream& operator=(const ZlibStream&) = delete;

  Inflated run(std::string_view bytes) {
    Inflated result;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    std::string piece(std::size_t{64} << 10, '\0');
    int code = Z_OK;
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(piece.data());
      stream_.avail_out = static_cast<uInt>(piece.size());
      code = inflate(&stream_, Z_NO_FLUSH);
      result.text.append(piece, 0, piece.size() - stream_.avail_out);
    } while (code == Z_OK);
    result.consumed = bytes.size() - stream_.avail_in;
    result.ended = code == Z_STREAM_END;
    result.unsure =
        code == Z_DATA_ERROR && stream_.msg != nullptr && std::string_view(stream_.msg).ends_with(" set");
    return result;
  }

 private:
  z_stream stream_{};
};

// The text of a file of one or more gzip members with nothing behind them; nullopt where it is none.
inline Opinion zlib_text(std::string_view file) {
  if (file.empty()) return {};
  std::string text;
  while (!file.empty()) {
    const Inflated member = ZlibStream(ZlibStream::Kind::kGzip).run(file);
    if (!member.ended) return {std::nullopt, member.unsure};
    text += member.text;
    file.remove_prefix(member.consumed);
  }
  return {std::move(text)};
}

// The text of a block of a segment: deflate blocks, none the last, ended by a full flush.
inline Opinion zlib_block(std::string_view block) {
  if (!block.ends_with(kFlushMark)) return {};
  const std::string stream = std::string(block).append(kFinalBlock);
  Inflated inflated = ZlibStream(ZlibStream::Kind::kDeflate).run(stream);
  if (!inflated.ended || inflated.consumed != stream.size()) return {std::nullopt, inflated.unsure};
  return {std::move(inflated.text)};
}

// A gzip member around deflate data that may be damaged: its checksum and length are those of `text`.
inline std::string gzip_member(std::string_view deflate_data, std::string_view text) {
  std::string file(kGzipHeader);
  file.append(deflate_data);
  const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size()));
  for (const std::uint64_t word : {std::uint64_t{crc}, std::uint64_t{text.size()}}) {
    for (int shift = 0; shift < 32; shift += 8) file.push_back(static_cast<char>(word >> shift & 0xFF));
  }
  return file;
}

// All that SegmentReader gives, read in pieces of `piece` bytes; its error otherwise.
inline Result<std::string> our_text(std::string_view file, std::size_t piece) {
  testing::PieceSource source(file, piece);
  SegmentReader reader(source);
  std::string text;
  while (true) {
    CV_ASSIGN(const std::string_view lines, reader.next());
    if (lines.empty()) return text;
    if (!lines.ends_with('\n')) std::abort();
    text += lines;
  }
}

// The last line of a text as our reader gives it.
inline std::string with_last_line_ended(std::string text) {
  if (!text.empty() && !text.ends_with('\n')) text.push_back('\n');
  return text;
}

}  // namespace changevault::fuzzing
