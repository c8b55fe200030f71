#include "bench/suite/year_archive.h"

#include <array>
#include <fstream>
#include <iterator>

#include <fmt/core.h>

#include "archive/chain.h"
#include "archive/ledger.h"
#include "archive/seal_content.h"
#include "base/hash.h"
#include "codec/segment_writer.h"
#include "store/key_layout.h"

namespace changevault::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::int32_t kPartitions = 4;

// One partition's chain, or that of the seals, while it is written.
struct Tail {
  std::string folder;
  Slot next{};
  std::string previous = kNoPrevious;
};

class Generator {
 public:
  Generator(fs::path folder, YearSize size) : archive_(std::move(folder) / "data/archive"), size_(size) {
    seals_.folder = layout_.seal_chain();
    std::ifstream in(archive_ / (seals_.folder + KeyLayout::slot_name(Slot(0))), std::ios::binary);
    const std::string hub{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (hub.empty()) throw Failed("init wrote no first slot");
    seals_.previous = sha256_hex(hub);
    seals_.next = Slot(1);
    for (std::int32_t p = 0; p < kPartitions; ++p) {
      partitions_[static_cast<std::size_t>(p)].folder = layout_.partition_chain(PartitionId(p));
      append(partitions_[static_cast<std::size_t>(p)], ClaimEntry{}, kYearsFirst.start());
    }
  }

  void run() {
    for (std::int64_t hour = 0; hour < size_.hours; ++hour) write_hour(hour);
  }

 private:
  void append(Tail& tail, EntryBody body, Timestamp time) {
    const std::string bytes = encode_entry(
        {{"bench:1", sha256_hex(tail.previous).substr(0, 32), time, tail.previous}, std::move(body)});
    write_file(archive_ / (tail.folder + KeyLayout::slot_name(tail.next)), bytes);
    tail.previous = sha256_hex(bytes);
    tail.next = tail.next.next();
  }

  void write_hour(std::int64_t n) {
    const Hour hour{kYearsFirst.index + n};
    SealContent content(hour, hour.next());
    SealEntry seal;
    seal.from = hour;
    seal.to = hour.next();
    std::array<CommitEntry, kPartitions> commits;
    for (std::size_t p = 0; p < kPartitions; ++p) {
      commits[p].first = sequences_[p];
      commits[p].reached = hour.end();
    }
    for (std::int64_t c = 0; c < size_.collections; ++c) write_cell(n * size_.collections + c, hour, commits);
    for (std::size_t p = 0; p < kPartitions; ++p) {
      commits[p].last = sequences_[p].previous();
      for (const SegmentFacts& facts : commits[p].segments) {
        commits[p].events += facts.records;
        content.add_segment(facts);
      }
      seal.through[PartitionId(static_cast<std::int32_t>(p))] = partitions_[p].next;
      append(partitions_[p], commits[p], hour.end() + minutes(1));
    }
    seal.cells = content.take_cells();
    append(seals_, seal, hour.end() + minutes(2));
  }

  void write_cell(std::int64_t cell, Hour hour, std::array<CommitEntry, kPartitions>& commits) {
    std::array<std::vector<std::int64_t>, kPartitions> rows;
    for (; row_ < size_.rows && size_.cell_of(row_) == cell; ++row_) {
      rows[static_cast<std::size_t>(row_ % kPartitions)].push_back(row_);
    }
    for (std::size_t p = 0; p < kPartitions; ++p) {
      if (!rows[p].empty()) commits[p].segments.push_back(segment(cell, hour, p, rows[p]));
    }
  }

  SegmentFacts segment(std::int64_t cell, Hour hour, std::size_t p, const std::vector<std::int64_t>& rows) {
    const PartitionId partition(static_cast<std::int32_t>(p));
    const Namespace ns = year_namespace(cell % size_.collections);
    const Sequence first = sequences_[p];
    SegmentWriter writer({});
    for (const std::int64_t row : rows) {
      const std::string id = to_hex_of(row);
      writer.text() += line(row, id, sequences_[p], hour, ns, partition);
      writer.added({sequences_[p], hour.start() + seconds(row % 3600), EventId::of_text(id), "insert"},
                   compressor_);
      sequences_[p] = sequences_[p].next();
    }
    FinishedSegment finished = writer.finish(compressor_);
    finished.facts.ns = ns;
    finished.facts.hour = hour;
    finished.facts.partition = partition;
    finished.facts.key = layout_.segment(ns, hour, {partition, first, sequences_[p].previous(), Slot(0)});
    if (cell == size_.lost_cell()) write_file(archive_ / finished.facts.key, finished.bytes);
    return finished.facts;
  }

  static std::string to_hex_of(std::int64_t row) {
    const Md5 digest = md5(std::to_string(row));
    return to_hex(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
  }

  static std::string line(std::int64_t row, const std::string& id, Sequence sequence, Hour hour,
                          const Namespace& ns, PartitionId partition) {
    const std::string time = to_rfc3339(hour.start() + seconds(row % 3600));
    return fmt::format(
        R"({{"event_id":"{}","processed_timestamp":"{}","partition_id":"{}","offset":"{}","sequence_number":{},)"
        R"("enqueued_time":"{}","operation_type":"insert","database_name":"{}","collection_name":"{}",)"
        R"("document_key":{{"_id":{}}},"full_document":null,"update_description":null,"cluster_time":null,)"
        R"("raw_event":{{"operationType":"insert"}}}})"
        "\n",
        id, time, partition.value, sequence.value, sequence.value, time, ns.database, ns.collection, row);
  }

  fs::path archive_;
  YearSize size_;
  KeyLayout layout_{"changestreams"};
  Tail seals_;
  std::array<Tail, kPartitions> partitions_;
  std::array<Sequence, kPartitions> sequences_{};
  std::int64_t row_ = 0;
  BlockWorker compressor_{1};
};

void fill_warehouse(const Bench& bench, const fs::path& folder, const YearSize& size) {
  const std::string cell = fmt::format("((n * {}) // {})", size.cells(), size.rows);
  const std::string time = fmt::format("make_timestamp(({} + {} // {} * 3600000 + n % 3600 * 1000) * 1000)",
                                       kYearsFirst.start().ms, cell, size.collections);
  run_to(
      0,
      {bench.program, "sql",
       fmt::format(
           "INSERT INTO mongodb_changes SELECT md5(n::VARCHAR), {0}, (n % {1})::VARCHAR, n::VARCHAR, n, {0}, "
           "'insert', printf('database_%02d', ({2} % {3} // 10)::INT), printf('collection_of_events_%02d', "
           "({2} % {3})::INT), '{{\"_id\":' || n || '}}', '{{\"_id\":' || n || ',\"name\":\"' || md5((n + "
           "1)::VARCHAR) || '\"}}', NULL, NULL, '{{\"operationType\":\"insert\",\"documentKey\":{{\"_id\":' "
           "|| "
           "n || '}}}}', {0} FROM range({4}) r(n) WHERE {2} <> {5}",
           time, kPartitions, cell, size.collections, size.rows, size.lost_cell())},
      folder);
}

}  // namespace

Namespace year_namespace(std::int64_t collection) {
  return {fmt::format("database_{:02}", collection / 10),
          fmt::format("collection_of_events_{:02}", collection)};
}

fs::path make_year(const Bench& bench, const YearSize& size) {
  const fs::path folder =
      bench.folder / fmt::format("year-{}-{}-{}", size.rows, size.hours, size.collections);
  if (fs::exists(folder / "complete")) return folder;
  fmt::print(stderr, "making a year of {} collections, {} rows (kept for the next time)\n", size.collections,
             size.rows);
  fs::remove_all(folder);
  fs::create_directories(folder);
  run_to(0, {bench.program, "init", "--set", fmt::format("hub.partitions={}", kPartitions)}, folder);
  Generator(folder, size).run();
  fill_warehouse(bench, folder, size);
  write_file(folder / "complete", "");
  return folder;
}

}  // namespace changevault::bench
