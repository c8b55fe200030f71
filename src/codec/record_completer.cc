#include "codec/record_completer.h"

#include "model/event_id.h"

namespace changevault {

Result<void> RecordCompleter::complete(RecordView& record) {
  if (is_complete(record)) return {};
  const auto event = parser_.parse(record.raw_event);
  if (event) return fill_in(record, *event);
  // A record that has what it must may keep an event that we cannot read: its namespace is not known then.
  if (!record.event_id.empty() && !record.operation_type.empty()) return {};
  return Error(ErrorCode::kCorrupt,
               std::string("record: ") + (record.event_id.empty() ? "event_id" : "operation_type") +
                   " is missing, and its event is not one to make it from: " + event.error());
}

Result<void> RecordCompleter::fill_in(RecordView& record, const EventFields& event) {
  if (record.event_id.empty()) {
    if (event.token.empty()) {
      return Error(ErrorCode::kCorrupt,
                   "record: event_id is missing, and its event has no resume token to make it from");
    }
    id_ = to_string(EventId::of_token(source_, event.token));
    record.event_id = id_;
  }
  if (record.operation_type.empty()) record.operation_type = event.operation;
  if (!record.database_name && !event.database.empty()) record.database_name = event.database;
  if (!record.collection_name && !event.collection.empty()) record.collection_name = event.collection;
  return {};
}

}  // namespace changevault
