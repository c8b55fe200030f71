// Any JSON value with its Extended JSON numbers unwrapped: as the slow reference does it, still JSON, and
// nothing is left to unwrap. And any text as a JSON number, as another parser sees it.
#include <cstdint>
#include <regex>

#include <nlohmann/json.hpp>

#include "codec/event_parser.h"
#include "codec/number_unwrap.h"
#include "fuzz/fuzzing.h"
#include "tests/property/codec_slow_unwrap.h"

namespace {

using namespace changevault;
using namespace changevault::fuzzing;

std::string unwrapped(std::string_view text) {
  std::string out;
  append_unwrapped(out, text);
  return out;
}

// A number by the grammar, whatever its size: nlohmann refuses those that no double holds in words of their
// own, and before it has seen what follows them.
bool is_number_for_others(std::string_view text) {
  if (text.empty() || is_json_space(text.front()) || is_json_space(text.back()) ||
      text.find('\0') != std::string_view::npos || text.starts_with("\xef\xbb\xbf"))
    return false;
  try {
    return nlohmann::json::parse(text).is_number();
  } catch (const nlohmann::json::out_of_range&) {
    static const std::regex grammar(R"(-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?)");
    return std::regex_match(text.begin(), text.end(), grammar);
  } catch (const nlohmann::json::parse_error&) {
    return false;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  require(is_json_number(text) == is_number_for_others(text));
  JsonReader reader(kMaxEventDepth);
  std::string_view slice;
  if (!reader.open(text, true) || !reader.check(slice) || !reader.finish()) return 0;
  const std::string plain = unwrapped(slice);
  require(plain == testing::SlowUnwrap(slice).run());
  std::string_view same;
  require(reader.open(plain, true) && reader.check(same) && reader.finish() && same == plain);
  require(unwrapped(plain) == plain);
  return 0;
}
