// What stands at the front of a record line, found without parsing the line.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.h"

namespace changevault {

// The fields up to operation_type of a line as the archiver writes it. Views point into the line.
struct RecordFront {
  std::string_view event_id;  // 32 lower-case hex digits
  Timestamp processed_timestamp{};
  std::string_view partition_id;
  std::string_view offset;
  std::int64_t sequence_number = 0;
  Timestamp enqueued_time{};
  std::string_view operation_type;
};

// Reads fronts of lines that follow one another: texts that repeat are read once. Not thread-safe.
//
// It proves the front alone: of a line whose bytes are not known to be the archiver's, the rest may be
// anything. nullopt where the line does not begin exactly so (other order, white space, escapes in one of
// these texts): then it is RecordScanner that can tell.
class RecordFrontReader {
 public:
  std::optional<RecordFront> read(std::string_view line);

 private:
  // The last text of a time, and what it says.
  struct KnownTime {
    char text[24] = {};
    Timestamp time{};
  };
  static bool read_time(std::string_view text, KnownTime& known);

  KnownTime processed_;
  KnownTime enqueued_;
};

// The text between the first `,"raw_event":` of the line and its last '}'. It is the record's raw_event
// unless a document has a field of that name; the caller proves it. Empty where the line has none.
std::string_view guess_raw_event(std::string_view line);

}  // namespace changevault
