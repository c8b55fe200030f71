// Rows of a warehouse that stand more than once, as values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/hour.h"
#include "model/ns.h"

namespace changevault {

// Event_ids of one cell that stand more than once in the table. Rows are equal where all columns of a record
// are; when they were loaded says nothing about the event.
struct DuplicateCell {
  std::optional<Hour> hour;  // nullopt: their rows have no usable time
  Namespace ns;
  std::int64_t ids = 0;  // whose rows are all equal
  std::int64_t rows = 0;
  std::int64_t unequal_ids = 0;   // whose rows are not; some of them may stand in other cells
  std::int64_t unequal_rows = 0;  // those in this cell
  bool operator==(const DuplicateCell&) const = default;
};

// Of the event_ids whose rows are all equal.
struct DuplicateSum {
  std::int64_t ids = 0;
  std::int64_t rows = 0;
  std::uint64_t digest = 0;  // over the ids, as WarehouseCell's
  bool operator==(const DuplicateSum&) const = default;
};

struct DuplicateExample {
  std::string event_id;
  std::int64_t rows = 0;
  std::string differs;  // the columns in which they differ, "enqueued_time, raw_event"; empty where none
  bool operator==(const DuplicateExample&) const = default;
};

struct DuplicateFacts {
  std::vector<DuplicateCell> cells;  // by namespace, then hour
  DuplicateSum sum;
  std::vector<DuplicateExample> examples;  // of equal rows, by id
  std::vector<DuplicateExample> unequal;
};

// What a side table of duplicates says.
struct DuplicateStage {
  DuplicateSum sum;
  std::int64_t parts = 0;
  std::int64_t removed = 0;  // rows, by the parts that are done
};

}  // namespace changevault
