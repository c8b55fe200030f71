#include "codec/normal_json.h"

#include <algorithm>
#include <charconv>

#include "base/hash.h"
#include "base/time.h"
#include "codec/bson_timestamp.h"
#include "codec/decimal_text.h"
#include "codec/json_text.h"

namespace changevault {
namespace {

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

// The 16 bytes of a UUID in base64 as its dashed digits; nullopt where it is none.
std::optional<std::string> uuid_of_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  if (text.size() != 22) return std::nullopt;
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int value = base64_value(c);
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes.push_back(static_cast<char>(bits >> count & 0xFF));
    }
  }
  std::string digits = to_hex(bytes);
  for (const std::size_t dash : {20U, 16U, 12U, 8U}) digits.insert(dash, 1, '-');
  return digits;
}

bool is_hex_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool is_object_id(std::string_view text) {
  return text.size() == 24 && std::ranges::all_of(text, is_hex_digit);
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex_digit(text[i])) return false;
  }
  return true;
}

// Years outside 0 to 9999 have no RFC 3339 text; they keep their milliseconds.
std::optional<std::string> date_text(std::int64_t ms) {
  constexpr std::int64_t kFirst = -62'167'219'200'000;
  constexpr std::int64_t kLast = 253'402'300'799'999;
  if (ms < kFirst || ms > kLast) return std::nullopt;
  return to_rfc3339(Timestamp{ms});
}

// Writes the value that stands next in the reader, which `check` has proven. Recursion is bounded by the
// reader's depth.
class Normalizer {
 public:
  struct Form {
    std::optional<std::string> (*number)(std::string_view, NumberKind);
    bool any_id;  // $oid and $uuid are reduced whatever their text
  };
  Normalizer(JsonReader& reader, const Form& form) : reader_(reader), form_(form) {}

  std::string take() && { return std::move(out_); }

  void value() {
    switch (reader_.peek()) {
      case '{':
        if (!wrapper()) object();
        return;
      case '[':
        array();
        return;
      case '"':
        append_json_string(out_, decoded_string());
        return;
      default:
        scalar();
    }
  }

 private:
  std::string decoded_string() {
    std::string_view inside;
    std::string text;
    if (reader_.string(inside)) unescape_json(inside, text);
    return text;
  }

  void scalar() {
    std::string_view text;
    reader_.check(text);
    const auto number = form_.number(text, NumberKind::kPlain);
    out_.append(number ? std::string_view(*number) : text);
  }

  void object() {
    out_.push_back('{');
    std::string_view key;
    ObjectFields fields(reader_);
    for (bool first = true; fields.next(key); first = false) {
      if (!first) out_.push_back(',');
      std::string name;
      unescape_json(key, name);
      append_json_string(out_, name);
      out_.push_back(':');
      value();
    }
    out_.push_back('}');
  }

  void array() {
    out_.push_back('[');
    ArrayItems items(reader_);
    for (bool first = true; items.next(); first = false) {
      if (!first) out_.push_back(',');
      value();
    }
    out_.push_back(']');
  }

  // An object that stands for one value. Read on trial: back to its start where it is none.
  bool wrapper() {
    const JsonReader::Mark begin = reader_.mark();
    std::string_view slice;
    reader_.check(slice);
    const JsonReader::Mark end = reader_.mark();
    reader_.rewind(begin);
    const bool possible = slice.find_first_of("$\\") != std::string_view::npos;  // an escape may hide the '$'
    const bool known = possible && (timestamp(begin) || binary(begin) || single(begin));
    reader_.rewind(known ? end : begin);
    return known;
  }

  bool timestamp(const JsonReader::Mark& begin) {
    const auto time = read_timestamp(reader_);
    reader_.rewind(begin);
    if (!time) return false;
    out_.append(R"({"$timestamp":{"t":)").append(std::to_string(time->seconds));
    out_.append(R"(,"i":)").append(std::to_string(time->increment)).append("}}");
    return true;
  }

  // {"$binary":{"base64":…,"subType":…}}, and the older {"$binary":…,"$type":…}.
  bool binary(const JsonReader::Mark& begin) {
    std::string base64;
    std::string type;
    const bool found = read_binary(base64, type);
    reader_.rewind(begin);
    if (!found) return false;
    const bool is_uuid = type == "04" || type == "4";
    append_json_string(out_, (is_uuid ? uuid_of_base64(base64) : std::nullopt).value_or(base64));
    return true;
  }

  bool read_binary(std::string& base64, std::string& type) {
    std::string scratch;
    std::string_view key;
    const auto next_is = [&](ObjectFields& fields, std::string_view name) {
      return fields.next(key) && decoded_json(key, scratch) == name;
    };
    ObjectFields outer(reader_);
    if (!next_is(outer, "$binary")) return false;
    if (reader_.peek() == '"') {
      base64 = decoded_string();
      if (!next_is(outer, "$type") || reader_.peek() != '"') return false;
      type = decoded_string();
      return !outer.next(key);
    }
    if (reader_.peek() != '{') return false;
    ObjectFields inner(reader_);
    while (inner.next(key)) {
      const std::string_view name = decoded_json(key, scratch);
      if ((name != "base64" && name != "subType") || reader_.peek() != '"') return false;
      (name == "base64" ? base64 : type) = decoded_string();
    }
    return !type.empty() && !outer.next(key);
  }

  // Wrappers of one field with a text: numbers, $oid, $uuid, $date.
  bool single(const JsonReader::Mark& begin) {
    std::string_view key;
    std::string_view content;
    ObjectFields fields(reader_);
    if (!fields.next(key)) return false;
    std::string name;
    unescape_json(key, name);
    const JsonReader::Mark at = reader_.mark();
    if (!reader_.check(content) || fields.next(key)) return false;
    reader_.rewind(at);
    const bool known = name == "$date" ? date() : reader_.peek() == '"' && text_wrapper(name);
    if (!known) reader_.rewind(begin);
    return known;
  }

  bool text_wrapper(const std::string& name) {
    const std::string text = decoded_string();
    if (name == "$oid" || name == "$uuid") {
      if (!form_.any_id && !(name == "$oid" ? is_object_id(text) : is_uuid(text))) return false;
      append_json_string(out_, lower_case(text));
      return true;
    }
    NumberKind kind{};
    if (name == "$numberInt" || name == "$numberLong") {
      kind = NumberKind::kInteger;
    } else if (name == "$numberDouble") {
      kind = NumberKind::kDouble;
    } else if (name == "$numberDecimal") {
      kind = NumberKind::kDecimal;
    } else {
      return false;
    }
    const auto number = form_.number(text, kind);
    if (!number) return false;
    out_.append(*number);
    return true;
  }

  // {"$date":"2025-01-15T14:03:07Z"}, {"$date":{"$numberLong":"1736949787000"}}, {"$date":1736949787000}
  bool date() {
    std::optional<std::string> text;
    if (reader_.peek() == '"') {
      text = decoded_string();
      if (const auto time = parse_rfc3339(*text)) text = to_rfc3339(*time);
    } else {
      Normalizer number(reader_, {normal_number, true});
      number.value();
      std::int64_t ms = 0;
      const auto [end, error] =
          std::from_chars(number.out_.data(), number.out_.data() + number.out_.size(), ms);
      if (error != std::errc() || end != number.out_.data() + number.out_.size()) return false;
      text = date_text(ms);
    }
    if (!text) return false;
    append_json_string(out_, *text);
    return true;
  }

  JsonReader& reader_;
  const Form form_;
  std::string out_;
};

std::optional<std::string> normalized(JsonReader& reader, std::string_view json,
                                      const Normalizer::Form& form) {
  std::string_view slice;
  if (!reader.open(json, true) || !reader.check(slice) || !reader.finish()) return std::nullopt;
  reader.rewind({});
  Normalizer normalizer(reader, form);
  normalizer.value();
  return std::move(normalizer).take();
}

}  // namespace

std::optional<std::string> normal_json(JsonReader& reader, std::string_view json) {
  return normalized(reader, json, {normal_number, true});
}

std::optional<std::string> comparable_json(JsonReader& reader, std::string_view json) {
  return normalized(reader, json, {exact_number, false});
}

std::optional<std::string> reduced_text(std::string_view string) {
  if (is_object_id(string) || is_uuid(string)) return lower_case(std::string(string));
  const auto time = parse_rfc3339(string);
  return time ? std::optional(to_rfc3339(*time)) : std::nullopt;
}

}  // namespace changevault
