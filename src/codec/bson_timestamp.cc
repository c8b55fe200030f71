#include "codec/bson_timestamp.h"

#include <charconv>

namespace changevault {
namespace {

template <typename Int>
std::optional<Int> parse_all(std::string_view text) {
  Int value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Takes `expected` from the front of `rest`.
bool take(std::string_view& rest, std::string_view expected) {
  if (!rest.starts_with(expected)) return false;
  rest.remove_prefix(expected.size());
  return true;
}

std::optional<std::uint32_t> take_digits(std::string_view& rest) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (error != std::errc()) return std::nullopt;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  return value;
}

std::optional<std::uint32_t> read_part(JsonReader& reader) {
  std::string_view text;
  if (reader.peek() != '{') return reader.check(text) ? parse_all<std::uint32_t>(text) : std::nullopt;
  std::string_view key;
  ObjectFields fields(reader);
  if (!fields.next(key) || (key != "$numberInt" && key != "$numberLong") || !reader.string(text))
    return std::nullopt;
  return fields.next(key) ? std::nullopt : parse_all<std::uint32_t>(text);
}

std::optional<BsonTimestamp> read_parts(JsonReader& reader) {
  std::optional<std::uint32_t> seconds;
  std::optional<std::uint32_t> increment;
  std::string_view key;
  ObjectFields fields(reader);
  while (fields.next(key)) {
    if (key != "t" && key != "i") return std::nullopt;
    auto& part = key == "t" ? seconds : increment;
    if (part) return std::nullopt;
    part = read_part(reader);
    if (!part) return std::nullopt;
  }
  if (!seconds || !increment) return std::nullopt;
  return BsonTimestamp{*seconds, *increment};
}

std::optional<BsonTimestamp> read_content(JsonReader& reader) {
  if (reader.peek() == '{') return read_parts(reader);
  std::string_view digits;
  if (!reader.string(digits)) return std::nullopt;
  const auto bits = parse_all<std::uint64_t>(digits);
  if (!bits) return std::nullopt;
  return BsonTimestamp{static_cast<std::uint32_t>(*bits >> 32), static_cast<std::uint32_t>(*bits)};
}

}  // namespace

std::optional<BsonTimestamp> read_plain_timestamp(std::string_view text) {
  if (!take(text, R"({"$timestamp":{"t":)")) return std::nullopt;
  const auto seconds = take_digits(text);
  if (!seconds || !take(text, R"(,"i":)")) return std::nullopt;
  const auto increment = take_digits(text);
  if (!increment || text != "}}") return std::nullopt;
  return BsonTimestamp{*seconds, *increment};
}

std::optional<BsonTimestamp> read_timestamp(JsonReader& reader) {
  if (reader.peek() != '{') return std::nullopt;
  std::string_view key;
  ObjectFields fields(reader);
  if (!fields.next(key) || key != "$timestamp") return std::nullopt;
  const auto time = read_content(reader);
  return time && !fields.next(key) ? time : std::nullopt;
}

}  // namespace changevault
