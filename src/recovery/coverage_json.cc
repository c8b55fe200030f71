#include <fmt/format.h>

#include "codec/json.h"
#include "recovery/coverage.h"

namespace changevault {
namespace {

// Not through a JSON tree: half a million cells of eleven fields would take a gigabyte.
void append_cell(std::string& out, const GapCell& cell, const std::string& database,
                 const std::string& collection) {
  const CellNumbers& n = cell.numbers;
  fmt::format_to(
      std::back_inserter(out),
      R"({{"hour":"{}","database":{},"collection":{},"state":"{}","sealed":{},"archive":{},)"
      R"("warehouse":{},"distinct":{},"missing":{},"misplaced":{},"extra":{},"duplicate":{},"repeats":{}{}{}}})",
      to_string(cell.hour), database, collection, name(cell.state), cell.sealed, n.archive, n.warehouse,
      n.distinct, n.missing, cell.misplaced, n.extra, n.duplicate, n.repeats,
      cell.unreadable ? R"(,"unreadable":true)" : "", cell.lost_unknown ? R"(,"lost_unknown":true)" : "");
}

const char* name(RowTime time) {
  switch (time) {
    case RowTime::kNone:
      return "none";
    case RowTime::kBefore:
      return "before";
    case RowTime::kAfter:
      return "after";
  }
  return "unknown";
}

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void append_outside(std::string& out, const Coverage& coverage) {
  Json list = Json::array();
  for (const OutsideCell& cell : coverage.outside) {
    const OutsideRows& rows = cell.rows;
    const auto time = [](const std::optional<Timestamp>& at) {
      return at ? Json(to_rfc3339(*at)) : Json(nullptr);
    };
    list.push_back({{"database", rows.ns.database},
                    {"collection", rows.ns.collection},
                    {"time", name(rows.time)},
                    {"state", name(cell.state)},
                    {"rows", rows.rows},
                    {"copies", rows.copies},
                    {"earliest", time(rows.earliest)},
                    {"latest", time(rows.latest)}});
  }
  out += R"(,"outside":)" + text_of(list);
}

void append_problems(std::string& out, const Coverage& coverage) {
  out += R"(,"problems":[)";
  for (std::size_t n = 0; n < coverage.problems.size(); ++n) {
    const CoverageProblem& problem = coverage.problems[n];
    Json json = {{"object", problem.error.object}, {"problem", problem.error.message}};
    if (problem.cell) {
      const GapCell& cell = coverage.cells[*problem.cell];
      json["hour"] = to_string(cell.hour);
      json["database"] = coverage.ns(cell).database;
      json["collection"] = coverage.ns(cell).collection;
    }
    if (n > 0) out.push_back(',');
    out += text_of(json);
  }
  out.push_back(']');
}

}  // namespace

void write_coverage_json(const Coverage& coverage, const std::function<void(std::string_view)>& write,
                         const Json& more) {
  std::string out =
      fmt::format(R"({{"range":{{"from":"{}","to":"{}"}},"cells":[)", to_rfc3339_seconds(coverage.range.from),
                  to_rfc3339_seconds(coverage.range.to));
  std::vector<std::pair<std::string, std::string>> names;
  for (const Namespace& ns : coverage.namespaces)
    names.emplace_back(text_of(Json(ns.database)), text_of(Json(ns.collection)));
  bool first = true;
  for (const GapCell& cell : coverage.cells) {
    if (!first) out.push_back(',');
    first = false;
    append_cell(out, cell, names[cell.ns].first, names[cell.ns].second);
    if (out.size() > 1 << 16) {
      write(out);
      out.clear();
    }
  }
  out += R"(],"summary":{)";
  first = true;
  for (const GapState state : kGapStates) {
    const auto counted = coverage.summary.find(state);
    if (counted == coverage.summary.end()) continue;
    if (!first) out.push_back(',');
    first = false;
    fmt::format_to(std::back_inserter(out), R"("{}":{})", name(state), counted->second);
  }
  append_outside(out += "}", coverage);
  append_problems(out, coverage);
  for (const auto& [field, value] : more.items()) out += "," + text_of(Json(field)) + ":" + text_of(value);
  write(out += "}\n");
}

void write_coverage_json(const Coverage& coverage, const std::function<void(std::string_view)>& write) {
  write_coverage_json(coverage, write, Json::object());
}

}  // namespace changevault
