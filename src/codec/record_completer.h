// What a record of another program lacks and its event tells.
#pragma once

#include <string>

#include "base/result.h"
#include "codec/event_parser.h"
#include "codec/record_scanner.h"

namespace changevault {

// Not thread-safe.
class RecordCompleter {
 public:
  // `source`: the `[source] id` that event ids are made with.
  explicit RecordCompleter(std::string source) : source_(std::move(source)) {}

  static bool is_complete(const RecordView& record) {
    return !record.event_id.empty() && !record.operation_type.empty() && record.database_name &&
           record.collection_name;
  }

  // Fills in event_id (made of the event's resume token), operation_type and the namespace where the record
  // has none. What it fills in lives until the next call. kCorrupt where the event does not tell what a
  // record must have, or is none.
  Result<void> complete(RecordView& record);

 private:
  Result<void> fill_in(RecordView& record, const EventFields& event);

  std::string source_;
  EventParser parser_;
  std::string id_;
};

}  // namespace changevault
