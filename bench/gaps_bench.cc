// `gaps` over a year of fifty collections, one seal an hour, five million rows in DuckDB (the goal: 4 s).
//
//   gaps_bench BINARY FOLDER [ROWS [HOURS [COLLECTIONS]]]
//
// Writes an archive's ledger with the real encoders and fills the warehouse by SQL, unless FOLDER holds both
// already. One hour of one collection is deleted from the warehouse: that cell's segments are real, as gaps
// reads them; of all others there is only what the ledger says. Runs the program three times, checks its
// whole answer each time and prints seconds, CPU seconds and peak memory.
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include <fcntl.h>
#include <fmt/core.h>
#include <simdjson.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "archive/chain.h"
#include "archive/ledger.h"
#include "archive/seal_content.h"
#include "base/hash.h"
#include "codec/segment_writer.h"
#include "store/key_layout.h"

namespace changevault {
namespace {

namespace fs = std::filesystem;

constexpr Hour kFirst{482'136};  // 2025-01-01T00:00:00Z
constexpr std::int32_t kPartitions = 4;

struct Size {
  std::int64_t rows = 5'000'000;
  std::int64_t hours = 8760;
  std::int64_t collections = 50;
  std::int64_t cells() const { return hours * collections; }
  std::int64_t cell_of(std::int64_t row) const { return row * cells() / rows; }
  std::int64_t lost_cell() const { return (hours / 2) * collections + collections / 3; }
};

[[noreturn]] void fail(const std::string& what) {
  fmt::print(stderr, "gaps_bench: {}\n", what);
  std::exit(1);
}

void write_file(const fs::path& path, const std::string& bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary);
  out << bytes;
  if (!out.flush()) fail("cannot write " + path.string());
}

Namespace ns_of(std::int64_t collection) {
  return {fmt::format("database_{:02}", collection / 10),
          fmt::format("collection_of_events_{:02}", collection)};
}

// One partition's chain, or that of the seals, while it is written.
struct Tail {
  std::string folder;
  Slot next{};
  std::string previous = kNoPrevious;
};

class Generator {
 public:
  Generator(fs::path folder, Size size) : archive_(std::move(folder) / "data/archive"), size_(size) {
    seals_.folder = layout_.seal_chain();
    std::ifstream in(archive_ / (seals_.folder + KeyLayout::slot_name(Slot(0))), std::ios::binary);
    const std::string hub{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (hub.empty()) fail("init wrote no first slot");
    seals_.previous = sha256_hex(hub);
    seals_.next = Slot(1);
    for (std::int32_t p = 0; p < kPartitions; ++p) {
      partitions_[static_cast<std::size_t>(p)].folder = layout_.partition_chain(PartitionId(p));
      append(partitions_[static_cast<std::size_t>(p)], ClaimEntry{}, kFirst.start());
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
    const Hour hour{kFirst.index + n};
    SealContent content(hour, hour.next());
    SealEntry seal{hour, hour.next(), {}, {}, {}, {}};
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
    const Namespace ns = ns_of(cell % size_.collections);
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
  Size size_;
  KeyLayout layout_{"changestreams"};
  Tail seals_;
  std::array<Tail, kPartitions> partitions_;
  std::array<Sequence, kPartitions> sequences_{};
  std::int64_t row_ = 0;
  BlockCompressor compressor_{1};
};

struct Run {
  int exit_code = -1;
  double seconds = 0;
  double cpu = 0;
  std::int64_t peak_mib = 0;
};

// The program in `folder`, its output in the file out.json there.
Run run(const std::string& binary, const fs::path& folder, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), binary);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const auto begin = std::chrono::steady_clock::now();
  const pid_t child = ::fork();
  if (child == 0) {
    const int out = ::open((folder / "out.json").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (::chdir(folder.c_str()) != 0 || ::dup2(out, STDOUT_FILENO) < 0) ::_exit(127);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  int status = 0;
  struct rusage usage{};
  if (::wait4(child, &status, 0, &usage) != child || !WIFEXITED(status)) fail("the program did not end well");
  const std::chrono::duration<double> lasted = std::chrono::steady_clock::now() - begin;
  const auto of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return {WEXITSTATUS(status), lasted.count(), of(usage.ru_utime) + of(usage.ru_stime),
          usage.ru_maxrss / 1024};
}

void must(const std::string& binary, const fs::path& folder, const std::vector<std::string>& arguments) {
  const Run done = run(binary, folder, arguments);
  if (done.exit_code != 0)
    fail("changevault " + arguments.front() + " ended with " + std::to_string(done.exit_code));
}

void fill_warehouse(const std::string& binary, const fs::path& folder, Size size) {
  const std::string cell = fmt::format("((n * {}) // {})", size.cells(), size.rows);
  const std::string time = fmt::format("make_timestamp(({} + {} // {} * 3600000 + n % 3600 * 1000) * 1000)",
                                       kFirst.start().ms, cell, size.collections);
  must(
      binary, folder,
      {"sql",
       fmt::format(
           "INSERT INTO mongodb_changes SELECT md5(n::VARCHAR), {0}, (n % {1})::VARCHAR, n::VARCHAR, n, {0}, "
           "'insert', printf('database_%02d', ({2} % {3} // 10)::INT), printf('collection_of_events_%02d', "
           "({2} % {3})::INT), '{{\"_id\":' || n || '}}', '{{\"_id\":' || n || ',\"name\":\"' || md5((n + "
           "1)::VARCHAR) || '\"}}', NULL, NULL, '{{\"operationType\":\"insert\",\"documentKey\":{{\"_id\":' "
           "|| "
           "n || '}}}}', {0} FROM range({4}) r(n) WHERE {2} <> {5}",
           time, kPartitions, cell, size.collections, size.rows, size.lost_cell())});
}

void prepare(const std::string& binary, const fs::path& folder, Size size) {
  if (fs::exists(folder / "complete")) return;
  fs::remove_all(folder);
  fs::create_directories(folder);
  must(binary, folder, {"init", "--set", fmt::format("hub.partitions={}", kPartitions)});
  fmt::print("writing the ledger\n");
  Generator(folder, size).run();
  fmt::print("filling the warehouse\n");
  fill_warehouse(binary, folder, size);
  write_file(folder / "complete", "");
}

void expect(const std::string& what, std::int64_t found, std::int64_t wanted) {
  if (found != wanted) fail(fmt::format("{}: {}, expected {}", what, found, wanted));
}

void check(const fs::path& folder, Size size, int exit_code) {
  expect("exit code", exit_code, 3);
  simdjson::dom::parser parser;
  const simdjson::dom::element document = parser.load((folder / "out.json").string()).value();
  std::map<std::string, std::int64_t> states;
  std::int64_t records = 0;
  std::int64_t rows = 0;
  std::int64_t missing = 0;
  const simdjson::dom::array cells = document["cells"].get_array().value();
  for (const simdjson::dom::element cell : cells) {
    const std::string state(cell["state"].get_string().value());
    ++states[state];
    records += cell["archive"].get_int64().value();
    rows += cell["warehouse"].get_int64().value();
    if (state != "MISSING") continue;
    missing += cell["missing"].get_int64().value();
    const Hour hour{kFirst.index + size.lost_cell() / size.collections};
    const Namespace ns = ns_of(size.lost_cell() % size.collections);
    if (cell["hour"].get_string().value() != to_string(hour) ||
        cell["collection"].get_string().value() != ns.collection) {
      fail("another cell than the deleted one is missing");
    }
  }
  std::int64_t deleted = 0;
  for (std::int64_t row = 0; row < size.rows; ++row) deleted += size.cell_of(row) == size.lost_cell() ? 1 : 0;
  expect("cells that are OK", states["OK"], size.cells() - 1);
  expect("cells that are MISSING", states["MISSING"], 1);
  expect("states", static_cast<std::int64_t>(states.size()), 2);
  expect("records", records, size.rows);
  expect("rows", rows, size.rows - deleted);
  expect("missing events", missing, deleted);
}

int bench(const std::vector<std::string>& arguments) {
  if (arguments.size() < 2) fail("gaps_bench BINARY FOLDER [ROWS [HOURS [COLLECTIONS]]]");
  Size size;
  if (arguments.size() > 2) size.rows = std::stoll(arguments[2]);
  if (arguments.size() > 3) size.hours = std::stoll(arguments[3]);
  if (arguments.size() > 4) size.collections = std::stoll(arguments[4]);
  const std::string binary = fs::absolute(arguments[0]);
  const fs::path folder = fs::absolute(arguments[1]);
  prepare(binary, folder, size);
  for (int n = 0; n < 3; ++n) {
    const Run done = run(binary, folder, {"gaps", "--output", "json"});
    check(folder, size, done.exit_code);
    fmt::print("gaps over {} cells, {} rows: {:.2f} s wall, {:.2f} s CPU, {} MiB; answer checked\n",
               size.cells(), size.rows, done.seconds, done.cpu, done.peak_mib);
  }
  return 0;
}

}  // namespace
}  // namespace changevault

int main(int argc, char** argv) {
  return changevault::bench({argv + 1, argv + argc});
}
