#include "bench/suite/dataset.h"

#include <algorithm>
#include <fstream>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "bench/suite/measure.h"
#include "tests/support/generator.h"

namespace changevault::bench {
namespace {

namespace fs = std::filesystem;

// Free text so long that an event has about 750 bytes and its record twice that.
constexpr std::size_t kTextBytes = 120;
constexpr const char* kVersion = "2";

void generate(const fs::path& path, std::int64_t events) {
  const Timestamp hour = *from_date(2025, 1, 15) + hours(14);
  testing::GeneratorOptions options;
  options.first = hour;
  options.last = hour + hours(1);
  options.events = events;
  options.collections = {{{kDatabase, kCollection}, 1, {}}};
  options.text_bytes = kTextBytes;
  std::ofstream out(path, std::ios::binary);
  testing::generate_events(options, [&](const testing::GeneratedEvent& event) { out << event.line << '\n'; });
  if (!out.flush()) throw Failed("cannot write " + path.string());
}

double megabytes(const fs::path& path) {
  return static_cast<double>(fs::file_size(path)) / 1e6;
}

}  // namespace

Dataset::Dataset(const Bench& bench, std::int64_t events)
    : bench_(bench),
      events_(events),
      folder_(bench.folder / fmt::format("events-{}-{}", events, kVersion)),
      vault_(folder_ / "vault") {
  if (fs::exists(folder_ / "complete")) return;
  fs::remove_all(folder_);
  fs::create_directories(vault_);
  make();
  write_file(folder_ / "complete", "");
}

void Dataset::make() const {
  fmt::print(stderr, "making {} events, their archive and their warehouses (kept for the next time)\n",
             events_);
  generate(event_file(), events_);
  verb({"init", "--set", "hub.partitions=4"});
  fs::copy_file(vault_ / "data/warehouse.duckdb", empty_warehouse());
  verb({"publish", "--time-from", "cluster_time", event_file()});
  verb({"archive", "--once", "--close"});
  fs::rename(verb({"cat", kDatabase, kCollection}).output, record_file());
  verb({"load", "--once"});
  fs::copy_file(vault_ / "data/warehouse.duckdb", full_warehouse());
  verb({"sql", "DELETE FROM mongodb_changes WHERE hash(event_id) % 100 = 7"});
  fs::copy_file(vault_ / "data/warehouse.duckdb", holed_warehouse());
}

std::vector<fs::path> Dataset::segments() const {
  std::vector<fs::path> out;
  for (const auto& entry : fs::recursive_directory_iterator(vault_ / "data/archive")) {
    if (entry.path().native().ends_with(".jsonl.gz")) out.push_back(entry.path());
  }
  if (out.empty()) throw Failed("the archive has no segments");
  std::sort(out.begin(), out.end());
  return out;
}

std::int64_t Dataset::holes() const {
  put_warehouse(holed_warehouse());
  return events_ - number("SELECT count(*) FROM mongodb_changes");
}

double Dataset::event_megabytes() const {
  return megabytes(event_file());
}
double Dataset::text_megabytes() const {
  return megabytes(record_file());
}

void Dataset::put_warehouse(const fs::path& from) const {
  copy_warehouse(from, vault_ / "data/warehouse.duckdb");
}

void Dataset::copy_warehouse(const fs::path& from, const fs::path& to) {
  fs::remove(to.string() + ".wal");
  fs::copy_file(from, to, fs::copy_options::overwrite_existing);
}

Finished Dataset::verb(std::vector<std::string> arguments, int exit_code) const {
  arguments.insert(arguments.begin(), bench_.program);
  return run_to(exit_code, arguments, vault_);
}

std::int64_t Dataset::number(const std::string& statement) const {
  const Finished done = verb({"sql", statement, "--output", "json"});
  return nlohmann::json::parse(read_file(done.output)).at("rows").at(0).at(0).get<std::int64_t>();
}

}  // namespace changevault::bench
