// What stands at the front of a record line, found without parsing the line.
#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"
#include "codec/record_scanner.h"

namespace changevault {

// Reads fronts of lines that follow one another: texts that repeat are read once. Not thread-safe.
class RecordFrontReader {
 public:
  // The fields up to collection_name, and the line; the documents behind them are left out. Views point into
  // the line. It proves the front alone: of a line whose bytes are not known to be the archiver's, the rest
  // may be anything. nullopt where the line does not begin exactly as the archiver writes it (other order,
  // white space, escapes in one of these texts): then it is RecordScanner that can tell.
  std::optional<RecordView> read(std::string_view line);
  // What stands behind the front of the last line that was read, from the comma before document_key on.
  std::string_view behind() const { return behind_; }

 private:
  // The last text of a time, and what it says.
  struct KnownTime {
    char text[24] = {};
    Timestamp time{};
  };
  static bool read_time(std::string_view text, KnownTime& known);

  KnownTime processed_;
  KnownTime enqueued_;
  std::string_view behind_;
};

// The text of the document that stands next in `behind` (document_key, full_document or update_description,
// by its place in kRecordFields), and steps over it. Its end is guessed by the name of the next field, which
// may stand inside the document: then the text breaks off, and nothing can be said of what follows. nullopt
// where the line goes on with something else.
std::optional<std::string_view> guess_document(std::string_view& behind, std::size_t field);

// The text between the first `,"raw_event":` of the line and its last '}'. It is the record's raw_event
// unless a document has a field of that name; the caller proves it. Empty where the line has none.
std::string_view guess_raw_event(std::string_view line);

}  // namespace changevault
