#include "codec/event_parser.h"

#include <algorithm>
#include <array>

namespace changevault {
namespace {

constexpr std::array<std::string_view, 7> kKnown{
    "_id", "operationType", "ns", "documentKey", "fullDocument", "updateDescription", "clusterTime"};

std::unexpected<std::string> refuse(std::string reason) {
  return std::unexpected(std::move(reason));
}

std::string not_an_object(char first) {
  if (first == '[') return "not an object but an array: publish each event as a message of its own";
  if (first == '"') return "not an object but a string: publish the event itself, not its text in quotes";
  return "not an object";
}

}  // namespace

std::string EventParser::invalid() const {
  if (reader_.too_deep()) return "nested deeper than " + std::to_string(kMaxEventDepth) + " levels";
  return "not JSON: " + reader_.error();
}

std::expected<void, std::string> EventParser::prove(std::string_view text) {
  std::string_view slice;
  if (!reader_.open(text, true) || !reader_.check(slice) || !reader_.finish()) return refuse(invalid());
  return {};
}

std::expected<EventFields, std::string> EventParser::parse(std::string_view text) {
  fields_ = {};
  envelope_ = {};
  seen_ = 0;
  if (!reader_.open(text, true)) return refuse(invalid());
  if (const char first = reader_.peek(); first != '{') {
    std::string_view slice;
    const bool valid = reader_.check(slice) && reader_.finish();
    return refuse(valid ? not_an_object(first) : invalid());
  }
  const Outcome outcome = read_top_level();
  if (reader_.failed()) return refuse(invalid());
  if (!outcome) return refuse(outcome.error());
  return fields_;
}

EventParser::Outcome EventParser::read_top_level() {
  Outcome outcome;
  std::string_view key;
  ObjectFields fields(reader_);
  while (fields.next(key)) {
    Outcome field = read_field(reader_.decoded(key, key_));
    if (!outcome || field) continue;
    outcome =
        std::move(field);  // the first reason counts; reading goes on, broken JSON would be the better one
  }
  if (reader_.failed() || !reader_.finish() || !outcome) return outcome;
  if (fields_.operation.empty()) return refuse(envelope_.reason());
  if (fields_.database.empty()) fields_.collection = {};
  return {};
}

EventParser::Outcome EventParser::read_field(std::string_view key) {
  const auto known = std::ranges::find(kKnown, key);
  if (known == kKnown.end()) {
    envelope_.see(key);
    return ignore();
  }
  const auto index = static_cast<std::size_t>(known - kKnown.begin());
  if ((seen_ >> index & 1U) != 0) {
    skip();
    return refuse("the field " + std::string(*known) + " stands there twice");
  }
  seen_ |= 1U << index;
  return read_known(index);
}

EventParser::Outcome EventParser::read_known(std::size_t field) {
  switch (field) {
    case 0:
      return read_id();
    case 1:
      return read_operation();
    case 2:
      return read_namespace();
    case 3:
      return read_object("documentKey", fields_.document_key);
    case 4:
      return read_object("fullDocument", fields_.full_document);
    case 5:
      return read_object("updateDescription", fields_.update_description);
    default:
      return read_cluster_time();
  }
}

// A failed reader ends the loop of read_top_level; what it says is asked there.
void EventParser::skip() {
  std::string_view slice;
  reader_.check(slice);
}

EventParser::Outcome EventParser::ignore() {
  skip();
  return {};
}

EventParser::Outcome EventParser::read_id() {
  if (reader_.peek() != '{') return ignore();
  bool found = false;
  Outcome outcome;
  std::string_view key;
  ObjectFields fields(reader_);
  while (fields.next(key)) {
    if (reader_.decoded(key, key_) != "_data") {
      skip();
      continue;
    }
    if (found) outcome = refuse("the field _id._data stands there twice");
    found = true;
    std::string_view token;
    if (reader_.string(token)) {
      fields_.token = reader_.decoded(token, token_);
    } else {
      skip();
    }
  }
  return outcome;
}

EventParser::Outcome EventParser::read_operation() {
  std::string_view text;
  if (!reader_.string(text)) {
    skip();
    return refuse("operationType is not a string");
  }
  if (text.empty()) return refuse("operationType is empty");
  fields_.operation = reader_.decoded(text, operation_);
  return {};
}

EventParser::Outcome EventParser::read_namespace() {
  if (reader_.peek() == 'n') return ignore();
  if (reader_.peek() != '{') {
    skip();
    return refuse("ns is not an object");
  }
  bool seen_database = false;
  bool seen_collection = false;
  Outcome outcome;
  std::string_view key;
  ObjectFields fields(reader_);
  while (fields.next(key)) {
    const std::string_view name = reader_.decoded(key, key_);
    if (name != "db" && name != "coll") {
      skip();
      continue;
    }
    const bool is_database = name == "db";
    bool& seen = is_database ? seen_database : seen_collection;
    const char* const field = is_database ? "ns.db" : "ns.coll";
    Outcome read = is_database ? read_name(field, database_, fields_.database)
                               : read_name(field, collection_, fields_.collection);
    if (seen) read = refuse("the field " + std::string(field) + " stands there twice");
    seen = true;
    if (outcome) outcome = std::move(read);
  }
  return outcome;
}

EventParser::Outcome EventParser::read_name(const char* field, std::string& scratch, std::string_view& name) {
  std::string_view text;
  if (reader_.string(text)) {
    name = reader_.decoded(text, scratch);
    return {};
  }
  const bool is_null = reader_.peek() == 'n';
  skip();
  if (is_null) return {};
  return refuse(std::string(field) + " is not a string");
}

EventParser::Outcome EventParser::read_object(const char* field, std::string_view& slice) {
  const char first = reader_.peek();
  std::string_view value;
  reader_.check(value);
  if (first == '{') slice = value;
  if (first == '{' || first == 'n') return {};
  return refuse(std::string(field) + " is neither an object nor null");
}

EventParser::Outcome EventParser::read_cluster_time() {
  const JsonReader::Mark begin = reader_.mark();
  std::string_view slice;
  if (!reader_.check(slice)) return {};
  fields_.cluster_time = read_plain_timestamp(slice);
  if (fields_.cluster_time) return {};
  const JsonReader::Mark end = reader_.mark();
  reader_.rewind(begin);
  fields_.cluster_time = read_timestamp(reader_);
  reader_.rewind(end);
  return {};
}

}  // namespace changevault
