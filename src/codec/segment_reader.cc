#include "codec/segment_reader.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include <isa-l/igzip_lib.h>

#include "codec/gzip_format.h"
#include "codec/record_scanner.h"

namespace changevault {
namespace {

constexpr std::size_t kInputBytes = std::size_t{512} << 10;
constexpr std::size_t kTextBytes = std::size_t{2} << 20;
constexpr std::size_t kTextRoom = std::size_t{64} << 10;  // least room that a round of inflating gets
constexpr std::uint8_t kGzipBegin = 0x1f;                 // its first byte; no JSON text begins so
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::uint32_t kReservedFlags = 0xE0;  // of a gzip header

Error corrupt(std::string what) {
  return {ErrorCode::kCorrupt, std::move(what)};
}

const char* inflate_problem(int code) {
  switch (code) {
    case ISAL_INCORRECT_CHECKSUM:
      return "gzip checksum or length does not match";
    case ISAL_INVALID_WRAPPER:
      return "not gzip";
    case ISAL_UNSUPPORTED_METHOD:
      return "gzip with an unknown compression method";
    case ISAL_INVALID_LOOKBACK:
      return "deflate data refers to text before its start";
    default:
      return "deflate data is damaged";
  }
}

std::uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));  // ISA-L reads its input only
}

}  // namespace

// The text buffer holds [begin, end): what was handed out before `begin`, then lines not yet handed out, the
// last of them perhaps unfinished.
struct SegmentReader::State {
  State(ByteSource& source_in, TextForm form_in) : source(source_in), form(form_in), input(kInputBytes) {}

  ByteSource& source;
  TextForm form;
  std::vector<char> input;
  inflate_state inflater{};
  isal_gzip_header header{};  // kept while it is read: it may come in pieces
  bool in_header = false;
  bool in_member = false;
  bool plain = false;       // the text is not compressed
  bool handed_out = false;  // something of it
  bool ended = false;
  std::optional<Error> failure;
  std::unique_ptr<char[]> text;
  std::size_t capacity = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
  std::int64_t compressed = 0;
  std::int64_t inflated = 0;
  std::int64_t members = 0;

  Result<std::string_view> next();
  Result<void> make_room();
  Result<bool> refill();
  Result<void> start_member();
  Result<void> read_header();
  Result<void> inflate();
  Result<void> inflate_more();
  void copy_more();
  std::string_view take(std::size_t until);
};

// Moves the unfinished line to the front. Where it fills more than half of the buffer, the buffer doubles;
// after a giant line it becomes small again.
Result<void> SegmentReader::State::make_room() {
  const std::size_t kept = end - begin;
  if (kept > kMaxLineBytes)
    return corrupt("a line is longer than " + std::to_string(kMaxLineBytes) + " bytes");
  std::size_t wanted = std::max(capacity, kTextBytes);
  if (2 * kept > capacity) {
    wanted = std::min(std::max(2 * capacity, kTextBytes), kMaxLineBytes + 2 * kTextRoom);
  } else if (2 * kept <= kTextBytes) {
    wanted = kTextBytes;
  }
  if (wanted != capacity) {
    auto other = std::make_unique_for_overwrite<char[]>(wanted + kScanPadding);
    if (kept > 0) std::memcpy(other.get(), text.get() + begin, kept);
    std::memset(other.get() + wanted, 0, kScanPadding);
    text = std::move(other);
    capacity = wanted;
  } else if (kept > 0 && begin > 0) {
    std::memmove(text.get(), text.get() + begin, kept);
  }
  begin = 0;
  end = kept;
  return {};
}

// False at the end of the source.
Result<bool> SegmentReader::State::refill() {
  CV_ASSIGN(const std::size_t got, source.read(input));
  inflater.next_in = reinterpret_cast<std::uint8_t*>(input.data());
  inflater.avail_in = static_cast<std::uint32_t>(got);
  compressed += static_cast<std::int64_t>(got);
  return got > 0;
}

Result<void> SegmentReader::State::start_member() {
  plain = form == TextForm::kGzipOrPlain && members == 0 && *inflater.next_in != kGzipBegin;
  if (plain) return {};
  if (*inflater.next_in != kGzipBegin)
    return corrupt(members == 0 ? "not gzip" : "bytes behind the end of the gzip data");
  const auto* next_in = inflater.next_in;
  const auto avail_in = inflater.avail_in;
  isal_inflate_init(&inflater);
  inflater.next_in = const_cast<std::uint8_t*>(next_in);
  inflater.avail_in = avail_in;
  inflater.crc_flag = ISAL_GZIP;
  isal_gzip_header_init(&header);
  in_header = in_member = true;
  return {};
}

// The inflater would read it too, but forgets what it has read of it where the input ends in between.
Result<void> SegmentReader::State::read_header() {
  const int code = isal_read_gzip_header(&inflater, &header);
  if (code == ISAL_END_INPUT) return {};
  if (code == ISAL_INVALID_WRAPPER && members > 0) return corrupt("bytes behind the end of the gzip data");
  if (code != ISAL_DECOMP_OK) return corrupt(inflate_problem(code));
  if ((header.flags & kReservedFlags) != 0) return corrupt("gzip header with unknown flags");
  in_header = false;
  return {};
}

void SegmentReader::State::copy_more() {
  const std::size_t got = std::min<std::size_t>(capacity - end, inflater.avail_in);
  std::memcpy(text.get() + end, inflater.next_in, got);
  inflater.next_in += got;
  inflater.avail_in -= static_cast<std::uint32_t>(got);
  end += got;
  inflated += static_cast<std::int64_t>(got);
}

// One round: until the input or the room for text is used up, or the member ends.
Result<void> SegmentReader::State::inflate() {
  if (plain) {
    copy_more();
    return {};
  }
  if (in_header) CV_TRY(read_header());
  return in_header ? Result<void>() : inflate_more();
}

Result<void> SegmentReader::State::inflate_more() {
  const std::size_t room = capacity - end;
  inflater.next_out = reinterpret_cast<std::uint8_t*>(text.get() + end);
  inflater.avail_out = static_cast<std::uint32_t>(room);
  const int code = isal_inflate(&inflater);
  const std::size_t got = room - inflater.avail_out;
  end += got;
  inflated += static_cast<std::int64_t>(got);
  if (code < 0 || code == ISAL_NEED_DICT) return corrupt(inflate_problem(code));
  if (inflater.block_state == ISAL_BLOCK_FINISH) {
    in_member = false;
    ++members;
  }
  return {};
}

std::string_view SegmentReader::State::take(std::size_t until) {
  std::string_view lines(text.get() + begin, until - begin);
  begin = until;
  if (!handed_out && form == TextForm::kGzipOrPlain && lines.starts_with(kByteOrderMark))
    lines.remove_prefix(kByteOrderMark.size());
  handed_out = true;
  return lines;
}

Result<std::string_view> SegmentReader::State::next() {
  if (ended) return std::string_view();
  CV_TRY(make_room());
  std::size_t searched = end;  // the unfinished line that was kept has no line break
  while (true) {
    if (capacity - end < kTextRoom) {
      const void* const found = memrchr(text.get() + searched, '\n', end - searched);
      if (found != nullptr)
        return take(static_cast<std::size_t>(static_cast<const char*>(found) - text.get()) + 1);
      CV_TRY(make_room());
      searched = end;
    }
    if (inflater.avail_in == 0) {
      CV_ASSIGN(const bool more, refill());
      if (!more && !in_member) break;
      if (!more) {
        // A last round: text may wait in the inflater for room.
        const std::size_t before = end;
        CV_TRY(inflate());
        if (end == before && in_member) return corrupt("gzip data is cut");
        continue;
      }
    }
    if (!in_member && !plain) CV_TRY(start_member());
    CV_TRY(inflate());
  }
  if (members == 0 && form == TextForm::kGzip) return corrupt("empty file is not gzip");
  ended = true;
  if (end > begin && text[end - 1] != '\n') text[end++] = '\n';
  return take(end);
}

SegmentReader::SegmentReader(ByteSource& source, TextForm form)
    : state_(std::make_unique<State>(source, form)) {}
SegmentReader::~SegmentReader() = default;

Result<std::string_view> SegmentReader::next() {
  if (state_->failure) return *state_->failure;
  auto lines = state_->next();
  if (!lines.has_value()) state_->failure = lines.error();
  return lines;
}

std::int64_t SegmentReader::compressed_bytes() const {
  return state_->compressed;
}
std::int64_t SegmentReader::text_bytes() const {
  return state_->inflated;
}
std::int64_t SegmentReader::members() const {
  return state_->members;
}

namespace {

// Deflate makes at most 1032 bytes of one.
bool is_possible_length(std::int64_t text_bytes, std::size_t compressed) {
  return text_bytes >= 0 && static_cast<std::uint64_t>(text_bytes) <= compressed * std::uint64_t{1032} &&
         text_bytes < UINT32_MAX && compressed <= UINT32_MAX;
}

int inflate_more(inflate_state& inflater, std::string_view bytes) {
  inflater.next_in = bytes_of(bytes);
  inflater.avail_in = static_cast<std::uint32_t>(bytes.size());
  return isal_inflate(&inflater);
}

}  // namespace

Result<std::string> inflate_block(std::string_view compressed, std::int64_t text_bytes) {
  if (!compressed.ends_with(kFlushMark)) return corrupt("block does not end with a flush");
  if (!is_possible_length(text_bytes, compressed.size()))
    return corrupt("block cannot have the length it claims");
  // One byte more than the text, so that a full buffer does not keep the inflater from the flush behind it.
  std::string text(static_cast<std::size_t>(text_bytes) + 1, '\0');
  const auto inflater = std::make_unique<inflate_state>();
  isal_inflate_init(inflater.get());
  inflater->next_out = bytes_of(text);
  inflater->avail_out = static_cast<std::uint32_t>(text.size());
  const int code = inflate_more(*inflater, compressed);
  if (code < 0) return corrupt(std::string("block: ") + inflate_problem(code));
  const bool used_up = inflater->avail_in == 0;
  // Whole deflate blocks on a byte border, none of them the last: then, and only then, does an empty last
  // block end it.
  const bool ended = inflate_more(*inflater, kFinalBlock) == ISAL_DECOMP_OK && inflater->avail_in == 0 &&
                     inflater->block_state == ISAL_BLOCK_FINISH;
  if (!used_up || !ended || inflater->avail_out != 1) {
    return corrupt("block is cut, or does not have the length it claims");
  }
  text.pop_back();
  return text;
}

}  // namespace changevault
