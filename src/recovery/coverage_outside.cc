#include "recovery/coverage_outside.h"

#include <algorithm>

namespace changevault {
namespace {

bool is_foreign(const OutsideRows& rows, const HoursBehind& behind) {
  if (rows.time == RowTime::kNone) return true;
  return rows.time == RowTime::kAfter &&
         !behind.may_be_on_its_way(rows.earliest.value_or(Timestamp{}), rows.latest.value_or(Timestamp{}));
}

GapState state_of(const OutsideRows& rows, const HoursBehind& behind) {
  if (rows.copies > 0) return GapState::kDuplicate;
  if (is_foreign(rows, behind)) return GapState::kExtra;
  return rows.time == RowTime::kBefore ? GapState::kNotCovered : GapState::kUnsealed;
}

}  // namespace

Result<std::vector<OutsideCell>> find_outside(const Scope& asked, const TimeRange& range, HoursBehind& behind,
                                              Warehouse& warehouse) {
  if (asked.time.bounded()) return std::vector<OutsideCell>{};
  CV_ASSIGN(std::vector<OutsideRows> found, warehouse.outside(asked, range));
  const bool overtaken = std::any_of(found.begin(), found.end(), [&](const OutsideRows& rows) {
    return rows.time == RowTime::kAfter && state_of(rows, behind) != GapState::kUnsealed;
  });
  if (overtaken) {
    CV_ASSIGN(const Hour end, behind.end_by_now());
    if (end.start() > range.to) {
      CV_ASSIGN(found, warehouse.outside(asked, {range.from, end.start()}));
    }
  }
  std::vector<OutsideCell> out;
  for (OutsideRows& rows : found) {
    const GapState state = state_of(rows, behind);
    out.push_back({std::move(rows), state});
  }
  return out;
}

}  // namespace changevault
