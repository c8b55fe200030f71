// Coverage for people, and how verbs get it.
#pragma once

#include "cli/context.h"
#include "recovery/coverage.h"
#include "service/gap_finding.h"

namespace changevault {

// Archive (as it is known) against warehouse, with the configured grace time. Cells whose gap somebody
// acknowledged are ACKNOWLEDGED.
Result<Coverage> find_gaps(Context& context, KnownArchive& archive, const Scope& scope);
// All of it, with a line of progress.
Result<GapFinding> find_watched_gaps(Context& context, KnownArchive& archive, const Scope& scope);

struct CoverageView {
  const Scope& scope;         // as it was asked for
  bool all = false;           // every row and every gap, however many
  bool acknowledged = false;  // who accepted which gap, and why
  std::string table;          // of the warehouse
};

// A row for each collection and day with a sign for each hour, the sum by state, the gaps with their numbers,
// rows outside the hours, and what to type next.
void print_coverage(Output& out, const GapFinding& found, const CoverageView& view);

// A line for each cell; rows outside the hours are told on stderr.
void print_coverage_csv(Output& out, const Coverage& coverage);

// The gaps, hours that follow each other in one line; at most `most` lines, then how many more there are.
void print_gap_lines(Output& out, const Coverage& coverage, const std::vector<FoundGap>& gaps,
                     std::size_t most);

inline constexpr const char* kNoLedger =
    "this archive has no ledger, so nothing says whether its files are all there were";

// To stderr: what of an archive without a ledger a person has to know.
void tell_by_reading(Output& out, const FoundNotes& notes);
// The part of it that tells how folders and records lie to each other, and which ids were made.
void tell_folder_clock(Output& out, const FoundNotes& notes);
// The whole for scripts: "without_ledger" of the `gaps` document.
Json by_reading_json(const FoundNotes& notes);

// To stderr: acknowledgements that are damaged, which therefore do not count.
void complain_of_damage(Output& out, const Acks& acks);

}  // namespace changevault
