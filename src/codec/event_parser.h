// The fields of a change event, found in one pass that also proves the whole text.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "codec/bson_timestamp.h"
#include "codec/event_envelope.h"
#include "codec/json_reader.h"

namespace changevault {

// Deepest nesting of an event. MongoDB allows 100 levels in a document; an event adds few.
constexpr std::size_t kMaxEventDepth = 256;

// Views point into the text or into the parser and live until the next `parse`. JSON fields are empty where
// absent or null.
struct EventFields {
  std::string_view token;  // _id._data; empty where there is none
  std::string_view operation;
  std::string_view database;
  std::string_view collection;
  std::string_view document_key;
  std::string_view full_document;
  std::string_view update_description;
  std::optional<BsonTimestamp> cluster_time;
};

// Not thread-safe.
class EventParser {
 public:
  EventParser() : reader_(kMaxEventDepth) {}

  // `text` is one JSON value and nothing else. The error is the reason of a refusal.
  std::expected<EventFields, std::string> parse(std::string_view text);
  // Only whether the text is valid JSON; the reason where it is not.
  std::expected<void, std::string> prove(std::string_view text);

 private:
  using Outcome = std::expected<void, std::string>;

  std::string invalid() const;
  Outcome read_top_level();
  Outcome read_field(std::string_view key);
  Outcome read_known(std::size_t field);
  Outcome read_id();
  Outcome read_operation();
  Outcome read_namespace();
  Outcome read_name(const char* field, std::string& scratch, std::string_view& name);
  Outcome read_object(const char* field, std::string_view& slice);
  Outcome read_cluster_time();
  Outcome ignore();  // consumes a value that does not matter
  void skip();

  JsonReader reader_;
  EventFields fields_;
  EnvelopeGuess envelope_;
  unsigned seen_ = 0;                                            // a bit for each known field
  std::string key_, token_, operation_, database_, collection_;  // decoded, where escapes made it necessary
};

}  // namespace changevault
