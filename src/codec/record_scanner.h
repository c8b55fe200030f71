// From a record line back to its fields.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "model/event_id.h"

namespace changevault {

// Text fields are decoded, JSON fields are the slices of the line; nullopt is JSON null (or, in archives that
// others wrote, an absent field). Views live until the next scan or as long as the line, whichever ends
// first.
struct RecordView {
  std::string_view event_id;
  std::optional<Timestamp> processed_timestamp;
  std::optional<std::string_view> partition_id;
  std::optional<std::string_view> offset;
  std::optional<std::int64_t> sequence_number;
  Timestamp enqueued_time{};
  std::string_view operation_type;
  std::optional<std::string_view> database_name;
  std::optional<std::string_view> collection_name;
  std::optional<std::string_view> document_key;
  std::optional<std::string_view> full_document;
  std::optional<std::string_view> update_description;
  std::optional<std::string_view> cluster_time;
  std::string_view raw_event;
  std::string_view line;  // the whole line, as it stands, without its '\n'
};

// Bytes that must be readable (any value) behind a line given to a scanner. SegmentReader's text has them.
constexpr std::size_t kScanPadding = 64;

// Not thread-safe.
class RecordScanner {
 public:
  RecordScanner();
  ~RecordScanner();
  RecordScanner(RecordScanner&&) noexcept;

  // `line` without its '\n', with kScanPadding readable bytes behind it. Fields may stand in any order
  // (archives of others); `strict` demands our own order and that every part is valid JSON, as `verify` does.
  // Errors: kCorrupt, saying what.
  Result<RecordView> scan(std::string_view line, bool strict = false);
  // The same of records that may lack what their event tells as well (codec/record_completer.h): event_id and
  // operation_type are empty then.
  Result<RecordView> scan_loosely(std::string_view line);

 private:
  struct Parser;
  Result<RecordView> scan_with(std::string_view line);
  std::unique_ptr<Parser> parser_;
};

}  // namespace changevault
