#include "codec/json_path.h"

#include <charconv>

#include "codec/json_text.h"

namespace changevault {
namespace {

PathOutcome absent(const JsonReader& reader) {
  return reader.failed() ? PathOutcome::kBroken : PathOutcome::kAbsent;
}

// Steps to the value of the field, or says that it is not there.
PathOutcome enter_object(JsonReader& reader, const std::string& name, std::string& scratch) {
  ObjectFields fields(reader);
  std::string_view key;
  std::string_view other;
  while (fields.next(key)) {
    if (decoded_json(key, scratch) == name) return PathOutcome::kFound;
    if (!reader.skip(other)) return PathOutcome::kBroken;
  }
  return absent(reader);
}

PathOutcome enter_array(JsonReader& reader, const std::string& name) {
  std::size_t wanted = 0;
  const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), wanted);
  if (failed != std::errc() || end != name.data() + name.size()) return PathOutcome::kAbsent;
  ArrayItems items(reader);
  std::string_view other;
  for (std::size_t at = 0; items.next(); ++at) {
    if (at == wanted) return PathOutcome::kFound;
    if (!reader.skip(other)) return PathOutcome::kBroken;
  }
  return absent(reader);
}

}  // namespace

std::vector<std::string> split_path(std::string_view path, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = path.find(separator);
    parts.emplace_back(path.substr(0, end));
    if (end == std::string_view::npos) return parts;
    path.remove_prefix(end + 1);
  }
}

PathOutcome find_at(JsonReader& reader, std::span<const std::string> path, std::string_view& value,
                    std::string& scratch) {
  for (const std::string& name : path) {
    const char begin = reader.peek();
    const PathOutcome step = begin == '{'   ? enter_object(reader, name, scratch)
                             : begin == '[' ? enter_array(reader, name)
                                            : PathOutcome::kAbsent;
    if (step != PathOutcome::kFound) return step;
  }
  return reader.skip(value) ? PathOutcome::kFound : PathOutcome::kBroken;
}

}  // namespace changevault
