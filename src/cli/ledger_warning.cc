#include "cli/ledger_warning.h"

#include "cli/text.h"
#include "cli/verb.h"

namespace changevault {
namespace {

constexpr std::size_t kMostNamed = 10;

std::string cost_words(const LedgerProblem& problem) {
  if (problem.from >= problem.to) return "; what it listed is known from elsewhere";
  if (problem.to == kNoEnd) {
    return problem.from == kNoBegin ? "; what it listed is not known"
                                    : "; files from " + human_time(problem.from.start()).substr(0, 16) +
                                          " UTC on may be missing here";
  }
  return "; files up to " + human_time(problem.to.start()).substr(0, 16) + " UTC may be missing here";
}

}  // namespace

void warn_of_damage(Output& out, const std::vector<LedgerProblem>& problems) {
  if (problems.empty()) return;
  const auto all = static_cast<std::int64_t>(problems.size());
  out.complain("warning: the ledger is damaged in " + counted(all, "place") + ":");
  for (std::size_t n = 0; n < problems.size() && n < kMostNamed; ++n) {
    const LedgerProblem& problem = problems[n];
    out.complain("  " + printable(problem.error.object) + ": " + printable(problem.error.message) +
                 cost_words(problem));
    if (problem.error.object.ends_with('/')) out.complain("  hint: " + problem.error.hint);  // a whole chain
  }
  if (problems.size() > kMostNamed)
    out.complain("  and " + with_thousands(all - static_cast<std::int64_t>(kMostNamed)) + " more");
  out.complain("hint: see what can be put right with: changevault repair");
}

int ledger_exit(Output& out, bool uncertain) {
  if (!uncertain) return kExitDone;
  out.complain("warning: not all of this scope could be known, there may be more than this");
  return kExitIndeterminate;
}

}  // namespace changevault
