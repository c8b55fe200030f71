// Speed of the codec on one core, in bytes of input: events to records, records to blocks, blocks to lines,
// lines to fields. Each benchmark checks its result.
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "codec/record_builder.h"
#include "codec/record_scanner.h"
#include "codec/segment_reader.h"
#include "codec/segment_writer.h"

namespace changevault {
namespace {

constexpr std::size_t kEvents = 20'000;

// An order of about 750 bytes as a driver writes it in relaxed or canonical form.
std::string event_of(std::size_t n, bool canonical) {
  const auto number = [canonical](const std::string& digits) {
    return canonical ? R"({"$numberInt":")" + digits + "\"}" : digits;
  };
  const std::string id = std::to_string(100'000'000 + n * 7919 % 900'000'000);
  const std::string key = R"({"_id":{"$oid":"65a5f0c2e4b0a1b)" + id + "\"}}";
  std::string items;
  for (std::size_t i = 0; i < 4; ++i) {
    items += (i > 0 ? "," : "") + std::string(R"({"sku":"SKU-)") + std::to_string(n * 31 + i * 17) +
             R"(","qty":)" + number(std::to_string(1 + (n + i) % 9)) + R"(,"price":)" +
             std::to_string(n % 500) + ".95}";
  }
  return R"({"_id":{"_data":"8265A5F0C2000000012B022C0100296E5A1004)" + id + id +
         R"("},"operationType":"insert",)" + R"("clusterTime":{"$timestamp":{"t":1736949787,"i":)" +
         std::to_string(n) + R"(}},"wallTime":{"$date":)" +
         R"("2025-01-15T14:03:07.042Z"},"ns":{"db":"inventory_db","coll":"products"},"documentKey":)" + key +
         R"(,"fullDocument":{"_id":{"$oid":"65a5f0c2e4b0a1b)" + id + R"("},"customer":"customer-)" + id +
         R"(","status":"new","note":"left at the front desk, please call before 18:00","items":[)" + items +
         R"(],"total":)" + number(std::to_string(n % 10'000)) + "}}";
}

std::vector<std::string> events(bool canonical) {
  std::vector<std::string> out;
  for (std::size_t n = 0; n < kEvents; ++n) out.push_back(event_of(n, canonical));
  return out;
}

HubEvent hub_event(std::size_t n, const std::string& payload) {
  return {PartitionId(3), Sequence(static_cast<std::int64_t>(n)), "123456", Timestamp{1736949787042},
          payload};
}

std::string records(bool canonical) {
  RecordBuilder builder({"s", "h", Epoch(0)});
  std::string out;
  const auto all = events(canonical);
  for (std::size_t n = 0; n < all.size(); ++n) {
    const HubEvent event = hub_event(n, all[n]);
    builder.append_record(builder.parse(event).value(), event, event.broker_time, event.broker_time, out);
  }
  return out;
}

FinishedSegment segment(const std::string& text) {
  BlockWorker compressor(1);
  SegmentWriter writer({});
  std::int64_t n = 0;
  (void)for_each_line(text, [&](std::string_view line) -> Result<void> {
    writer.text().append(line).push_back('\n');
    writer.added({Sequence(n++), Timestamp{n}, EventId{1, static_cast<std::uint64_t>(n)}, "insert"},
                 compressor);
    return {};
  });
  return writer.finish(compressor);
}

void set_bytes(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * static_cast<std::int64_t>(state.iterations()));
}

void parse_events(benchmark::State& state) {
  const auto all = events(state.range(0) != 0);
  std::size_t bytes = 0;
  for (const std::string& event : all) bytes += event.size();
  RecordBuilder builder({"s", "h", Epoch(0)});
  for (auto _ : state) {
    std::size_t good = 0;
    for (std::size_t n = 0; n < all.size(); ++n)
      good += builder.parse(hub_event(n, all[n])).has_value() ? 1 : 0;
    if (good != kEvents) state.SkipWithError("events were refused");
  }
  set_bytes(state, bytes);
}
BENCHMARK(parse_events)->Arg(0)->Arg(1);

void build_records(benchmark::State& state) {
  const auto all = events(state.range(0) != 0);
  std::size_t bytes = 0;
  for (const std::string& event : all) bytes += event.size();
  RecordBuilder builder({"s", "h", Epoch(0)});
  std::string out;
  for (auto _ : state) {
    out.clear();
    for (std::size_t n = 0; n < all.size(); ++n) {
      const HubEvent event = hub_event(n, all[n]);
      const auto parsed = builder.parse(event);
      if (parsed) builder.append_record(*parsed, event, event.broker_time, event.broker_time, out);
    }
    if (out.size() < bytes) state.SkipWithError("records are missing");
  }
  set_bytes(state, bytes);
}
BENCHMARK(build_records)->Arg(0)->Arg(1);

void write_segment(benchmark::State& state) {
  const std::string text = records(false);
  for (auto _ : state) {
    if (segment(text).facts.records != kEvents) state.SkipWithError("records are missing");
  }
  set_bytes(state, text.size());
}
BENCHMARK(write_segment);

void read_segment(benchmark::State& state) {
  const std::string text = records(false);
  const std::string bytes = segment(text).bytes;
  for (auto _ : state) {
    StringSource source(bytes);
    SegmentReader reader(source);
    std::size_t got = 0;
    for (auto lines = reader.next(); lines && !lines->empty(); lines = reader.next()) got += lines->size();
    if (got != text.size()) state.SkipWithError("text is missing");
  }
  set_bytes(state, text.size());
}
BENCHMARK(read_segment);

void scan_records(benchmark::State& state) {
  std::string text = records(false);
  text.reserve(text.size() + kScanPadding);
  RecordScanner scanner;
  for (auto _ : state) {
    const auto done = for_each_line(text, [&](std::string_view line) -> Result<void> {
      CV_TRY(scanner.scan(line, state.range(0) != 0));
      return {};
    });
    if (!done) state.SkipWithError("a record was refused");
  }
  set_bytes(state, text.size());
}
BENCHMARK(scan_records)->Arg(0)->Arg(1);

}  // namespace
}  // namespace changevault

BENCHMARK_MAIN();
