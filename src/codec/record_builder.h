// From a hub message to the record line of the archive (docs/formats/record.md).
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.h"
#include "model/event_id.h"
#include "model/hub_event.h"

namespace changevault {

// What event ids are made from, besides the event.
struct RecordIdentity {
  std::string source_id;     // [source] id
  std::string hub_identity;  // what the hub says it is
  Epoch epoch{};
};

// A valid change event, taken apart. All views point into the payload handed to `parse` or into the parser,
// and live until the next `parse`.
struct ParsedEvent {
  EventId id;
  std::string_view database;    // decoded; empty where the event has none
  std::string_view collection;  // decoded; empty where the event has none
  std::string_view operation;   // decoded
  std::string_view
      cluster_time_seconds;  // digits of t and of i; both empty: the event has no readable clusterTime
  std::string_view cluster_time_increment;
  // Slices of the event's JSON text; empty where absent or null.
  std::string_view document_key;
  std::string_view full_document;
  std::string_view update_description;
  std::string_view raw;  // the whole event on one line
};

// Why a message is not a change event; goes into the dead letter: "not JSON: …", "no operationType", …
using Refusal = std::string;

// Longest payload that becomes a record; a longer one is refused.
constexpr std::size_t kMaxPayloadBytes = std::size_t{256} << 20;

// Not thread-safe; one for each worker. Deterministic: the same message gives the same result.
class RecordBuilder {
 public:
  explicit RecordBuilder(RecordIdentity identity);
  ~RecordBuilder();
  RecordBuilder(RecordBuilder&&) noexcept;

  // Validates the whole payload (UTF-8, JSON grammar, depth, envelope) and finds the slices. Reads no byte
  // behind it.
  std::expected<ParsedEvent, Refusal> parse(const HubEvent& event);

  // Appends exactly one line, '\n' included.
  void append_record(const ParsedEvent& parsed, const HubEvent& event, Timestamp effective,
                     Timestamp processed, std::string& out) const;

  // Appends the dead-letter line of a refused message, '\n' included: position, times, reason, payload in
  // base64.
  static void append_dead_letter(const Refusal& reason, const HubEvent& event, Timestamp effective,
                                 Timestamp processed, std::string& out);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace changevault
