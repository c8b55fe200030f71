// Any words as a scope: lines of the input, by their first byte a position or a flag. An error names a hint;
// a scope has a start before its end.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "service/scope_words.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace changevault;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  ScopeWords words;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.empty()) continue;
    const std::string value(line.substr(1));
    switch (line[0]) {
      case 'd':
        words.database = value;
        break;
      case 'c':
        words.collection = value;
        break;
      case 'f':
        words.from = value;
        break;
      case 't':
        words.to = value;
        break;
      case 'D':
        words.date = value;
        break;
      case 'h':
        words.hours = value;
        break;
      case 'o':
        words.operations.push_back(value);
        break;
      case 'k':
        words.key = value;
        break;
      case 'p':
        words.pattern = value;
        break;
      default:
        words.positions.push_back(value);
    }
  }
  const auto scope = parse_scope(words);
  if (!scope.has_value()) {
    if (scope.error().code != ErrorCode::kUsage || scope.error().hint.empty()) std::abort();
  } else if (scope->time.from >= scope->time.to) {
    std::abort();
  }
  return 0;
}
