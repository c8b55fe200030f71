#include "cli/gap_outside.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/gap_signs.h"
#include "cli/text.h"

namespace changevault {
namespace {

std::string days_of(const OutsideRows& rows) {
  if (!rows.earliest || !rows.latest) return {};
  const std::string from = human_time(*rows.earliest).substr(0, 16);
  const std::string to = human_time(*rows.latest).substr(0, 16);
  return from == to ? ", " + from : ", " + from + " to " + to;
}

std::string explain(const OutsideRows& rows) {
  const char* where = rows.time == RowTime::kNone     ? " without a usable time"
                      : rows.time == RowTime::kBefore ? " from before the archive begins"
                                                      : " from behind the archive's end";
  std::string text = counted(rows.rows, "row") + where + days_of(rows);
  if (rows.copies > 0) text += "; " + with_thousands(rows.copies) + " of them copies of other rows";
  return text;
}

}  // namespace

void print_outside(Output& out, const Coverage& coverage) {
  if (coverage.outside.empty()) return;
  out.print("\nrows of the warehouse outside these hours");
  std::size_t width = 0;
  for (const OutsideCell& cell : coverage.outside)
    width = std::max(width, display_width(printable(to_string(cell.rows.ns))));
  for (const OutsideCell& cell : coverage.outside) {
    const std::string ns = printable(to_string(cell.rows.ns));
    out.print(fmt::format("  {}{:{}}  {}  {}", ns, "", width - display_width(ns),
                          painted(out, cell.state, fmt::format("{:<11}", name(cell.state))),
                          explain(cell.rows)));
  }
}

std::vector<std::pair<std::string, std::string>> steps_for_misplaced(const Coverage& coverage,
                                                                     const std::string& table) {
  std::vector<std::pair<std::string, std::string>> steps;
  const bool timeless = std::any_of(coverage.outside.begin(), coverage.outside.end(),
                                    [](const OutsideCell& cell) { return cell.rows.time == RowTime::kNone; });
  if (timeless) {
    steps.emplace_back(
        "see rows without a usable time",
        "changevault sql \"SELECT * FROM " + table + " WHERE NOT coalesce(isfinite(enqueued_time), false)\"");
  }
  if (coverage.misplaced() > 0) {
    steps.emplace_back("take rows away from a wrong place, then recover",
                       "changevault sql \"DELETE FROM " + table + " WHERE …\"");
  }
  return steps;
}

void complain_of_misplaced(Output& out, const Coverage& coverage) {
  const std::int64_t misplaced = coverage.misplaced();
  if (misplaced == 0) return;
  out.complain("warning: " + counted(misplaced, "event") + (misplaced == 1 ? " stands" : " stand") +
               " in the warehouse under another hour or collection than in the archive, or without a usable "
               "time; recover\n  touches no row that is there");
  out.complain(
      "hint: delete these rows (changevault sql \"DELETE …\"; changevault gaps shows where they stand, as "
      "EXTRA), then recover again");
}

}  // namespace changevault
