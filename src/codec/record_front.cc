#include "codec/record_front.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "codec/record_fields.h"

namespace changevault {
namespace {

constexpr std::size_t kTimeSize = 24;
constexpr std::string_view kRawEvent = R"(,"raw_event":)";
constexpr std::size_t kFirstDocument = *find_record_field("document_key");
constexpr std::array<std::string_view, 4> kDocumentNames{R"(,"document_key":)", R"(,"full_document":)",
                                                         R"(,"update_description":)", R"(,"cluster_time":)"};

// Takes `expected` from the front of `rest`.
bool take(std::string_view& rest, std::string_view expected) {
  if (!rest.starts_with(expected)) return false;
  rest.remove_prefix(expected.size());
  return true;
}

// Takes a text without escapes and its closing quote.
bool take_text(std::string_view& rest, std::string_view& text) {
  const std::size_t end = rest.find('"');
  if (end == std::string_view::npos) return false;
  text = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return text.find('\\') == std::string_view::npos;
}

// Takes a text as above, or null.
bool take_name(std::string_view& rest, std::optional<std::string_view>& name) {
  if (take(rest, "null")) return true;
  std::string_view text;
  if (!take(rest, "\"") || !take_text(rest, text)) return false;
  name = text;
  return true;
}

bool take_integer(std::string_view& rest, std::int64_t& value) {
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (error != std::errc()) return false;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  return true;
}

// Takes a text of exactly `size` bytes and its closing quote: no search for the end.
bool take_sized(std::string_view& rest, std::size_t size, std::string_view& text) {
  if (rest.size() <= size || rest[size] != '"') return false;
  text = rest.substr(0, size);
  rest.remove_prefix(size + 1);
  return true;
}

bool take_event_id(std::string_view& rest, std::string_view& id) {
  if (!take_sized(rest, 32, id)) return false;
  bool all = true;  // no branch for each
  for (const char c : id) all &= (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  return all;
}

}  // namespace

bool RecordFrontReader::read_time(std::string_view text, KnownTime& known) {
  if (text.size() != sizeof known.text) return false;
  if (std::memcmp(text.data(), known.text, sizeof known.text) == 0) return true;
  const auto time = parse_rfc3339(text);
  if (!time || text[10] != 'T' || text[23] != 'Z') return false;
  std::memcpy(known.text, text.data(), sizeof known.text);
  known.time = *time;
  return true;
}

std::optional<RecordView> RecordFrontReader::read(std::string_view line) {
  RecordView front;
  front.line = line;
  std::string_view processed, partition, offset, enqueued;
  std::int64_t sequence = 0;
  const bool whole = take(line, R"({"event_id":")") && take_event_id(line, front.event_id) &&
                     take(line, R"(,"processed_timestamp":")") && take_sized(line, kTimeSize, processed) &&
                     take(line, R"(,"partition_id":")") && take_text(line, partition) &&
                     take(line, R"(,"offset":")") && take_text(line, offset) &&
                     take(line, R"(,"sequence_number":)") && take_integer(line, sequence) &&
                     take(line, R"(,"enqueued_time":")") && take_sized(line, kTimeSize, enqueued) &&
                     take(line, R"(,"operation_type":")") && take_text(line, front.operation_type) &&
                     !front.operation_type.empty() && take(line, R"(,"database_name":)") &&
                     take_name(line, front.database_name) && take(line, R"(,"collection_name":)") &&
                     take_name(line, front.collection_name) && line.starts_with(',');
  if (!whole || !read_time(processed, processed_) || !read_time(enqueued, enqueued_)) return std::nullopt;
  behind_ = line;
  front.partition_id = partition;
  front.offset = offset;
  front.sequence_number = sequence;
  front.processed_timestamp = processed_.time;
  front.enqueued_time = enqueued_.time;
  return front;
}

std::optional<std::string_view> guess_document(std::string_view& behind, std::size_t field) {
  if (!take(behind, kDocumentNames[field - kFirstDocument])) return std::nullopt;
  const std::string_view name = kDocumentNames[field - kFirstDocument + 1];
  const void* const found = ::memmem(behind.data(), behind.size(), name.data(), name.size());
  if (found == nullptr) return std::nullopt;
  const auto size = static_cast<std::size_t>(static_cast<const char*>(found) - behind.data());
  const std::string_view document = behind.substr(0, size);
  behind.remove_prefix(size);
  return document;
}

std::string_view guess_raw_event(std::string_view line) {
  const void* found = ::memmem(line.data(), line.size(), kRawEvent.data(), kRawEvent.size());
  if (found == nullptr || !line.ends_with('}')) return {};
  const auto begin =
      static_cast<std::size_t>(static_cast<const char*>(found) - line.data()) + kRawEvent.size();
  return line.substr(begin, line.size() - 1 - begin);
}

}  // namespace changevault
