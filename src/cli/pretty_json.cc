#include "cli/pretty_json.h"

namespace changevault {
namespace {

// A parser and printer would pass numbers through a double; moving white space needs neither.
class Printer {
 public:
  explicit Printer(std::string_view json) : json_(json) {}

  std::string run() {
    while (at_ < json_.size()) step();
    return std::move(out_);
  }

 private:
  void step() {
    const char c = json_[at_];
    switch (c) {
      case '"':
        string();
        return;
      case ' ':
      case '\t':
      case '\r':
      case '\n':
        ++at_;
        return;
      case '{':
      case '[':
        open(c);
        return;
      case '}':
      case ']':
        close(c);
        return;
      case ',':
        out_ += c;
        line();
        break;
      case ':':
        out_ += ": ";
        break;
      default:
        out_ += c;
    }
    ++at_;
  }

  void string() {
    const std::size_t start = at_++;
    while (at_ < json_.size() && json_[at_] != '"') at_ += json_[at_] == '\\' ? 2 : 1;
    at_ = at_ < json_.size() ? at_ + 1 : json_.size();
    out_.append(json_.substr(start, at_ - start));
  }

  void open(char c) {
    out_ += c;
    const std::size_t next = json_.find_first_not_of(" \t\r\n", at_ + 1);
    if (next != std::string_view::npos && (json_[next] == '}' || json_[next] == ']')) {
      out_ += json_[next];  // {} and [] stay together
      at_ = next + 1;
      return;
    }
    ++depth_;
    line();
    ++at_;
  }

  void close(char c) {
    if (depth_ > 0) --depth_;
    line();
    out_ += c;
    ++at_;
  }

  void line() { out_ += "\n" + std::string(2 * depth_, ' '); }

  std::string_view json_;
  std::string out_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
};

}  // namespace

std::string pretty_json(std::string_view json) {
  return Printer(json).run();
}

}  // namespace changevault
