// The reference for the unwrapping of Extended JSON numbers, for tests and fuzzers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "codec/json_text.h"

namespace changevault::testing {

// Unwraps one value of `text` at `at` by recursive descent, with no tricks: what append_unwrapped must give.
class SlowUnwrap {
 public:
  explicit SlowUnwrap(std::string_view text) : text_(text) {}
  std::string run() { return unwrap(true); }

 private:
  std::string spaces() {
    std::string out;
    while (at_ < text_.size() && is_json_space(text_[at_])) out.push_back(text_[at_++]);
    return out;
  }
  std::string string() {
    const std::size_t begin = at_++;
    while (text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }
  static bool is_wrapper(const std::vector<std::string>& keys, const std::vector<std::string>& values) {
    if (keys.size() != 1 || values[0].size() < 2 || values[0].front() != '"') return false;
    return (keys[0] == "\"$numberInt\"" || keys[0] == "\"$numberLong\"" || keys[0] == "\"$numberDouble\"") &&
           is_json_number(std::string_view(values[0]).substr(1, values[0].size() - 2));
  }
  std::string unwrap(bool root) {
    if (text_[at_] == '"') return string();
    if (text_[at_] != '{' && text_[at_] != '[') {
      const std::size_t begin = at_;
      while (at_ < text_.size() && !is_json_space(text_[at_]) &&
             std::string_view(",]}").find(text_[at_]) == std::string_view::npos)
        ++at_;
      return std::string(text_.substr(begin, at_ - begin));
    }
    const bool is_object = text_[at_] == '{';
    std::vector<std::string> keys;
    std::vector<std::string> values;
    std::string out(1, text_[at_++]);
    out += spaces();
    while (text_[at_] != '}' && text_[at_] != ']') {
      if (is_object) {
        keys.push_back(string());
        out += keys.back() + spaces();
        out += text_[at_++];
        out += spaces();
      }
      values.push_back(unwrap(false));
      out += values.back() + spaces();
      if (text_[at_] == ',') {
        out += text_[at_++];
        out += spaces();
      }
    }
    out += text_[at_++];
    return is_object && !root && is_wrapper(keys, values) ? values[0].substr(1, values[0].size() - 2) : out;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace changevault::testing
