// A pull reader over JSON text that proves as much of it as it is asked to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace changevault {

// The problem: an event is embedded in a JSON line, so it must be valid JSON down to its last byte, at the
// speed of the archive. On-demand parsers do not look at what is skipped, and parsers that do refuse numbers
// that no machine type holds. So simdjson's first stage finds the tokens (and proves UTF-8, closed strings,
// no control characters in strings), and the grammar is checked here over their positions; numbers are
// checked as text and never converted.
//
// The first stage reads no byte behind the text: no padding is needed and nothing is copied.
//
// Errors stick: once a call has returned false with `failed()`, the position means nothing. Not thread-safe.
// The text outlives its use; slices point into it.
class JsonReader {
 public:
  // Most nested objects and arrays; deeper text fails with `too_deep()`.
  explicit JsonReader(std::size_t max_depth);
  ~JsonReader();
  JsonReader(JsonReader&&) noexcept;
  JsonReader& operator=(JsonReader&&) noexcept;

  // Starts on `text`: one value, white space around it allowed. With `check_escapes`, every escape in every
  // string is proven too; without, strings that are used must be decoded with a check.
  bool open(std::string_view text, bool check_escapes);

  // The first character of the next token; '\0' at the end.
  char peek() const { return next_ < count_ ? text_[positions_[next_]] : '\0'; }
  bool at_end() const { return next_ == count_; }

  // Consumes one value; true and its text where it is valid.
  bool check(std::string_view& slice);
  // The same, but inside objects and arrays only the nesting is followed, not the grammar.
  bool skip(std::string_view& slice);
  // Consumes a string; its text between the quotes. False (and not failed) where the next token is no string.
  bool string(std::string_view& inside);
  // The characters that the inside of a string of this text stands for: itself, or decoded into `scratch`.
  // REQUIRES: opened with `check_escapes`.
  std::string_view decoded(std::string_view inside, std::string& scratch) const;
  // Nothing may follow the value.
  bool finish();

  bool failed() const { return what_ != nullptr; }
  bool too_deep() const { return too_deep_; }
  // "expected ':' at byte 17".
  std::string error() const;

  // A place to come back to, for reading twice what `check` has proven.
  struct Mark {
    std::size_t next = 0;
    std::size_t depth = 0;
  };
  Mark mark() const { return {next_, depth_}; }
  void rewind(const Mark& mark) {
    next_ = mark.next;
    depth_ = mark.depth;
  }

 private:
  friend class ObjectFields;
  friend class ArrayItems;
  struct Tokens;

  bool fail(const char* what, std::size_t token);
  bool fail_at(const char* what, std::size_t byte);
  void reserve(std::size_t bytes);
  char token(std::size_t i) const { return i < count_ ? text_[positions_[i]] : '\0'; }
  std::string_view token_text(std::size_t i) const;
  bool check_scalar(std::size_t i);
  bool is_integer(std::size_t i) const;
  bool check_container();
  bool skip_container();
  bool next_member(char closer, bool& first);
  std::string_view slice_from(std::size_t first) const;

  std::unique_ptr<Tokens> tokens_;
  std::size_t max_depth_;
  std::unique_ptr<char[]> closers_;  // of the open containers, for check_container
  std::string_view text_;
  const std::uint32_t* positions_ = nullptr;  // of the tokens; one more, text_.size(), ends them
  std::size_t count_ = 0;
  std::size_t next_ = 0;
  std::size_t depth_ = 0;  // of the containers entered with ObjectFields
  const char* what_ = nullptr;
  std::size_t where_ = 0;
  bool too_deep_ = false;
  bool escapes_ = true;  // some string may hold an escape
};

// The fields of the object that stands next in a reader, in order:
//   ObjectFields fields(reader);
//   while (fields.next(key)) … consume exactly one value …
//   if (reader.failed()) …
class ObjectFields {
 public:
  // REQUIRES: reader.peek() == '{'
  explicit ObjectFields(JsonReader& reader);
  // The inside of the next key, its ':' consumed too. False behind the object's '}' and for errors.
  bool next(std::string_view& key);

 private:
  JsonReader& reader_;
  bool first_ = true;
};

// The same for the items of an array: consume exactly one value for each `next`.
class ArrayItems {
 public:
  // REQUIRES: reader.peek() == '['
  explicit ArrayItems(JsonReader& reader);
  bool next();

 private:
  JsonReader& reader_;
  bool first_ = true;
};

}  // namespace changevault
