#include <algorithm>
#include <new>
#include <string_view>

#include <zlib.h>

#include "capture/byte_input.h"

namespace changevault {
namespace {

constexpr std::size_t kCompressedChunk = std::size_t{256} << 10;
constexpr int kGzipOnly = 15 + 16;  // zlib's windowBits: the largest window, gzip header and trailer

// Bytes that were read to look at them, then the rest of the source.
class PlainInput final : public ByteInput {
 public:
  PlainInput(std::string head, std::unique_ptr<ByteInput> source)
      : head_(std::move(head)), source_(std::move(source)) {}

  Result<std::size_t> read(std::span<char> into) override {
    const std::string_view rest = std::string_view(head_).substr(used_);
    if (rest.empty()) return source_->read(into);
    const std::size_t count = rest.copy(into.data(), into.size());
    used_ += count;
    return count;
  }
  bool would_wait() const override { return used_ == head_.size() && source_->would_wait(); }

 private:
  std::string head_;
  std::size_t used_ = 0;
  std::unique_ptr<ByteInput> source_;
};

class GzipInput final : public ByteInput {
 public:
  GzipInput(std::unique_ptr<ByteInput> source, std::string object)
      : source_(std::move(source)), object_(std::move(object)), chunk_(kCompressedChunk, '\0') {
    if (inflateInit2(&stream_, kGzipOnly) != Z_OK) throw std::bad_alloc();
  }
  ~GzipInput() override { inflateEnd(&stream_); }
  GzipInput(const GzipInput&) = delete;
  GzipInput& operator=(const GzipInput&) = delete;

  Result<std::size_t> read(std::span<char> into) override {
    while (true) {
      if (damaged_) return damage();
      if (stream_.avail_in == 0) {
        CV_ASSIGN(const std::size_t got, source_->read(chunk_));
        if (got == 0) return at_source_end();
        stream_.next_in = reinterpret_cast<Bytef*>(chunk_.data());
        stream_.avail_in = static_cast<uInt>(got);
      }
      if (member_ended_) {
        inflateReset(&stream_);
        member_ended_ = false;
      }
      stream_.next_out = reinterpret_cast<Bytef*>(into.data());
      stream_.avail_out = static_cast<uInt>(std::min<std::size_t>(into.size(), std::size_t{1} << 30));
      const uInt room = stream_.avail_out;
      const int code = inflate(&stream_, Z_NO_FLUSH);
      const std::size_t made = room - stream_.avail_out;
      member_ended_ = code == Z_STREAM_END;
      // What was inflated before the damage is handed out first.
      damaged_ = code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR;
      if (made > 0) return made;
    }
  }
  bool would_wait() const override { return stream_.avail_in == 0 && source_->would_wait(); }

 private:
  Result<std::size_t> at_source_end() const {
    if (member_ended_) return std::size_t{0};
    return Error(ErrorCode::kCorrupt, "the gzip file is cut off", object_,
                 "fetch it again, or publish what `gzip -dc` can save");
  }
  Error damage() const {
    const std::string detail = stream_.msg == nullptr ? "invalid data" : stream_.msg;
    return Error(ErrorCode::kCorrupt, "the gzip file is damaged (" + detail + ")", object_,
                 "fetch it again, or publish what `gzip -dc` can save");
  }

  std::unique_ptr<ByteInput> source_;
  std::string object_;
  std::string chunk_;
  z_stream stream_{};
  bool member_ended_ = false;
  bool damaged_ = false;
};

}  // namespace

Result<std::unique_ptr<ByteInput>> inflate_if_gzip(std::unique_ptr<ByteInput> source,
                                                   const std::string& object) {
  constexpr std::string_view kMagic = "\x1f\x8b";
  std::string head(kMagic.size(), '\0');
  std::size_t filled = 0;
  while (filled < head.size()) {
    CV_ASSIGN(const std::size_t got, source->read(std::span(head).subspan(filled)));
    if (got == 0) break;
    filled += got;
  }
  head.resize(filled);
  const bool gzip = head == kMagic;
  std::unique_ptr<ByteInput> plain = std::make_unique<PlainInput>(std::move(head), std::move(source));
  if (!gzip) return plain;
  return std::unique_ptr<ByteInput>(std::make_unique<GzipInput>(std::move(plain), object));
}

}  // namespace changevault
