#include "codec/number_unwrap.h"

#include <optional>

#include "codec/json_text.h"

namespace changevault {
namespace {

struct Wrapper {
  std::size_t begin = 0;  // of its '{'
  std::size_t end = 0;    // behind its '}'
  std::string_view number;
};

std::size_t skip_space(std::string_view text, std::size_t at) {
  while (at < text.size() && is_json_space(text[at])) ++at;
  return at;
}

// The length of one of the three names with its closing quote, or 0.
std::size_t wrapper_name(std::string_view rest) {
  for (const std::string_view name : {"$numberInt\"", "$numberLong\"", "$numberDouble\""}) {
    if (rest.starts_with(name)) return name.size();
  }
  return 0;
}

// The wrapper whose name's '$' stands at `dollar`. A quote that opens or closes a string stands outside it
// and has no backslash before it; inside a string it has. So `{` (and white space) before `"$number…"` in
// valid JSON can only be an object that begins with that field.
std::optional<Wrapper> wrapper_at(std::string_view text, std::size_t dollar) {
  if (dollar < 2 || text[dollar - 1] != '"') return std::nullopt;
  const std::size_t name = wrapper_name(text.substr(dollar));
  if (name == 0) return std::nullopt;
  std::size_t begin = dollar - 2;
  while (begin > 0 && is_json_space(text[begin])) --begin;
  if (begin == 0 || text[begin] != '{') return std::nullopt;  // at 0 it is the root
  std::size_t at = skip_space(text, dollar + name);
  if (text[at] != ':') return std::nullopt;
  at = skip_space(text, at + 1);
  if (text[at] != '"') return std::nullopt;
  const std::size_t close = text.find('"', at + 1);
  if (close == std::string_view::npos) return std::nullopt;
  const std::string_view number = text.substr(at + 1, close - at - 1);
  const std::size_t end = skip_space(text, close + 1);
  if (end >= text.size() || text[end] != '}' || !is_json_number(number)) return std::nullopt;
  return Wrapper{begin, end + 1, number};
}

}  // namespace

void append_unwrapped(std::string& out, std::string_view slice) {
  std::size_t copied = 0;
  std::size_t dollar = slice.find('$');
  while (dollar != std::string_view::npos) {
    std::size_t next = dollar + 1;
    if (const auto wrapper = wrapper_at(slice, dollar)) {
      out.append(slice.substr(copied, wrapper->begin - copied));
      out.append(wrapper->number);
      copied = next = wrapper->end;
    }
    dollar = slice.find('$', next);
  }
  out.append(slice.substr(copied));
}

}  // namespace changevault
