// Peak memory: within the setting, and the same for four times the data.
#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "bench/suite/works.h"

namespace changevault::bench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr double kMebibyte = 1 << 20;
// What the program needs besides what a setting counts: itself, the libraries, buffers of its threads.
constexpr double kProgram = 64 * kMebibyte;
constexpr double kArchiveMemory = 64 * kMebibyte;
constexpr double kWarehouseMemory = 256 * kMebibyte;
const std::string kSetArchive = "archive.memory=64MiB";
const std::string kSetWarehouse = "warehouse.memory=256MiB";

using Run = std::function<Sample(const Dataset&)>;

Work memory_work(const std::string& verb, double limit, const Dataset& small, const Dataset& large, Run run) {
  return {"memory-" + verb,
          fmt::format("memory of {} over {} events", verb, large.events()),
          "events",
          {{"changevault", [&large, run] { return run(large); }, 1},
           {fmt::format("over {} events", small.events()), [&small, run] { return run(small); }, 1}},
          {{GoalKind::kPeak, limit}, {GoalKind::kPeakRatio, 1.25, 1}}};
}

Sample verb(const Dataset& dataset, std::vector<std::string> arguments, const char* counter) {
  arguments.insert(arguments.end(), {"--output", "json"});
  Finished done = dataset.verb(arguments);
  expect(arguments.front(), json::parse(read_file(done.output)).at(counter), dataset.events());
  done.sample.amount = static_cast<double>(dataset.events());
  return done.sample;
}

Sample archive_again(const Dataset& dataset) {
  const fs::path folder = dataset.vault().parent_path() / "again";
  fs::remove_all(folder);
  fs::create_directories(folder);
  const std::string& program = dataset.program().native();
  run_to(0, {program, "init", "--set", "hub.partitions=4"}, folder);
  run_to(0, {program, "publish", "--time-from", "cluster_time", dataset.event_file()}, folder);
  Finished done =
      run_to(0, {program, "archive", "--once", "--close", "--set", kSetArchive, "--output", "json"}, folder);
  expect("archive", json::parse(read_file(done.output)).at("records"), dataset.events());
  fs::remove_all(folder);
  done.sample.amount = static_cast<double>(dataset.events());
  return done.sample;
}

Sample into_warehouse(const Dataset& dataset, std::vector<std::string> arguments) {
  dataset.put_warehouse(dataset.empty_warehouse());
  arguments.insert(arguments.end(), {"--set", kSetWarehouse});
  return verb(dataset, std::move(arguments), "inserted");
}

Sample get(const Dataset& dataset) {
  const fs::path folder = dataset.vault().parent_path() / "got";
  fs::remove_all(folder);
  Finished done = dataset.verb({"get", "-d", folder, kDatabase, kCollection, "--quiet"});
  std::int64_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) bytes += static_cast<std::int64_t>(entry.file_size());
  }
  std::int64_t archived = 0;
  for (const fs::path& segment : dataset.segments())
    archived += static_cast<std::int64_t>(fs::file_size(segment));
  expect("bytes got", bytes, archived);
  fs::remove_all(folder);
  done.sample.amount = static_cast<double>(dataset.events());
  return done.sample;
}

}  // namespace

std::vector<Work> memory_works(const Dataset& small, const Dataset& large) {
  const auto load = [](const Dataset& d) { return into_warehouse(d, {"load", "--once"}); };
  const auto recover = [](const Dataset& d) {
    return into_warehouse(d, {"recover", kDatabase, kCollection, kDate, kHour, "--yes"});
  };
  const auto verify = [](const Dataset& d) { return verb(d, {"verify"}, "records_checked"); };
  return {memory_work("archive", kArchiveMemory + kProgram, small, large, archive_again),
          memory_work("load", kWarehouseMemory + kProgram, small, large, load),
          memory_work("recover", kWarehouseMemory + kProgram, small, large, recover),
          memory_work("verify", 2 * kProgram, small, large, verify),
          memory_work("get", 2 * kProgram, small, large, get)};
}

}  // namespace changevault::bench
