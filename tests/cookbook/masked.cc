#include "tests/cookbook/masked.h"

#include <regex>
#include <utility>
#include <vector>

namespace changevault::testing {

std::string masked(const std::string& line) {
  // The events are of 2025; what is later is now.
  static const std::vector<std::pair<std::regex, const char*>> rules = [] {
    std::vector<std::pair<std::regex, const char*>> out;
    for (const auto& [pattern, word] : std::initializer_list<std::pair<const char*, const char*>>{
             {"20(2[6-9]|[3-9][0-9])-[0-9]{2}-[0-9]{2}([ T][0-9:]{5}(:[0-9]{2}(\\.[0-9]+)?)?Z?)?", "TIME"},
             {"20[0-9]{6}t[0-9]{6}z_[0-9a-f]{8}\\b", "ID"},
             {"\\b[0-9a-f]{64}\\b", "SHA256"},
             {"\\(([0-9]+ (ms|s|min|h|d) )+ago\\)", "(AGO)"},
             {"[0-9]+ [GMT]iB free", "SPACE free"},
             {"[0-9.,]+ (B|KiB|MiB)\\b", "SIZE"},
             {"\\b[0-9.]+ (ms|s)\\b", "DURATION"},
             {"[0-9,]+ rows/s", "RATE"},
             {"(< )?[0-9]+ % +#*", "SHARE"},
             {"\\bops:[0-9]+", "ops:PID"},
             {"\"bytes\": ?[0-9]+", "\"bytes\": SIZE"},
             {" +", " "}})
      out.emplace_back(pattern, word);
    return out;
  }();
  std::string out = line;
  for (const auto& [pattern, word] : rules) out = std::regex_replace(out, pattern, word);
  return out;
}

}  // namespace changevault::testing
