// Reads the lines of any gzip JSON-lines file in bounded memory: our segments, and what others wrote in the
// same layout (several members, no last newline). Where asked for, of a plain one as well.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/result.h"

namespace changevault {

// Where compressed bytes come from.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Up to `into.size()` bytes, 0 at the end.
  virtual Result<std::size_t> read(std::span<char> into) = 0;
};

class StringSource final : public ByteSource {
 public:
  explicit StringSource(std::string_view bytes) : rest_(bytes) {}
  Result<std::size_t> read(std::span<char> into) override {
    const std::size_t n = rest_.copy(into.data(), into.size());
    rest_.remove_prefix(n);
    return n;
  }

 private:
  std::string_view rest_;
};

// Longest line that is read; a longer one is an error (kCorrupt). Twice the longest payload of a record
// (kMaxPayloadBytes), for a record holds an event's text and slices of it again; with a kilobyte for the
// fields around them.
constexpr std::size_t kMaxLineBytes = (std::size_t{512} << 20) + 1024;

enum class TextForm {
  kGzip,
  kGzipOrPlain,  // what does not begin as gzip does is taken as it is; nothing at all is no line, and a byte
                 // order mark in front is left out
};

// Not thread-safe.
class SegmentReader {
 public:
  explicit SegmentReader(ByteSource& source, TextForm form = TextForm::kGzip);
  ~SegmentReader();

  // The next run of whole lines, each ended by '\n' (one is supplied where the file's last line lacks it);
  // empty at the end. The text lives until the next call and has kScanPadding readable bytes behind it. Every
  // gzip checksum and length is checked; cut files, wrong checksums and garbage behind the end are kCorrupt
  // errors.
  Result<std::string_view> next();

  // After the end: what was read.
  std::int64_t compressed_bytes() const;
  std::int64_t text_bytes() const;
  std::int64_t members() const;  // of gzip; 0 where the text is plain

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Inflates one block of a segment (its exact compressed bytes) to its text. kCorrupt where the bytes are not
// exactly one block of `text_bytes`.
Result<std::string> inflate_block(std::string_view compressed, std::int64_t text_bytes);

// A line of text as other programs and people write it, without the '\r' that may end it; empty for a blank
// one.
inline std::string_view plain_line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line.find_first_not_of(" \t") == std::string_view::npos ? std::string_view() : line;
}

// Calls `each(line)` (without '\n') for every line of `text`.
template <typename Each>
Result<void> for_each_line(std::string_view text, Each&& each) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    CV_TRY(each(text.substr(0, end)));
    text.remove_prefix(end + 1);
  }
  return {};
}

}  // namespace changevault
