#include "cli/field_selection.h"

#include <algorithm>
#include <charconv>

#include "codec/json_text.h"
#include "service/suggest.h"

namespace changevault {
namespace {

const std::vector<std::string>& record_fields() {
  static const std::vector<std::string> kFields = {
      "event_id",      "processed_timestamp", "partition_id",  "offset",          "sequence_number",
      "enqueued_time", "operation_type",      "database_name", "collection_name", "document_key",
      "full_document", "update_description",  "cluster_time",  "raw_event"};
  return kFields;
}

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = text.find(at);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

Result<FieldSelection> FieldSelection::parse(const std::string& list) {
  FieldSelection selection;
  for (const std::string& field : split(list, ',')) {
    std::vector<std::string> path = split(field, '.');
    if (std::find(path.begin(), path.end(), "") != path.end()) {
      return Error(ErrorCode::kUsage, "a field's name is missing", "--fields " + list,
                   "write it like: --fields event_id,full_document.price");
    }
    const std::vector<std::string>& known = record_fields();
    if (std::find(known.begin(), known.end(), path.front()) == known.end()) {
      const std::string near = nearest(path.front(), known);
      return Error(ErrorCode::kUsage, "a record has no such field", path.front(),
                   near.empty() ? "fields of the document are written like: full_document.price"
                                : "did you mean " + near + "?");
    }
    selection.paths_.push_back(std::move(path));
  }
  return selection;
}

std::string FieldSelection::select(std::string_view record) {
  std::string out = "{";
  for (const std::vector<std::string>& path : paths_) {
    std::string name;
    std::string_view value = record;
    for (const std::string& part : path) {
      name += (name.empty() ? "" : ".") + part;
      value = value_at(value, part);
    }
    if (out.size() > 1) out += ',';
    append_json_string(out, name);
    out += ':';
    out += value.empty() ? std::string_view("null") : value;
  }
  return out + "}";
}

// Empty: not there.
std::string_view FieldSelection::value_at(std::string_view json, std::string_view name) {
  if (json.empty() || !reader_.open(json, /*check_escapes=*/false)) return {};
  std::string_view value;
  if (reader_.peek() == '{') {
    ObjectFields fields(reader_);
    std::string_view key;
    while (fields.next(key)) {
      if (!reader_.skip(value)) return {};
      if (decoded_json(key, scratch_) == name) return value;
    }
  } else if (reader_.peek() == '[') {
    std::size_t wanted = 0;
    const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), wanted);
    if (failed != std::errc() || end != name.data() + name.size()) return {};
    ArrayItems items(reader_);
    for (std::size_t at = 0; items.next(); ++at) {
      if (!reader_.skip(value)) return {};
      if (at == wanted) return value;
    }
  }
  return {};
}

}  // namespace changevault
