// Which hours a comparison is about, and what can be said of those that the archive does not know.
#pragma once

#include <optional>
#include <vector>

#include "recovery/coverage.h"

namespace changevault {

// The whole hours of the scope, with the archive's own ends where the scope has none. kUsage for a scope that
// counts of hours cannot answer; kIndeterminate where the archive knows none of its hours.
Result<TimeRange> hours_of_scope(const Scope& scope, const ArchiveSide& archive);

// kIndeterminate: nothing is known about `scope`.
Error nothing_known(const std::string& what, const Scope& scope, std::string hint);

// Rows of hours behind the archive's end: archiving may be on its way there, for as long as loading may take
// (`grace`). Of hours that are over for longer, or are still to come, nobody loaded them from this archive.
class HoursBehind {
 public:
  // All of them outlive it.
  HoursBehind(const ArchiveSide& archive, const CoverageOptions& options)
      : archive_(archive), options_(options) {}

  // Rows with these times at the ends may all come from what is being archived now.
  bool may_be_on_its_way(Timestamp earliest, Timestamp latest) const;
  // The end of what the archive knows by now: it may have moved since the archive's side was read. Asked
  // once.
  Result<Hour> end_by_now();

 private:
  const ArchiveSide& archive_;
  const CoverageOptions& options_;
  std::optional<Hour> end_;
};

}  // namespace changevault
