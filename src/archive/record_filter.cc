#include "archive/record_filter.h"

#include <utility>

namespace changevault {

Result<RecordFilter> RecordFilter::of(const Scope& scope, bool proven,
                                      const std::optional<std::string>& source) {
  CV_ASSIGN(RecordConditions conditions, RecordConditions::of(scope));
  RecordFilter filter(scope, proven, std::move(conditions));
  if (source) filter.completer_.emplace(*source);
  return filter;
}

bool RecordFilter::takes_front(const RecordView& record) const {
  if (!scope_.matches_time(record.enqueued_time)) return false;
  if (!scope_.operations.empty() && !scope_.matches_operation(std::string(record.operation_type)))
    return false;
  if (scope_.database.empty() && scope_.collection.empty()) return true;
  return scope_.matches(Namespace{std::string(record.database_name.value_or("")),
                                  std::string(record.collection_name.value_or(""))});
}

Result<std::optional<RecordView>> RecordFilter::take(std::string_view line, Need need) {
  const std::optional<RecordView> front = proven_ ? fronts_.read(line) : std::nullopt;
  std::optional<bool> told;
  if (front) {
    if (!takes_front(*front)) return std::optional<RecordView>();
    told = conditions_.hold_in_line(*front, fronts_.behind());
    if (told && !*told) return std::optional<RecordView>();
    if (told && need == Need::kFacts) return front;
  }
  CV_ASSIGN(const RecordView record, whole(line));
  if (!front && !takes_front(record)) return std::optional<RecordView>();
  if (!told && !conditions_.hold(record)) return std::optional<RecordView>();
  return std::optional(record);
}

Result<RecordView> RecordFilter::whole(std::string_view line) {
  std::string_view value;
  if (!proven_ && !(json_.open(line, /*check_escapes=*/true) && json_.check(value) && json_.finish()))
    return Error(ErrorCode::kCorrupt, "record: not JSON: " + json_.error());
  if (!completer_) return scanner_.scan(line);
  CV_ASSIGN(RecordView record, scanner_.scan_loosely(line));
  CV_TRY(completer_->complete(record));
  return record;
}

}  // namespace changevault
