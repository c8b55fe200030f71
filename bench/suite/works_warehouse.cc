// Into the warehouse.
#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "bench/suite/pieces.h"
#include "bench/suite/works.h"

namespace changevault::bench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

void check_rows(const Dataset& dataset, const std::string& who) {
  expect(who + ": rows", dataset.number("SELECT count(*) FROM mongodb_changes"), dataset.events());
  expect(who + ": events", dataset.number("SELECT count(DISTINCT event_id) FROM mongodb_changes"),
         dataset.events());
}

// The program's verb on a warehouse, which must hold every event once afterwards.
std::function<Sample()> ours(const Dataset& dataset, const fs::path& from, std::vector<std::string> arguments,
                             std::int64_t inserted) {
  arguments.insert(arguments.end(), {"--output", "json"});
  return [&dataset, from, arguments, inserted] {
    dataset.put_warehouse(from);
    Finished done = dataset.verb(arguments);
    expect("inserted", json::parse(read_file(done.output)).at("inserted"), inserted);
    check_rows(dataset, arguments.front());
    done.sample.amount = static_cast<double>(dataset.events());
    return done.sample;
  };
}

std::function<Sample()> peer(const Bench& bench, const Dataset& dataset, const fs::path& from,
                             const std::string& piece, std::int64_t inserted) {
  return [&bench, &dataset, from, piece, inserted] {
    dataset.put_warehouse(from);
    std::vector<std::string> arguments{piece, dataset.vault() / "data/warehouse.duckdb"};
    for (const fs::path& file : dataset.segments()) arguments.push_back(file);
    Sample sample = run_piece(bench, arguments).sample;
    expect(piece + ": inserted", static_cast<std::int64_t>(sample.amount), inserted);
    check_rows(dataset, piece);
    sample.amount = static_cast<double>(dataset.events());
    return sample;
  };
}

const std::vector<std::string> kRecoverTheHour{"recover", kDatabase, kCollection, kDate, kHour, "--yes"};

}  // namespace

Work load_work(const Bench& bench, const Dataset& dataset) {
  return {"load",
          "load into DuckDB",
          "events",
          {{"changevault", ours(dataset, dataset.empty_warehouse(), {"load", "--once"}, dataset.events())},
           {"DuckDB read_json insert",
            peer(bench, dataset, dataset.empty_warehouse(), "read_json", dataset.events())}},
          {{GoalKind::kWallRatio, 1.5, 1}}};
}

Work recover_absent_work(const Bench& bench, const Dataset& dataset) {
  return {"recover-absent",
          "recover an absent hour: plan, stage, prove, merge, check again",
          "events",
          {{"changevault", ours(dataset, dataset.empty_warehouse(), kRecoverTheHour, dataset.events())},
           {"DuckDB read_json insert",
            peer(bench, dataset, dataset.empty_warehouse(), "read_json", dataset.events())}},
          {{GoalKind::kWallRatio, 1, 1}}};
}

Work recover_present_work(const Bench& bench, const Dataset& dataset) {
  const std::int64_t holes = dataset.holes();
  return {"recover-present",
          "recover an hour of which 99 % is there",
          "events",
          {{"changevault", ours(dataset, dataset.holed_warehouse(), kRecoverTheHour, holes)},
           {"DuckDB read_json MERGE", peer(bench, dataset, dataset.holed_warehouse(), "merge", holes)}},
          {{GoalKind::kWallRatio, 2, 1}}};
}

}  // namespace changevault::bench
