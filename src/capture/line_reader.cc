#include "capture/line_reader.h"

#include <algorithm>
#include <cstring>

namespace changevault {
namespace {

constexpr std::size_t kFirstBuffer = std::size_t{256} << 10;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

}  // namespace

LineReader::LineReader(std::unique_ptr<ByteInput> input, std::string object)
    : input_(std::move(input)), object_(std::move(object)), buffer_(kFirstBuffer, '\0') {}

Result<std::unique_ptr<LineReader>> LineReader::open(const std::string& path, std::stop_token stop) {
  CV_ASSIGN(auto file, open_file_input(path, std::move(stop)));
  const std::string object = path == "-" ? "standard input" : path;
  CV_ASSIGN(auto input, inflate_if_gzip(std::move(file), object));
  return std::make_unique<LineReader>(std::move(input), object);
}

Result<std::optional<std::string_view>> LineReader::next() {
  while (true) {
    const std::string_view unseen(buffer_.data() + scanned_, end_ - scanned_);
    const std::size_t feed = unseen.find('\n');
    const bool whole = feed != std::string_view::npos;
    if (whole || (at_end_ && begin_ < end_)) {
      const std::size_t stop = whole ? scanned_ + feed : end_;
      std::string_view line(buffer_.data() + begin_, stop - begin_);
      if (whole && line.ends_with('\r')) line.remove_suffix(1);
      if (line_ == 0 && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
      begin_ = scanned_ = whole ? stop + 1 : stop;
      ++line_;
      if (line.size() > kMaxLineBytes) return too_long(line_);
      return std::optional(line);
    }
    scanned_ = end_;
    if (at_end_) return std::optional<std::string_view>();
    CV_TRY(fill());
  }
}

bool LineReader::would_wait() const {
  const bool has_line = std::memchr(buffer_.data() + scanned_, '\n', end_ - scanned_) != nullptr;
  return !has_line && !at_end_ && input_->would_wait();
}

// Makes room behind what is still needed and reads once.
Result<void> LineReader::fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    scanned_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) {
    if (end_ > kMaxLineBytes) return too_long(line_ + 1);
    buffer_.resize(std::min(2 * buffer_.size(), kMaxLineBytes + kFirstBuffer));
  }
  CV_ASSIGN(const std::size_t got, input_->read(std::span(buffer_).subspan(end_)));
  end_ += got;
  at_end_ = got == 0;
  return {};
}

Error LineReader::too_long(std::int64_t line) const {
  return Error(
      ErrorCode::kCorrupt,
      "line " + std::to_string(line) + " is longer than " + std::to_string(kMaxLineBytes >> 20) + " MiB",
      object_, "events are one JSON document per line: is this a file of that form?");
}

}  // namespace changevault
