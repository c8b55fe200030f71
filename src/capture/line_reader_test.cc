#include "capture/line_reader.h"

#include <random>

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"

namespace changevault::testing {
namespace {

// Hands out its bytes in pieces of chosen sizes.
class PieceInput final : public ByteInput {
 public:
  PieceInput(std::string bytes, unsigned seed, bool at_once)
      : bytes_(std::move(bytes)), random_(seed), at_once_(at_once) {}
  Result<std::size_t> read(std::span<char> into) override {
    const std::size_t wanted = std::min<std::size_t>(
        {at_once_ ? bytes_.size() : 1 + random_() % 7, into.size(), bytes_.size() - used_});
    bytes_.copy(into.data(), wanted, used_);
    used_ += wanted;
    return wanted;
  }

 private:
  std::string bytes_;
  std::size_t used_ = 0;
  std::mt19937 random_;
  bool at_once_;
};

std::string gzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

struct Lines {
  std::vector<std::string> lines;
  std::optional<ErrorCode> error;
  bool operator==(const Lines&) const = default;
};

Lines lines_of(const std::string& bytes, unsigned seed = 1, bool at_once = false) {
  Lines read;
  auto input = value(inflate_if_gzip(std::make_unique<PieceInput>(bytes, seed, at_once), "test"));
  LineReader reader(std::move(input), "test");
  while (true) {
    const auto line = reader.next();
    if (!line) {
      read.error = line.error().code;
      return read;
    }
    if (!*line) return read;
    read.lines.emplace_back(**line);
    EXPECT_EQ(reader.line(), static_cast<std::int64_t>(read.lines.size()));
  }
}

using Texts = std::vector<std::string>;

TEST(LineReader, TakesLineEndsAndNothingElse) {
  EXPECT_EQ(lines_of("").lines, Texts{});
  EXPECT_EQ(lines_of("\n").lines, (Texts{""}));
  EXPECT_EQ(lines_of("a\nb").lines, (Texts{"a", "b"}));
  EXPECT_EQ(lines_of("a\r\nb\r\n").lines, (Texts{"a", "b"}));
  EXPECT_EQ(lines_of(" a \t\n\n\rb\r\r\nc\r").lines, (Texts{" a \t", "", "\rb\r", "c\r"}));
  EXPECT_EQ(lines_of(std::string("a\0b\nc", 5)).lines, (Texts{std::string("a\0b", 3), "c"}));
}

TEST(LineReader, TakesAByteOrderMarkAtTheStartOnly) {
  EXPECT_EQ(lines_of("\xef\xbb\xbf{}\n\xef\xbb\xbf{}\n").lines, (Texts{"{}", "\xef\xbb\xbf{}"}));
  EXPECT_EQ(lines_of("\xef\xbb").lines, (Texts{"\xef\xbb"}));
  EXPECT_EQ(lines_of(gzip("\xef\xbb\xbf{}\n")).lines, (Texts{"{}"}));
}

TEST(LineReader, ReadsGzipOfSeveralMembers) {
  EXPECT_EQ(lines_of(gzip("a\nb")), (Lines{{"a", "b"}, std::nullopt}));
  EXPECT_EQ(lines_of(gzip("a\nb") + gzip("") + gzip("c\nd\n")), (Lines{{"a", "bc", "d"}, std::nullopt}));
}

TEST(LineReader, ACutOrDamagedGzipFileGivesWhatCameBefore) {
  const std::string whole = gzip("first\nsecond\n");
  for (std::size_t cut = 2; cut < whole.size(); ++cut) {
    EXPECT_EQ(lines_of(whole.substr(0, cut)).error, ErrorCode::kCorrupt) << cut;
  }
  EXPECT_EQ(lines_of(whole.substr(0, whole.size() - 1)).lines, (Texts{"first", "second"}));
  std::string flipped = whole;
  flipped[whole.size() - 6] ^= 1;  // in the checksum
  for (const bool at_once : {false, true}) {
    EXPECT_EQ(lines_of(flipped, 1, at_once), (Lines{{"first", "second"}, ErrorCode::kCorrupt}));
  }
  EXPECT_EQ(lines_of(whole + "garbage").error, ErrorCode::kCorrupt);
}

TEST(LineReader, AnySizesOfReadsGiveTheSameLines) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 50; ++round) {
    std::string text;
    for (auto size = random() % 300; size > 0; --size) text.push_back("ab\r\n"[random() % 4]);
    Texts expected;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = text.find('\n', begin);
      std::string line = text.substr(begin, end - begin);
      if (end != std::string::npos && line.ends_with('\r')) line.pop_back();
      expected.push_back(line);
      begin = end == std::string::npos ? text.size() : end + 1;
    }
    EXPECT_EQ(lines_of(text, static_cast<unsigned>(random())), (Lines{expected, std::nullopt}));
    EXPECT_EQ(lines_of(gzip(text), static_cast<unsigned>(random())), (Lines{expected, std::nullopt}));
  }
}

TEST(LineReader, ALineOverTheLimitIsAnError) {
  class Endless final : public ByteInput {
   public:
    Result<std::size_t> read(std::span<char> into) override {
      std::ranges::fill(into, 'x');
      return into.size();
    }
  };
  LineReader reader(std::make_unique<Endless>(), "endless");
  EXPECT_ERROR(reader.next(), ErrorCode::kCorrupt);
}

TEST(LineReader, FilesThatAreNoneAreSaid) {
  const TempDir folder;
  EXPECT_ERROR(LineReader::open(folder / "absent", {}), ErrorCode::kNotFound);
  EXPECT_ERROR(LineReader::open(folder.path().string(), {}), ErrorCode::kUsage);
}

TEST(LineReader, APipeWithoutBytesWouldWaitAndStops) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], "one\ntwo\nthr", 11), 11);
  std::stop_source stop;
  auto reader = value(LineReader::open("/dev/fd/" + std::to_string(ends[0]), stop.get_token()));
  EXPECT_FALSE(reader->would_wait());
  EXPECT_EQ(value(reader->next()), "one");
  EXPECT_FALSE(reader->would_wait());
  EXPECT_EQ(value(reader->next()), "two");
  EXPECT_TRUE(reader->would_wait());
  stop.request_stop();
  EXPECT_ERROR(reader->next(), ErrorCode::kCancelled);
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace changevault::testing
