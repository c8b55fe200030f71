#include "tests/cookbook/page.h"

#include <sstream>
#include <stdexcept>

namespace changevault::testing {
namespace {

constexpr std::string_view kFence = "```console";
constexpr std::string_view kFenceEnd = "```";
constexpr std::string_view kBefore = "<!-- before";
constexpr std::string_view kEmpty = "<!-- empty -->";

class PageParser {
 public:
  explicit PageParser(std::string_view text) : lines_{std::string(text)} {}

  Page parse() {
    std::string line;
    while (next(line)) {
      if (line == kEmpty) page_.empty = true;
      if (line == kBefore) {
        read_before();
      } else {
        take_text(line);
        if (line == kFence) read_steps();
      }
    }
    return std::move(page_);
  }

 private:
  bool next(std::string& line) {
    ++number_;
    return static_cast<bool>(std::getline(lines_, line));
  }

  std::string must_next(std::string_view what) {
    std::string line;
    if (!next(line)) fail("the page ends within " + std::string(what));
    return line;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error("line " + std::to_string(number_) + ": " + what);
  }

  void take_text(const std::string& line) {
    if (page_.parts.empty() || !page_.parts.back().before.empty() || !page_.parts.back().steps.empty())
      page_.parts.emplace_back();
    page_.parts.back().text += line + "\n";
  }

  void read_before() {
    PagePart part;
    for (std::string line = must_next("a script"); line != "-->"; line = must_next("a script"))
      part.before += line + "\n";
    if (part.before.empty()) fail("a script without a command");
    page_.parts.push_back(std::move(part));
  }

  void read_steps() {
    PagePart part;
    for (std::string line = must_next("commands"); line != kFenceEnd; line = must_next("commands")) {
      if (line.starts_with("$ ")) {
        part.steps.push_back({line.substr(2), {line}, {}});
      } else if (part.steps.empty()) {
        fail("output without a command: " + line);
      } else if (line.starts_with("> ") && part.steps.back().output.empty()) {
        part.steps.back().command += "\n" + line.substr(2);
        part.steps.back().shown.push_back(line);
      } else {
        part.steps.back().output.push_back(line);
      }
    }
    if (part.steps.empty()) fail("a console without a command");
    page_.parts.push_back(std::move(part));
    take_text(std::string(kFenceEnd));
  }

  std::istringstream lines_;
  int number_ = 0;
  Page page_;
};

}  // namespace

Page parse_page(std::string_view text) {
  return PageParser(text).parse();
}

std::string to_text(const Page& page) {
  std::string out;
  for (const PagePart& part : page.parts) {
    out += part.text;
    if (!part.before.empty()) out += std::string(kBefore) + "\n" + part.before + "-->\n";
    for (const PageStep& step : part.steps) {
      for (const std::string& line : step.shown) out += line + "\n";
      for (const std::string& line : step.output) out += line + "\n";
    }
  }
  return out;
}

}  // namespace changevault::testing
