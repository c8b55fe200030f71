#include "recovery/coverage_hours.h"

#include <algorithm>

namespace changevault {
namespace {

// How far a clock may run ahead of ours; the archiver itself allows its hub less.
constexpr Duration kAhead = hours(1);

Hour hour_not_before(Timestamp time) {
  const Hour hour = hour_of(time);
  return hour.start() == time ? hour : hour.next();
}

std::string describe_range(const TimeRange& range) {
  return to_rfc3339_seconds(range.from) + " to " + to_rfc3339_seconds(range.to);
}

}  // namespace

Error nothing_known(const std::string& what, const Scope& scope, std::string hint) {
  return Error(ErrorCode::kIndeterminate, what, to_string(scope), std::move(hint));
}

Result<TimeRange> hours_of_scope(const Scope& scope, const ArchiveSide& archive) {
  const ArchiveSpan& span = archive.span;
  if (!scope.operations.empty() || scope.asks_content() || !scope.pattern.empty()) {
    return Error(
        ErrorCode::kUsage, "gaps are counted for whole hours of collections", to_string(scope),
        "leave out operations, keys, conditions and patterns; name database, collection, time and hours");
  }
  if ((!span.first || !span.end) && !archive.problems.empty()) {
    return nothing_known("the ledger is damaged (" + archive.problems.front().error.object +
                             "), and nothing else says what is archived",
                         scope, "see what can be put right with: changevault repair");
  }
  if (!span.first || !span.end) {
    return nothing_known("the archive is empty, so nothing is known", scope,
                         "archive what the hub holds with: changevault archive --once");
  }
  TimeRange range;
  range.from = scope.time.from.ms == INT64_MIN ? span.first->start() : hour_of(scope.time.from).start();
  range.to = scope.time.to.ms == INT64_MAX ? span.end->start() : hour_not_before(scope.time.to).start();
  if (range.from >= range.to || range.to <= span.first->start() || range.from >= span.end->start()) {
    const TimeRange known{span.first->start(), span.end->start()};
    return nothing_known("the archive knows nothing about these hours", scope,
                         "it holds " + describe_range(known));
  }
  return range;
}

bool HoursBehind::may_be_on_its_way(Timestamp earliest, Timestamp latest) const {
  if (archive_.without_ledger) return true;
  return options_.now - hour_of(earliest).end() < options_.load_grace && latest - options_.now <= kAhead;
}

Result<Hour> HoursBehind::end_by_now() {
  if (end_) return *end_;
  Hour end = archive_.span.end.value_or(Hour{});
  if (archive_.end_now) {
    CV_ASSIGN(const std::optional<Hour> moved, archive_.end_now());
    end = std::max(end, moved.value_or(end));
  }
  end_ = end;
  return end;
}

}  // namespace changevault
