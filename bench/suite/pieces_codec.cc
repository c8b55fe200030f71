// Pieces without a database: our writer and reader, and the compressors alone.
#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>

#include <fmt/core.h>
#include <isa-l/igzip_lib.h>
#include <nlohmann/json.hpp>
#include <zlib.h>

#include "archive/open_batch.h"
#include "bench/suite/pieces.h"
#include "codec/record_scanner.h"
#include "codec/segment_reader.h"
#include "store/file/file_store.h"

namespace changevault::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kBatchMemory = std::int64_t{64} << 20;
constexpr std::size_t kBlockBytes = std::size_t{1} << 20;

void must(const Result<void>& result) {
  if (!result) throw Failed(result.error().message);
}

template <typename T>
T must(Result<T> result) {
  if (!result) throw Failed(result.error().message);
  return std::move(*result);
}

// Views into `text`.
std::vector<HubEvent> events_of(std::string_view text) {
  std::vector<HubEvent> out;
  for (std::int64_t n = 0; !text.empty(); ++n) {
    const std::size_t end = text.find('\n');
    const Timestamp time = *from_date(2025, 1, 15) + hours(14) + milliseconds(n % 3'600'000);
    out.push_back({PartitionId(0), Sequence(n), "123456", time, text.substr(0, end)});
    text.remove_prefix(end + 1);
  }
  return out;
}

std::int64_t write(ObjectStore& store, std::vector<ClosedSegment> segments, int batch) {
  std::int64_t text = 0;
  for (std::size_t n = 0; n < segments.size(); ++n) {
    const FinishedSegment& finished = segments[n].finished;
    for (const BlockFacts& block : finished.facts.blocks) text += block.text_bytes;
    must(store.put_if_absent(fmt::format("segment-{}-{}.jsonl.gz", batch, n), finished.bytes));
  }
  return text;
}

}  // namespace

PieceResult archive_piece(const std::string& event_file, const std::string& folder) {
  const std::string lines = read_file(event_file);
  const std::vector<HubEvent> events = events_of(lines);
  fs::remove_all(folder);
  fs::create_directories(folder);
  const auto store = must(FileStore::open(folder, true));
  const RecordIdentity identity{"default", "bench", Epoch(0)};
  const Stopwatch watch;
  RecordBuilder builder(identity);
  BlockWorker compressor(1);
  OpenBatch batch({});
  std::int64_t text = 0;
  int batches = 0;
  for (const HubEvent& event : events) {
    batch.add(event, event.broker_time, event.broker_time, builder, identity, compressor);
    if (batch.memory() > kBatchMemory) text += write(*store, batch.close(compressor), batches++);
  }
  text += write(*store, batch.close(compressor), batches);
  Sample sample = watch.stop();
  sample.amount = static_cast<double>(text) / 1e6;
  return {sample, fmt::format(R"({{"text_bytes":{}}})", text)};
}

PieceResult isal_piece(const std::string& text_file) {
  const std::string text = read_file(text_file);
  std::vector<std::uint8_t> tables(ISAL_DEF_LVL1_DEFAULT);
  std::vector<std::uint8_t> out(2 * kBlockBytes);
  isal_zstream stream{};
  isal_deflate_init(&stream);
  std::int64_t compressed = 0;
  const Stopwatch watch;
  stream.level = 1;
  stream.level_buf = tables.data();
  stream.level_buf_size = static_cast<std::uint32_t>(tables.size());
  stream.gzip_flag = IGZIP_GZIP;
  for (std::size_t at = 0; at < text.size(); at += kBlockBytes) {
    const std::size_t size = std::min(kBlockBytes, text.size() - at);
    stream.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data())) + at;
    stream.avail_in = static_cast<std::uint32_t>(size);
    stream.end_of_stream = at + size == text.size() ? 1 : 0;
    do {
      stream.next_out = out.data();
      stream.avail_out = static_cast<std::uint32_t>(out.size());
      if (isal_deflate(&stream) != COMP_OK) throw Failed("ISA-L cannot compress");
      compressed += static_cast<std::int64_t>(out.size() - stream.avail_out);
    } while (stream.avail_out == 0);
  }
  Sample sample = watch.stop();
  sample.amount = static_cast<double>(stream.total_in) / 1e6;
  return {sample, fmt::format(R"({{"text_bytes":{},"bytes":{}}})", stream.total_in, compressed)};
}

PieceResult zlib_piece(const std::string& text_file, std::size_t permille) {
  std::string text = read_file(text_file);
  text.resize(text.size() / 1000 * permille);
  std::vector<Bytef> out(kBlockBytes);
  z_stream stream{};
  if (deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw Failed("zlib");
  const Stopwatch watch;
  stream.next_in = reinterpret_cast<Bytef*>(text.data());
  stream.avail_in = static_cast<uInt>(text.size());
  int state = Z_OK;
  while (state == Z_OK) {
    stream.next_out = out.data();
    stream.avail_out = static_cast<uInt>(out.size());
    state = deflate(&stream, Z_FINISH);
  }
  Sample sample = watch.stop();
  sample.amount = static_cast<double>(stream.total_in) / 1e6;
  const auto read = stream.total_in;
  deflateEnd(&stream);
  if (state != Z_STREAM_END) throw Failed("zlib cannot compress");
  return {sample, fmt::format(R"({{"text_bytes":{}}})", read)};
}

PieceResult count_piece(const std::vector<std::string>& files) {
  std::map<std::string, std::int64_t, std::less<>> total;
  std::int64_t text = 0;
  std::mutex mutex;
  std::atomic<std::size_t> next{0};
  std::string failure;
  const auto count = [&] {
    std::map<std::string, std::int64_t, std::less<>> counts;
    std::int64_t bytes = 0;
    RecordScanner scanner;
    for (std::size_t n = next++; n < files.size(); n = next++) {
      const std::string compressed = read_file(files[n]);
      StringSource source(compressed);
      SegmentReader reader(source);
      while (true) {
        const std::string_view lines = must(reader.next());
        if (lines.empty()) break;
        bytes += static_cast<std::int64_t>(lines.size());
        must(for_each_line(lines, [&](std::string_view line) -> Result<void> {
          CV_ASSIGN(const RecordView record, scanner.scan(line));
          const auto it = counts.find(record.operation_type);
          if (it != counts.end()) {
            ++it->second;
          } else {
            counts.emplace(record.operation_type, 1);
          }
          return {};
        }));
      }
    }
    const std::lock_guard lock(mutex);
    text += bytes;
    for (const auto& [operation, n] : counts) total[operation] += n;
  };
  const auto guarded = [&] {
    try {
      count();
    } catch (const Failed& failed) {
      const std::lock_guard lock(mutex);
      failure = failed.what();
    }
  };
  const Stopwatch watch;
  {
    std::vector<std::jthread> threads;
    for (unsigned n = 0; n < std::max(1U, std::thread::hardware_concurrency()); ++n)
      threads.emplace_back(guarded);
  }
  if (!failure.empty()) throw Failed(failure);
  Sample sample = watch.stop();
  sample.amount = static_cast<double>(text) / 1e6;
  return {sample, nlohmann::json(total).dump()};
}

}  // namespace changevault::bench
