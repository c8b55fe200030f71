// Writer and reader of segments, against each other and against zlib.
#include <random>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <zlib.h>

#include "base/hash.h"
#include "codec/gzip_format.h"
#include "codec/record_scanner.h"
#include "codec/segment_reader.h"
#include "codec/segment_writer.h"
#include "tests/support/expect.h"
#include "tests/support/piece_source.h"

namespace changevault {
namespace {

using testing::PieceSource;
using testing::value;

std::string line_of(std::uint64_t n, std::size_t length) {
  std::mt19937_64 random(n);
  std::string line = "{\"n\":" + std::to_string(n) + ",\"x\":\"";
  while (line.size() < length) line += to_hex(random());
  return line + "\"}\n";
}

struct Written {
  FinishedSegment segment;
  std::string text;
};

Written write(std::size_t lines, std::size_t line_bytes, SegmentOptions options, BlockWorker& worker) {
  SegmentWriter writer(options);
  Written written;
  for (std::size_t n = 0; n < lines; ++n) {
    const std::string line = line_of(n, line_bytes);
    writer.text() += line;
    written.text += line;
    const auto number = static_cast<std::int64_t>(n);
    writer.added({Sequence(100 + 2 * number), Timestamp{1000 + number}, EventId{n / 2, n / 2},
                  n % 3 == 0 ? "insert" : "update"},
                 worker);
  }
  written.segment = writer.finish(worker);
  return written;
}

Written write(std::size_t lines, std::size_t line_bytes = 200, SegmentOptions options = {4096, 1}) {
  BlockWorker worker(options.gzip_level);
  return write(lines, line_bytes, options, worker);
}

Result<std::string> read_all(ByteSource& source, TextForm form = TextForm::kGzip) {
  SegmentReader reader(source, form);
  std::string text;
  while (true) {
    CV_ASSIGN(const std::string_view lines, reader.next());
    if (lines.empty()) return text;
    if (!lines.ends_with('\n')) return Error(ErrorCode::kInternal, "not whole lines");
    text += lines;
  }
}

Result<std::string> read_all(std::string_view bytes) {
  StringSource source(bytes);
  return read_all(source);
}

// zlib's view of a file of exactly one member of at most `room` bytes: its text, or what is wrong.
std::string gunzip(const std::string& bytes, std::size_t room) {
  z_stream stream{};
  inflateInit2(&stream, 15 + 16);
  std::string text(room, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  const int code = inflate(&stream, Z_FINISH);
  text.resize(stream.total_out);
  const bool whole = code == Z_STREAM_END && stream.avail_in == 0;
  inflateEnd(&stream);
  return whole ? text : "zlib: " + std::to_string(code);
}

std::string gzip(std::string_view text, int level = 6) {
  z_stream stream{};
  deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(text.size() + text.size() / 100 + 100, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST(Segment, IsOneGzipMemberForEverybody) {
  for (const int level : {0, 1, 2, 3}) {
    for (const std::size_t lines : {1U, 2U, 19U, 1000U}) {
      const Written w = write(lines, 300, {4096, level});
      EXPECT_EQ(gunzip(w.segment.bytes, w.text.size() + 1), w.text);
      EXPECT_EQ(value(read_all(w.segment.bytes)), w.text);
    }
  }
}

TEST(Segment, CountsWhatIsInside) {
  const Written w = write(1001);
  const SegmentFacts& f = w.segment.facts;
  EXPECT_EQ(f.records, 1001);
  EXPECT_EQ(f.operations, (OperationCounts{{"insert", 334}, {"update", 667}}));
  EXPECT_EQ(f.first, Sequence(100));
  EXPECT_EQ(f.last, Sequence(2100));
  EXPECT_EQ(f.min_time, Timestamp{1000});
  EXPECT_EQ(f.max_time, Timestamp{2000});
  EXPECT_EQ(f.bytes, static_cast<std::int64_t>(w.segment.bytes.size()));
  EXPECT_EQ(f.text_bytes, static_cast<std::int64_t>(w.text.size()));
  EXPECT_EQ(f.sha256, sha256_hex(w.segment.bytes));
  const Md5 file_md5 = md5(w.segment.bytes);
  EXPECT_EQ(f.md5, to_hex(std::string_view(reinterpret_cast<const char*>(file_md5.data()), file_md5.size())));
  EXPECT_EQ(f.distinct, 501);
  EXPECT_EQ(f.digest, 2U * (499U * 500U / 2U) + 500U);
}

TEST(Segment, BlocksTileTheFileAndInflateAlone) {
  const Written w = write(1000);
  const SegmentFacts& f = w.segment.facts;
  ASSERT_GT(f.blocks.size(), 10U);
  std::int64_t byte = static_cast<std::int64_t>(kGzipHeader.size());
  std::int64_t text = 0;
  std::int64_t records = 0;
  std::uint64_t digest = 0;
  for (const BlockFacts& b : f.blocks) {
    EXPECT_EQ(b.byte_offset, byte);
    EXPECT_EQ(b.text_offset, text);
    EXPECT_EQ(b.first, Sequence(100 + 2 * records));
    EXPECT_EQ(b.min_time, Timestamp{1000 + records});
    EXPECT_EQ(b.max_time, Timestamp{1000 + records + b.records - 1});
    const std::string bytes =
        w.segment.bytes.substr(static_cast<std::size_t>(b.byte_offset), static_cast<std::size_t>(b.bytes));
    EXPECT_EQ(b.sha256, sha256_hex(bytes));
    EXPECT_EQ(value(inflate_block(bytes, b.text_bytes)),
              w.text.substr(static_cast<std::size_t>(text), static_cast<std::size_t>(b.text_bytes)));
    EXPECT_TRUE(bytes.ends_with(kFlushMark));
    EXPECT_TRUE(b.text_bytes >= 4096 || &b == &f.blocks.back());
    byte += b.bytes;
    text += b.text_bytes;
    records += b.records;
    digest += b.digest;
  }
  EXPECT_EQ(byte, f.bytes - static_cast<std::int64_t>(kFinalBlock.size() + kGzipTrailerBytes));
  EXPECT_EQ(text, f.text_bytes);
  EXPECT_EQ(records, f.records);
  EXPECT_EQ(digest, f.digest);
}

TEST(Segment, SameRecordsMakeTheSameBytesWhateverCameBefore) {
  BlockWorker used(1);
  (void)write(500, 1000, {4096, 1}, used);
  const Written again = write(100, 300, {4096, 1}, used);
  EXPECT_EQ(again.segment.bytes, write(100, 300).segment.bytes);
}

TEST(Segment, BehindTheBackTheBytesAreTheSame) {
  BlockWorker behind(1, BlockWorker::Mode::kBehind);
  for (const std::size_t lines : {1UL, 20UL, 21UL, 3000UL}) {
    const Written there = write(lines, 300, {4096, 1}, behind);
    EXPECT_EQ(there.segment.bytes, write(lines, 300).segment.bytes);
    EXPECT_EQ(there.segment.facts, write(lines, 300).segment.facts);
  }
}

// Several segments are filled in turn by one thread; some are given up in the middle.
TEST(Segment, ManyAtOnceBehindTheBack) {
  BlockWorker behind(1, BlockWorker::Mode::kBehind);
  std::vector<std::string> bytes;
  {
    std::vector<SegmentWriter> writers;
    for (int n = 0; n < 8; ++n) writers.emplace_back(SegmentOptions{4096, 1});
    for (std::size_t n = 0; n < 2000; ++n) {
      for (SegmentWriter& writer : writers) {
        writer.text() += line_of(n, 200);
        writer.added({Sequence(static_cast<std::int64_t>(n)), Timestamp{1}, EventId{n, n}, "insert"}, behind);
      }
      if (n == 1000) writers.erase(writers.begin() + 3, writers.begin() + 5);
    }
    for (SegmentWriter& writer : writers) bytes.push_back(writer.finish(behind).bytes);
  }
  ASSERT_EQ(bytes.size(), 6U);
  for (const std::string& each : bytes) EXPECT_EQ(each, bytes.front());
  std::string text;
  for (std::size_t n = 0; n < 2000; ++n) text += line_of(n, 200);
  EXPECT_EQ(gunzip(bytes.front(), text.size() + 1), text);
}

// What is known of finished blocks must not hang on the speed of threads: flushes would not be repeatable.
TEST(Segment, ProgressBehindTheBackIsTheSameInEveryRun) {
  std::vector<std::int64_t> first;
  for (int run = 0; run < 20; ++run) {
    BlockWorker behind(1, BlockWorker::Mode::kBehind);
    SegmentWriter writer({4096, 1});
    std::vector<std::int64_t> seen;
    for (std::size_t n = 0; n < 400; ++n) {
      writer.text() += line_of(n, 300);
      writer.added({Sequence(static_cast<std::int64_t>(n)), Timestamp{1}, EventId{n, n}, "insert"}, behind);
      seen.push_back(writer.compressed());
    }
    EXPECT_GT(seen.back(), 0);
    if (run == 0) first = seen;
    EXPECT_EQ(seen, first);
  }
}

TEST(Segment, BlockThatEndsExactlyAtTheEndLeavesNoEmptyOne) {
  const std::size_t line = line_of(0, 200).size();
  const Written w = write(1, 200, {static_cast<std::int64_t>(line), 1});
  EXPECT_EQ(w.segment.facts.blocks.size(), 1U);
  EXPECT_EQ(gunzip(w.segment.bytes, w.text.size() + 1), w.text);
}

TEST(Segment, DeadLettersHaveNoOperationsAndNoIds) {
  BlockWorker worker(1);
  SegmentWriter writer({});
  writer.text() += "{}\n";
  writer.added({Sequence(7), Timestamp{5}, EventId{1, 1}, ""}, worker);
  EXPECT_EQ(writer.records(), 1);
  EXPECT_EQ(writer.blocks(), 0U);
  EXPECT_GT(writer.memory(), 0);
  const SegmentFacts facts = writer.finish(worker).facts;
  EXPECT_EQ(facts.records, 1);
  EXPECT_TRUE(facts.operations.empty());
  EXPECT_EQ(facts.distinct, 0);
  EXPECT_EQ(facts.digest, 0U);
}

TEST(Segment, ProgressGoesByFinishedBlocks) {
  BlockWorker worker(1);
  SegmentWriter writer({100, 1});
  EXPECT_EQ(writer.compressed(), 0);
  writer.text() += std::string(200, 'x') + "\n";
  writer.added({Sequence(1), Timestamp{5}, EventId{1, 1}, "insert"}, worker);
  EXPECT_EQ(writer.blocks(), 1U);
  EXPECT_GT(writer.compressed(), 0);
  SegmentWriter empty({});
  EXPECT_THROW((void)empty.finish(worker), std::logic_error);
}

TEST(Segment, TextThatDoesNotCompressSurvives) {
  std::mt19937_64 random(1);
  std::string text;
  for (int i = 0; i < 200'000; ++i) text.push_back(static_cast<char>(random()));
  for (const int level : {0, 1, 2, 3}) {
    BlockCompressor compressor(level);
    std::string block;
    compressor.compress(text, block);
    EXPECT_EQ(value(inflate_block(block, static_cast<std::int64_t>(text.size()))), text);
  }
}

TEST(InflateBlock, RefusesWhatIsNotThatBlock) {
  const Written w = write(100);
  const BlockFacts& second = w.segment.facts.blocks.at(1);
  const std::string block = w.segment.bytes.substr(static_cast<std::size_t>(second.byte_offset),
                                                   static_cast<std::size_t>(second.bytes));
  for (const std::int64_t length :
       {second.text_bytes - 1, second.text_bytes + 1, std::int64_t{0}, std::int64_t{-1}, INT64_MAX}) {
    EXPECT_ERROR(inflate_block(block, length), ErrorCode::kCorrupt);
  }
  for (std::size_t n = 0; n < block.size(); ++n) {
    EXPECT_ERROR(inflate_block(block.substr(0, n), second.text_bytes), ErrorCode::kCorrupt);
  }
  EXPECT_ERROR(inflate_block(block + "x", second.text_bytes), ErrorCode::kCorrupt);
  EXPECT_ERROR(inflate_block(block + std::string(kFinalBlock), second.text_bytes), ErrorCode::kCorrupt);
  EXPECT_ERROR(inflate_block(w.segment.bytes, second.text_bytes), ErrorCode::kCorrupt);
}

TEST(SegmentReader, ReadsWhatOthersWrote) {
  const std::string a = "{\"a\":1}\n";
  const std::string b = "{\"b\":2}";
  for (const std::string& bytes :
       {gzip(a + b), gzip(a) + gzip(b), gzip("") + gzip(a.substr(0, 3)) + gzip(a.substr(3) + b) + gzip(""),
        gzip(a + b, 0)}) {
    for (std::size_t piece = 1; piece < 70; ++piece) {
      PieceSource source(bytes, piece);
      EXPECT_EQ(value(read_all(source)), a + b + "\n") << piece;
    }
  }
  EXPECT_EQ(value(read_all(gzip(""))), "");
}

TEST(SegmentReader, ReadsPlainTextWhereItIsAskedTo) {
  const std::string a = "{\"a\":1}\n";
  for (std::size_t piece = 1; piece < 20; ++piece) {
    const std::string text = a + a + "{\"b\":2}";
    PieceSource source(text, piece);
    EXPECT_EQ(value(read_all(source, TextForm::kGzipOrPlain)), text + "\n") << piece;
    const std::string members = gzip(a) + gzip(a);
    PieceSource packed(members, piece);
    EXPECT_EQ(value(read_all(packed, TextForm::kGzipOrPlain)), a + a) << piece;
  }
  std::string much;
  for (int i = 0; i < 300'000; ++i) much += "{\"line\":" + std::to_string(i) + "}\n";
  StringSource source(much);
  EXPECT_EQ(value(read_all(source, TextForm::kGzipOrPlain)), much);
  StringSource nothing("");
  EXPECT_EQ(value(read_all(nothing, TextForm::kGzipOrPlain)), "");
  const std::string member_and_text = gzip(a) + a;
  StringSource mixed(member_and_text);
  EXPECT_ERROR(read_all(mixed, TextForm::kGzipOrPlain), ErrorCode::kCorrupt);
  StringSource plain(a);
  EXPECT_ERROR(read_all(plain), ErrorCode::kCorrupt);
  const std::string mark = "\xef\xbb\xbf";
  for (const std::string& marked : {mark + a, gzip(mark) + gzip(a), gzip(mark + a)}) {
    PieceSource source_of_marked(marked, 1);
    EXPECT_EQ(value(read_all(source_of_marked, TextForm::kGzipOrPlain)), a);
  }
  const std::string good = gzip(a);
  for (std::size_t n = 1; n < good.size(); ++n) {
    PieceSource cut(std::string_view(good).substr(0, n), 7);
    EXPECT_ERROR(read_all(cut, TextForm::kGzipOrPlain), ErrorCode::kCorrupt);
  }
  EXPECT_EQ(plain_line("x\r"), "x");
  EXPECT_EQ(plain_line(" \t\r"), "");
}

TEST(SegmentReader, ReadsHeadersWithNamesAndExtras) {
  std::string bytes = gzip("x\n");
  bytes[3] = 4 | 8 | 16;  // extra field, name, comment
  bytes.insert(10, std::string("\x03\x00"
                               "abc"
                               "name.jsonl\0"
                               "comment\0",
                               24));
  EXPECT_EQ(value(read_all(bytes)), "x\n");
}

// The way `gzip FILE` writes it, wherever a read of the file ends.
TEST(SegmentReader, ReadsHeadersThatComeInPieces) {
  std::string member = gzip("x\n");
  member[3] = 2 | 4 | 8 | 16;  // checksum of the header, extra field, name, comment
  member.insert(10, std::string("\x03\x00"
                                "abc"
                                "name.jsonl\0"
                                "comment\0",
                                24));
  const auto header_crc = crc32(0, reinterpret_cast<const Bytef*>(member.data()), 34);
  member.insert(34, {static_cast<char>(header_crc & 0xFF), static_cast<char>(header_crc >> 8 & 0xFF)});
  for (std::size_t piece = 1; piece <= member.size(); ++piece) {
    PieceSource source(member, piece);
    EXPECT_EQ(value(read_all(source)), "x\n") << piece;
    const std::string two = member + member;
    PieceSource both(two, piece);
    EXPECT_EQ(value(read_all(both)), "x\nx\n") << piece;
  }
  member[34] = static_cast<char>(member[34] ^ 1);
  EXPECT_ERROR(read_all(member), ErrorCode::kCorrupt);
}

TEST(SegmentReader, RefusesHeaderFlagsThatNobodyKnows) {
  for (const int flag : {0x20, 0x40, 0x80}) {
    std::string bytes = gzip("x\n");
    bytes[3] = static_cast<char>(flag);
    EXPECT_ERROR(read_all(bytes), ErrorCode::kCorrupt);
  }
}

TEST(SegmentReader, CountsWhatItRead) {
  const std::string bytes = gzip("ab\n") + gzip("c");
  StringSource source(bytes);
  SegmentReader reader(source);
  while (!value(reader.next()).empty()) {
  }
  EXPECT_EQ(reader.compressed_bytes(), static_cast<std::int64_t>(bytes.size()));
  EXPECT_EQ(reader.text_bytes(), 4);
  EXPECT_EQ(reader.members(), 2);
}

TEST(SegmentReader, ReadsLinesOfAnyLengthInBoundedMemory) {
  std::string text;
  for (const std::size_t length : {10U, 3'000'000U, 5U, 2'097'151U, 2'097'152U, 0U, 9'000'000U, 1U}) {
    text += std::string(length, 'x') + "\n";
    for (int i = 0; i < 5000; ++i) text += "{\"short\":true}\n";
  }
  EXPECT_EQ(value(read_all(gzip(text, 1))), text);
}

TEST(SegmentReader, TextHasItsPadding) {
  const std::string bytes = gzip(std::string(5'000'000, 'x'));
  StringSource source(bytes);
  SegmentReader reader(source);
  const std::string_view lines = value(reader.next());
  unsigned sum = 0;
  for (std::size_t i = 0; i < kScanPadding; ++i)
    sum += static_cast<unsigned char>(lines.data()[lines.size() + i]);
  EXPECT_LE(sum, 255 * kScanPadding);  // the sanitizer is what checks here
}

TEST(SegmentReader, NamesWhatIsWrong) {
  const std::string good = gzip("{\"a\":1}\n");
  const auto problem = [](std::string_view bytes) {
    const auto text = read_all(bytes);
    EXPECT_TRUE(!text.has_value() && text.error().code == ErrorCode::kCorrupt);
    return text.has_value() ? "fine: " + *text : text.error().message;
  };
  EXPECT_EQ(problem(""), "empty file is not gzip");
  EXPECT_EQ(problem("{\"a\":1}\n"), "not gzip");
  EXPECT_EQ(problem("\x1f\x8c" + good.substr(2)), "not gzip");
  EXPECT_EQ(problem(good + "x"), "bytes behind the end of the gzip data");
  EXPECT_EQ(problem(good + std::string(512, '\0')), "bytes behind the end of the gzip data");
  EXPECT_EQ(problem(good + std::string(1, '\0')), "bytes behind the end of the gzip data");
  EXPECT_EQ(problem(good + "\x1f\x8bxxxxxxxxxxxxxxxxx").find("gzip"), 0U);
  for (std::size_t n = 1; n < good.size(); ++n) {
    EXPECT_EQ(problem(good.substr(0, n)), "gzip data is cut") << n;
    EXPECT_EQ(problem(good + good.substr(0, n)), "gzip data is cut") << n;
  }
  for (std::size_t i = good.size() - kGzipTrailerBytes; i < good.size(); ++i) {
    std::string flipped = good;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x10);
    EXPECT_EQ(problem(flipped), "gzip checksum or length does not match") << i;
  }
}

TEST(SegmentReader, AnErrorStays) {
  const std::string bytes = gzip("a\n") + "x";
  StringSource source(bytes);
  SegmentReader reader(source);
  EXPECT_ERROR(reader.next(), ErrorCode::kCorrupt);
  EXPECT_ERROR(reader.next(), ErrorCode::kCorrupt);
}

class FailingSource final : public ByteSource {
 public:
  Result<std::size_t> read(std::span<char>) override { return Error(ErrorCode::kUnreachable, "gone", "key"); }
};

TEST(SegmentReader, PassesOnTheErrorOfItsSource) {
  FailingSource source;
  SegmentReader reader(source);
  EXPECT_ERROR(reader.next(), ErrorCode::kUnreachable);
}

TEST(ForEachLine, StopsAtAnError) {
  int lines = 0;
  EXPECT_ERROR(for_each_line("a\nb\nc\n",
                             [&](std::string_view line) -> Result<void> {
                               ++lines;
                               if (line == "b") return Error(ErrorCode::kCancelled, "stop");
                               return {};
                             }),
               ErrorCode::kCancelled);
  EXPECT_EQ(lines, 2);
}

RC_GTEST_PROP(SegmentProperty, NoCutOrFlipGivesAnotherText, (std::uint64_t seed)) {
  static const Written w = write(300, 150);
  std::mt19937_64 random(seed);
  std::string bytes = w.segment.bytes;
  const auto at = static_cast<std::size_t>(random() % bytes.size());
  switch (random() % 3) {
    case 0:
      bytes.resize(at);
      break;
    case 1:
      bytes.insert(at, 1, static_cast<char>(random()));
      break;
    default:
      if (at >= 4 && at < kGzipHeader.size()) return;  // time, system: no part of the data
      bytes[at] = static_cast<char>(bytes[at] ^ 1 << random() % 8);
  }
  const auto text = read_all(bytes);
  // The bits that fill a byte up before a flush mean nothing, nor does the header's hint "text": only sha256
  // sees those.
  if (text.has_value()) {
    RC_ASSERT(bytes.size() == w.segment.bytes.size());
    RC_ASSERT(*text == w.text);
  } else {
    RC_ASSERT(text.error().code == ErrorCode::kCorrupt);
  }
}

RC_GTEST_PROP(SegmentProperty, AgreesWithZlibOnAnyLinesAndPieces, (std::uint64_t seed)) {
  std::mt19937_64 random(seed);
  const SegmentOptions options{static_cast<std::int64_t>(1 + random() % 20'000),
                               static_cast<int>(random() % 4)};
  const Written w = write(1 + random() % 200, 1 + random() % 2000, options);
  RC_ASSERT(gunzip(w.segment.bytes, w.text.size() + 1) == w.text);
  PieceSource source(w.segment.bytes, 1 + random() % 3000);
  RC_ASSERT(value(read_all(source)) == w.text);
  for (const BlockFacts& b : w.segment.facts.blocks) {
    const std::string_view bytes =
        std::string_view(w.segment.bytes)
            .substr(static_cast<std::size_t>(b.byte_offset), static_cast<std::size_t>(b.bytes));
    const auto text = inflate_block(bytes, b.text_bytes);
    RC_ASSERT(text.has_value());
    RC_ASSERT(*text ==
              w.text.substr(static_cast<std::size_t>(b.text_offset), static_cast<std::size_t>(b.text_bytes)));
  }
}

RC_GTEST_PROP(SegmentProperty, ReadsZlibsFilesOfAnyMembersAndPieces, (std::uint64_t seed)) {
  std::mt19937_64 random(seed);
  std::string bytes;
  std::string text;
  for (std::uint64_t members = 1 + random() % 5; members > 0; --members) {
    std::string part;
    for (std::uint64_t lines = random() % 50; lines > 0; --lines) part += line_of(random(), random() % 3000);
    part.resize(random() % (part.size() + 1));
    text += part;
    bytes += gzip(part, static_cast<int>(random() % 10));
  }
  if (!text.empty() && !text.ends_with('\n')) text += "\n";
  PieceSource source(bytes, 1 + random() % 5000);
  RC_ASSERT(value(read_all(source)) == text);
}

}  // namespace
}  // namespace changevault
