// Lines of any length from any bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "capture/byte_input.h"

namespace changevault {

// Memory grows with the longest line, up to kMaxLineBytes. Takes away line ends (LF or CRLF) and a byte order
// mark at the very start, nothing else. Not thread-safe.
class LineReader {
 public:
  // `object` names the input in errors.
  LineReader(std::unique_ptr<ByteInput> input, std::string object);

  // A file or "-", inflated where it is gzip.
  static Result<std::unique_ptr<LineReader>> open(const std::string& path, std::stop_token stop);

  // The next line, or nullopt at the end. The last line needs no line end. Lives until the next call.
  // kCorrupt for a line longer than `kMaxLineBytes`; errors of the input come after the whole lines before
  // them.
  Result<std::optional<std::string_view>> next();

  // `next` would have to wait for another process.
  bool would_wait() const;

  // Number of the line given last, from 1.
  std::int64_t line() const { return line_; }
  const std::string& object() const { return object_; }

 private:
  Result<void> fill();
  Error too_long(std::int64_t line) const;

  std::unique_ptr<ByteInput> input_;
  std::string object_;
  std::string buffer_;
  std::size_t begin_ = 0;    // of what was not given yet
  std::size_t end_ = 0;      // of what was read
  std::size_t scanned_ = 0;  // no line end before it
  std::int64_t line_ = 0;
  bool at_end_ = false;
};

}  // namespace changevault
