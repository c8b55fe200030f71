#include "codec/record_builder.h"

#include <array>
#include <charconv>
#include <stdexcept>

#include <simdjson.h>

#include "base/hash.h"
#include "codec/event_parser.h"
#include "codec/json_text.h"
#include "codec/number_unwrap.h"

namespace changevault {
namespace {

constexpr std::size_t kKeptBytes = std::size_t{1} << 20;  // of a buffer, after a giant event

// Decimal digits of a part of a cluster time, kept where views can point.
class Digits {
 public:
  std::string_view write(std::uint32_t value) {
    const auto [end, error] = std::to_chars(text_.data(), text_.data() + text_.size(), value);
    return {text_.data(), static_cast<std::size_t>(end - text_.data())};
  }

 private:
  std::array<char, 10> text_{};
};

void append_integer(std::string& out, std::int64_t value) {
  std::array<char, 20> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  out.append(text.data(), static_cast<std::size_t>(end - text.data()));
}

// The text of the last time asked for: events that follow one another often have the same, or one of the same
// second.
class TimeText {
 public:
  std::string_view of(Timestamp time) {
    if (in_same_second(time)) {
      write_milliseconds(time.ms % 1000);
    } else if (text_.empty() || time != time_) {
      text_.clear();
      append_rfc3339(text_, time);
    }
    time_ = time;
    return text_;
  }

 private:
  // Of the years 1970 to 9999, where texts are made of nothing but the time.
  bool in_same_second(Timestamp time) const {
    constexpr std::int64_t kYear10000 = 253'402'300'800'000;
    return !text_.empty() && time_.ms >= 0 && time.ms >= 0 && time.ms < kYear10000 &&
           time.ms / 1000 == time_.ms / 1000;
  }
  void write_milliseconds(std::int64_t ms) {
    constexpr std::size_t kPlace = 20;
    text_[kPlace] = static_cast<char>('0' + ms / 100);
    text_[kPlace + 1] = static_cast<char>('0' + ms / 10 % 10);
    text_[kPlace + 2] = static_cast<char>('0' + ms % 10);
  }

  std::string text_;
  Timestamp time_{};
};

void append_name(std::string& out, std::string_view name) {
  if (name.empty()) {
    out.append("null");
  } else {
    append_json_string(out, name);
  }
}

void append_slice(std::string& out, std::string_view slice) {
  if (slice.empty()) {
    out.append("null");
  } else {
    append_unwrapped(out, slice);
  }
}

void append_cluster_time(std::string& out, const ParsedEvent& parsed) {
  if (parsed.cluster_time_seconds.empty()) {
    out.append("null");
    return;
  }
  out.append(R"({"$timestamp":{"t":)").append(parsed.cluster_time_seconds);
  out.append(R"(,"i":)").append(parsed.cluster_time_increment).append("}}");
}

// From processed_timestamp to enqueued_time: the fields that records and dead letters share.
void append_position(std::string& out, const HubEvent& event, std::string_view effective,
                     std::string_view processed) {
  out.append(R"(,"processed_timestamp":")").append(processed);
  out.append(R"(","partition_id":")");
  append_integer(out, event.partition.value);
  out.append(R"(","offset":)");
  append_json_string(out, event.offset);
  out.append(R"(,"sequence_number":)");
  append_integer(out, event.sequence.value);
  out.append(R"(,"enqueued_time":")").append(effective).push_back('"');
}

bool spans_lines(std::string_view text) {
  return text.find('\n') != std::string_view::npos || text.find('\r') != std::string_view::npos;
}

}  // namespace

struct RecordBuilder::Parser {
  explicit Parser(RecordIdentity identity_in) : identity(std::move(identity_in)) {}

  RecordIdentity identity;
  EventParser events;
  std::string compact;  // the event without white space, where it spanned lines
  Digits seconds;
  Digits increment;
  TimeText processed;
  TimeText effective;

  // The event on one line. White space is taken out only from text that is proven: between the two digits of
  // "1\n2" it is what makes the text invalid. Raw line breaks inside strings are no JSON, so all that are
  // left stand between tokens.
  std::expected<std::string_view, Refusal> one_line(std::string_view text) {
    if (compact.capacity() > kKeptBytes) std::string().swap(compact);
    if (!spans_lines(text)) return text;
    if (auto proven = events.prove(text); !proven) return std::unexpected(std::move(proven).error());
    compact.resize(text.size() + simdjson::SIMDJSON_PADDING);  // whole vectors are written at the end
    std::size_t length = 0;
    if (simdjson::minify(text.data(), text.size(), compact.data(), length) != simdjson::SUCCESS) {
      throw std::logic_error("valid JSON cannot be minified");
    }
    compact.resize(length);
    return compact;
  }

  EventId id_of(const EventFields& fields, const HubEvent& event) const {
    if (!fields.token.empty()) return EventId::of_token(identity.source_id, fields.token);
    return EventId::of_position(identity.hub_identity, identity.epoch, event.partition, event.sequence);
  }
};

RecordBuilder::RecordBuilder(RecordIdentity identity)
    : parser_(std::make_unique<Parser>(std::move(identity))) {}
RecordBuilder::~RecordBuilder() = default;
RecordBuilder::RecordBuilder(RecordBuilder&&) noexcept = default;

std::expected<ParsedEvent, Refusal> RecordBuilder::parse(const HubEvent& event) {
  const std::string_view text = trim_json(event.payload);
  if (text.empty()) return std::unexpected("an empty message");
  if (text.size() > kMaxPayloadBytes) return std::unexpected("longer than 256 MiB");
  auto line = parser_->one_line(text);
  if (!line) return std::unexpected(std::move(line).error());
  auto fields = parser_->events.parse(*line);
  if (!fields) return std::unexpected(std::move(fields).error());
  ParsedEvent parsed;
  parsed.id = parser_->id_of(*fields, event);
  parsed.database = fields->database;
  parsed.collection = fields->collection;
  parsed.operation = fields->operation;
  if (fields->cluster_time) {
    parsed.cluster_time_seconds = parser_->seconds.write(fields->cluster_time->seconds);
    parsed.cluster_time_increment = parser_->increment.write(fields->cluster_time->increment);
  }
  parsed.document_key = fields->document_key;
  parsed.full_document = fields->full_document;
  parsed.update_description = fields->update_description;
  parsed.raw = *line;
  return parsed;
}

void RecordBuilder::append_record(const ParsedEvent& parsed, const HubEvent& event, Timestamp effective,
                                  Timestamp processed, std::string& out) const {
  out.append(R"({"event_id":")");
  append_hex(out, parsed.id);
  out.push_back('"');
  append_position(out, event, parser_->effective.of(effective), parser_->processed.of(processed));
  out.append(R"(,"operation_type":)");
  append_json_string(out, parsed.operation);
  out.append(R"(,"database_name":)");
  append_name(out, parsed.database);
  out.append(R"(,"collection_name":)");
  append_name(out, parsed.collection);
  out.append(R"(,"document_key":)");
  append_slice(out, parsed.document_key);
  out.append(R"(,"full_document":)");
  append_slice(out, parsed.full_document);
  out.append(R"(,"update_description":)");
  append_slice(out, parsed.update_description);
  out.append(R"(,"cluster_time":)");
  append_cluster_time(out, parsed);
  out.append(R"(,"raw_event":)").append(parsed.raw).append("}\n");
}

void RecordBuilder::append_dead_letter(const Refusal& reason, const HubEvent& event, Timestamp effective,
                                       Timestamp processed, std::string& out) {
  out.append(R"({"reason":)");
  append_json_string(out, reason);
  append_position(out, event, to_rfc3339(effective), to_rfc3339(processed));
  out.append(R"(,"payload_base64":")").append(to_base64(event.payload)).append("\"}\n");
}

}  // namespace changevault
