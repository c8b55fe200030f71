// What the warehouse lacks, asked over a year.
#include <map>

#include <fmt/core.h>
#include <simdjson.h>

#include "bench/suite/works.h"
#include "bench/suite/year_archive.h"

namespace changevault::bench {
namespace {

namespace fs = std::filesystem;

void check(const fs::path& answer, const YearSize& size) {
  simdjson::dom::parser parser;
  const simdjson::dom::element document = parser.load(answer.string()).value();
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
    const Hour hour{kYearsFirst.index + size.lost_cell() / size.collections};
    const Namespace ns = year_namespace(size.lost_cell() % size.collections);
    if (cell["hour"].get_string().value() != to_string(hour) ||
        cell["collection"].get_string().value() != ns.collection) {
      throw Failed("another cell than the deleted one is missing");
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

}  // namespace

Work gaps_work(const Bench& bench) {
  const YearSize size;
  const fs::path vault = make_year(bench, size);
  const auto ours = [&bench, size, vault] {
    Finished done = run_to(3, {bench.program, "gaps", "--output", "json"}, vault);
    check(done.output, size);
    done.sample.amount = static_cast<double>(size.cells());
    return done.sample;
  };
  return {"gaps",
          fmt::format("gaps over a year of {} collections, {} rows", size.collections, size.rows),
          "cells",
          {{"changevault", ours}},
          {{GoalKind::kSeconds, 4}}};
}

}  // namespace changevault::bench
