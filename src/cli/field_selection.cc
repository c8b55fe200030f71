#include "cli/field_selection.h"

#include <algorithm>

#include "codec/json_path.h"
#include "codec/json_text.h"
#include "codec/record_fields.h"
#include "service/suggest.h"

namespace changevault {

Result<FieldSelection> FieldSelection::parse(const std::string& list) {
  FieldSelection selection;
  for (const std::string& field : split_path(list, ',')) {
    std::vector<std::string> path = split_path(field);
    if (std::ranges::find(path, "") != path.end()) {
      return Error(ErrorCode::kUsage, "a field's name is missing", "--fields " + list,
                   "write it like: --fields event_id,full_document.price");
    }
    if (!find_record_field(path.front())) {
      return Error(ErrorCode::kUsage, "a record has no such field", path.front(),
                   record_field_hint(path.front()));
    }
    selection.paths_.push_back(std::move(path));
  }
  return selection;
}

std::string FieldSelection::select(std::string_view record) {
  std::string out = "{";
  const bool opened = reader_.open(record, /*check_escapes=*/false);
  for (const std::vector<std::string>& path : paths_) {
    std::string name;
    for (const std::string& part : path) name += (name.empty() ? "" : ".") + part;
    std::string_view value;
    reader_.rewind({});
    const bool found = opened && find_at(reader_, path, value, scratch_) == PathOutcome::kFound;
    if (out.size() > 1) out += ',';
    append_json_string(out, name);
    out += ':';
    out += found ? value : std::string_view("null");
  }
  return out + "}";
}

}  // namespace changevault
