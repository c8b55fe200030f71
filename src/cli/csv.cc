#include "cli/csv.h"

#include <utility>

#include "codec/json.h"

namespace changevault {
namespace {

const Json* field_of(const Json& row, std::string_view path) {
  const Json* at = &row;
  while (true) {
    const std::size_t dot = path.find('.');
    const auto found = at->is_object() ? at->find(std::string(path.substr(0, dot))) : at->end();
    if (!at->is_object() || found == at->end()) return nullptr;
    at = &*found;
    if (dot == std::string_view::npos) return at;
    path.remove_prefix(dot + 1);
  }
}

std::string text_of(const Json* value) {
  if (value == nullptr || value->is_null()) return {};
  if (value->is_string()) return csv_cell(value->get_ref<const std::string&>());
  const std::string text = value->dump(-1, ' ', false, Json::error_handler_t::replace);
  return value->is_structured() ? csv_cell(text) : text;
}

}  // namespace

std::string csv_cell(std::string_view text) {
  if (!text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

CsvRows::CsvRows(Output& out, std::vector<std::string> columns) : out_(out), columns_(std::move(columns)) {
  std::string line;
  for (const std::string& column : columns_) line += (line.empty() ? "" : ",") + csv_cell(column);
  out_.print(line);
}

void CsvRows::add(const Json& row) {
  std::string line;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    if (c > 0) line += ',';
    line += text_of(field_of(row, columns_[c]));
  }
  out_.print(line);
}

Error no_csv(const std::string& what) {
  return Error(ErrorCode::kUsage, what + " has no csv form", "",
               "its answer is no table; for programs: --output json");
}

}  // namespace changevault
