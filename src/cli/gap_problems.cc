#include "cli/gap_problems.h"

#include "cli/text.h"

namespace changevault {
namespace {

constexpr std::size_t kMostNamed = 10;

std::string cell_words(const Coverage& coverage, std::size_t at) {
  const GapCell& cell = coverage.cells[at];
  return human_time(cell.hour.start()).substr(0, 16) + " " + printable(to_string(coverage.ns(cell)));
}

}  // namespace

void complain_of_problems(Output& out, const Coverage& coverage) {
  if (coverage.problems.empty()) return;
  const auto all = coverage.problems.size();
  out.complain("warning: " + counted(static_cast<std::int64_t>(all), "object") +
               " of the archive could not be read; hours that need it show what the counts alone say:");
  for (std::size_t n = 0; n < all && n < kMostNamed; ++n) {
    const CoverageProblem& problem = coverage.problems[n];
    out.complain("  " + printable(problem.error.object) + ": " + printable(problem.error.message) +
                 (problem.cell ? " (" + cell_words(coverage, *problem.cell) + ")" : ""));
  }
  if (all > kMostNamed)
    out.complain("  and " + with_thousands(static_cast<std::int64_t>(all - kMostNamed)) +
                 " more; --output json lists all");
  out.complain("hint: see all that is damaged with: changevault verify");
}

void complain_of_left_out(Output& out, const Coverage& coverage, const std::vector<std::size_t>& cells) {
  if (cells.empty()) return;
  out.complain("warning: " + counted(static_cast<std::int64_t>(cells.size()), "gap") +
               " left out, as something of the archive there could not be read:");
  for (std::size_t n = 0; n < cells.size() && n < kMostNamed; ++n) {
    out.complain("  " + cell_words(coverage, cells[n]));
  }
  if (cells.size() > kMostNamed) {
    out.complain("  and " + with_thousands(static_cast<std::int64_t>(cells.size() - kMostNamed)) + " more");
  }
  out.complain(
      "hint: see what is damaged with: changevault verify; the other gaps are recovered all the same");
}

}  // namespace changevault
