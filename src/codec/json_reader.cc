#include "codec/json_reader.h"

#include <algorithm>
#include <new>
#include <stdexcept>

#include <simdjson.h>

#include "codec/json_text.h"

namespace changevault {
namespace {

// The tables of the first stage take four bytes for each byte of text. They grow by doubling, and go back
// after a giant.
constexpr std::size_t kSmallCapacity = std::size_t{64} << 10;
constexpr std::size_t kLargeCapacity = std::size_t{8} << 20;

const char* reason_of(simdjson::error_code error) {
  switch (error) {
    case simdjson::UTF8_ERROR:
      return "not UTF-8";
    case simdjson::UNCLOSED_STRING:
      return "a string does not end";
    case simdjson::UNESCAPED_CHARS:
      return "a control character in a string";
    case simdjson::EMPTY:
      return "no value";
    default:
      return simdjson::error_message(error);
  }
}

}  // namespace

struct JsonReader::Tokens {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> stage;
  std::size_t capacity = 0;

  void set_capacity(std::size_t bytes) {
    capacity = 0;
    const auto error =
        stage ? stage->set_capacity(bytes)
              : simdjson::get_active_implementation()->create_dom_parser_implementation(bytes, 1, stage);
    if (error == simdjson::MEMALLOC) throw std::bad_alloc();
    if (error != simdjson::SUCCESS) throw std::logic_error(simdjson::error_message(error));
    capacity = bytes;
  }
};

JsonReader::JsonReader(std::size_t max_depth)
    : tokens_(std::make_unique<Tokens>()),
      max_depth_(max_depth),
      closers_(std::make_unique<char[]>(max_depth)) {}
JsonReader::~JsonReader() = default;
JsonReader::JsonReader(JsonReader&&) noexcept = default;
JsonReader& JsonReader::operator=(JsonReader&&) noexcept = default;

void JsonReader::reserve(std::size_t bytes) {
  const std::size_t now = tokens_->capacity;
  if (now > kLargeCapacity && bytes <= kLargeCapacity / 8) {
    tokens_->set_capacity(kLargeCapacity / 8);
  } else if (bytes >= now) {
    tokens_->set_capacity(std::max({kSmallCapacity, bytes + 1, std::min(2 * now, kLargeCapacity)}));
  }
}

bool JsonReader::open(std::string_view text, bool check_escapes) {
  text_ = text;
  positions_ = nullptr;
  count_ = next_ = depth_ = 0;
  what_ = nullptr;
  too_deep_ = false;
  escapes_ = true;
  if (text.empty()) return fail_at("no value", 0);
  if (text.size() >= UINT32_MAX / 2) return fail_at("too long", 0);
  reserve(text.size());
  auto& stage = *tokens_->stage;
  const auto error = stage.stage1(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
                                  simdjson::stage1_mode::regular);
  if (error != simdjson::SUCCESS) return fail_at(reason_of(error), std::string_view::npos);
  positions_ = stage.structural_indexes.get();
  count_ = stage.n_structural_indexes;
  if (check_escapes) {
    escapes_ = text.find('\\') != std::string_view::npos;
    const std::size_t bad = escapes_ ? find_bad_escape(text) : std::string_view::npos;
    if (bad != std::string_view::npos) return fail_at("bad escape", bad);
  }
  return true;
}

std::string_view JsonReader::decoded(std::string_view inside, std::string& scratch) const {
  return escapes_ ? decoded_json(inside, scratch) : inside;
}

bool JsonReader::fail_at(const char* what, std::size_t byte) {
  what_ = what;
  where_ = byte;
  return false;
}

bool JsonReader::fail(const char* what, std::size_t token) {
  return fail_at(what, token < count_ ? positions_[token] : text_.size());
}

// The first stage does not say where.
std::string JsonReader::error() const {
  if (where_ == std::string_view::npos) return what_;
  return std::string(what_) + " at byte " + std::to_string(where_);
}

// From the token's first byte to its last: between two tokens stands white space alone.
std::string_view JsonReader::token_text(std::size_t i) const {
  const std::size_t begin = positions_[i];
  std::size_t end = i + 1 < count_ ? positions_[i + 1] : text_.size();
  while (is_json_space(text_[end - 1])) --end;
  return text_.substr(begin, end - begin);
}

std::string_view JsonReader::slice_from(std::size_t first) const {
  const std::size_t begin = positions_[first];
  const std::string_view last = token_text(next_ - 1);
  return text_.substr(begin, static_cast<std::size_t>(last.data() - text_.data()) + last.size() - begin);
}

// Digits up to the next token: the most common number, without a look at its white space or its grammar.
bool JsonReader::is_integer(std::size_t i) const {
  const std::size_t begin = positions_[i];
  const std::size_t end = i + 1 < count_ ? positions_[i + 1] : text_.size();
  if (text_[begin] == '0') return end == begin + 1;
  for (std::size_t at = begin; at < end; ++at) {
    if (text_[at] < '0' || text_[at] > '9') return false;
  }
  return true;
}

bool JsonReader::check_scalar(std::size_t i) {
  const char c = token(i);
  if (i >= count_) return fail("expected a value", i);
  if (is_integer(i)) return true;
  const std::string_view text = token_text(i);
  if (c == '-' || (c >= '0' && c <= '9')) return is_json_number(text) || fail("not a number", i);
  return text == "true" || text == "false" || text == "null" || fail("expected a value", i);
}

// A value is due at the top of the outer loop; the inner one closes the containers that end with it. What it
// looks at is held in locals: the bytes that are written here could be any member's, for all the compiler
// knows.
bool JsonReader::check_container() {
  const char* const text = text_.data();
  const std::uint32_t* const positions = positions_;
  const std::size_t count = count_;
  char* const closers = closers_.get();
  const std::size_t room = max_depth_ - depth_;
  const auto token = [=](std::size_t at) { return at < count ? text[positions[at]] : '\0'; };
  std::size_t level = 0;
  std::size_t i = next_;
  const auto key = [&] {
    if (token(i) != '"') return fail("expected a field name", i);
    if (token(i + 1) != ':') return fail("expected ':'", i + 1);
    i += 2;
    return true;
  };
  while (true) {
    const char c = token(i);
    if (c == '"') {
      ++i;  // the first stage has proven it, check_escapes the rest
    } else if (c == '{' || c == '[') {
      if (level == room) {
        too_deep_ = true;
        return fail("nested too deep", i);
      }
      const char closer = static_cast<char>(c + 2);  // '{' and '}', '[' and ']' are two apart
      closers[level++] = closer;
      ++i;
      if (token(i) != closer) {
        if (c == '{' && !key()) return false;
        continue;
      }
    } else {
      if (!check_scalar(i)) return false;
      ++i;
    }
    while (true) {
      if (level == 0) {
        next_ = i;
        return true;
      }
      const char closer = closers[level - 1];
      const char end = token(i);
      if (end == ',') {
        ++i;
        if (closer == '}' && !key()) return false;
        break;
      }
      if (end != closer) return fail(closer == '}' ? "expected ',' or '}'" : "expected ',' or ']'", i);
      ++i;
      --level;
    }
  }
}

bool JsonReader::check(std::string_view& slice) {
  const std::size_t first = next_;
  if (!check_container()) return false;
  slice = slice_from(first);
  return true;
}

bool JsonReader::skip_container() {
  std::size_t level = 0;
  for (std::size_t i = next_; i < count_; ++i) {
    const char c = text_[positions_[i]];
    if (c == '{' || c == '[') {
      ++level;
    } else if (c == '}' || c == ']') {
      if (--level == 0) {
        next_ = i + 1;
        return true;
      }
    }
  }
  return fail("an object or array does not end", count_);
}

bool JsonReader::skip(std::string_view& slice) {
  const std::size_t first = next_;
  switch (peek()) {
    case '{':
    case '[':
      if (!skip_container()) return false;
      break;
    case '\0':
    case '}':
    case ']':
    case ',':
    case ':':
      return fail("expected a value", next_);
    default:
      ++next_;
  }
  slice = slice_from(first);
  return true;
}

bool JsonReader::string(std::string_view& inside) {
  if (peek() != '"') return false;
  // The usual case, without white space behind it: the next token begins where the string ends.
  const std::size_t begin = positions_[next_] + 1;
  const std::size_t end = next_ + 1 < count_ ? positions_[next_ + 1] : text_.size();
  if (end > begin && text_[end - 1] == '"') {
    inside = text_.substr(begin, end - 1 - begin);
    ++next_;
    return true;
  }
  const std::string_view text = token_text(next_);
  if (text.size() < 2 || text.back() != '"') return fail("expected a string", next_);
  inside = text.substr(1, text.size() - 2);
  ++next_;
  return true;
}

bool JsonReader::finish() {
  return at_end() || fail("something behind the value", next_);
}

// Steps to the next member of an object or array that was entered, or behind its end (false).
bool JsonReader::next_member(char closer, bool& first) {
  if (failed()) return false;
  if (peek() == closer) {
    ++next_;
    --depth_;
    return false;
  }
  if (!first) {
    if (peek() != ',') return fail("expected ',' or the end of the object or array", next_);
    ++next_;
  }
  first = false;
  return true;
}

ObjectFields::ObjectFields(JsonReader& reader) : reader_(reader) {
  ++reader_.next_;
  ++reader_.depth_;
}

bool ObjectFields::next(std::string_view& key) {
  if (!reader_.next_member('}', first_)) return false;
  if (!reader_.string(key)) return !reader_.failed() && reader_.fail("expected a field name", reader_.next_);
  if (reader_.peek() != ':') return reader_.fail("expected ':'", reader_.next_);
  ++reader_.next_;
  return true;
}

ArrayItems::ArrayItems(JsonReader& reader) : reader_(reader) {
  ++reader_.next_;
  ++reader_.depth_;
}

bool ArrayItems::next() {
  return reader_.next_member(']', first_);
}

}  // namespace changevault
