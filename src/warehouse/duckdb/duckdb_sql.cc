#include "warehouse/duckdb/duckdb_sql.h"

#include <optional>
#include <vector>

namespace changevault {
namespace {

std::string doubled(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out.push_back(quote);
    out.push_back(c);
  }
  out.push_back(quote);
  return out;
}

// Takes one part of a dotted name off the front of `rest`; nullopt where there is none.
std::optional<std::string> take_part(std::string_view& rest) {
  std::string part;
  if (!rest.starts_with('"')) {
    part = rest.substr(0, rest.find('.'));
    rest.remove_prefix(part.size());
    if (part.empty() || part.find('"') != std::string::npos) return std::nullopt;
    return part;
  }
  rest.remove_prefix(1);
  while (!rest.empty()) {
    const char c = rest.front();
    rest.remove_prefix(1);
    if (c == '"' && !rest.starts_with('"')) return part.empty() ? std::nullopt : std::optional(part);
    if (c == '"') rest.remove_prefix(1);
    part.push_back(c);
  }
  return std::nullopt;  // the quote was not closed
}

std::string record_column_definitions() {
  std::string out;
  for (const Column& column : kRecordColumns) out += quote_identifier(column.name) + " " + column.type + ", ";
  return out;
}

}  // namespace

std::string quote_identifier(std::string_view name) {
  return doubled(name, '"');
}
std::string quote_text(std::string_view text) {
  return doubled(text, '\'');
}

std::string TableName::sql() const {
  const std::string qualified = quote_identifier(schema) + "." + quote_identifier(name);
  return catalog.empty() ? qualified : quote_identifier(catalog) + "." + qualified;
}

Result<TableName> parse_table_name(std::string_view text) {
  const Error refused(ErrorCode::kUsage, "not the name of a table", std::string(text),
                      "write it as name or schema.name, odd names in double quotes");
  if (text.find('\0') != std::string_view::npos) return refused;
  std::vector<std::string> parts;
  std::string_view rest = text;
  while (true) {
    const std::optional<std::string> part = take_part(rest);
    if (!part) return refused;
    parts.push_back(*part);
    if (rest.empty()) break;
    if (rest.front() != '.') return refused;
    rest.remove_prefix(1);
  }
  if (parts.size() > 2) return refused;
  return TableName{{}, parts.size() == 2 ? parts[0] : "main", parts.back()};
}

std::string record_column_list(const std::string& prefix) {
  std::string out;
  for (const Column& column : kRecordColumns) {
    if (!out.empty()) out += ", ";
    out += prefix + quote_identifier(column.name);
  }
  return out;
}

std::string create_table_sql(const TableName& table) {
  return "CREATE TABLE IF NOT EXISTS " + table.sql() + " (" + record_column_definitions() +
         quote_identifier(kIngestedAt) + " TIMESTAMP DEFAULT (now() AT TIME ZONE 'UTC'))";
}

std::string create_stage_sql(const TableName& stage) {
  return "CREATE OR REPLACE TABLE " + stage.sql() + " (" + record_column_definitions() +
         quote_identifier(kSegmentKey) + " VARCHAR)";
}

std::string create_loads_sql(const TableName& loads) {
  return "CREATE TABLE IF NOT EXISTS " + loads.sql() +
         " (table_name VARCHAR NOT NULL, segment VARCHAR NOT NULL, sha256 VARCHAR NOT NULL, partition_id "
         "BIGINT NOT NULL, "
         "slot BIGINT NOT NULL, rows_in_file BIGINT NOT NULL, rows_inserted BIGINT NOT NULL, "
         "rows_already_present BIGINT NOT NULL, loaded_at TIMESTAMP NOT NULL, kind VARCHAR NOT NULL, "
         "recovery_id VARCHAR)";
}

std::string create_lock_sql(const TableName& lock) {
  return "CREATE TABLE IF NOT EXISTS " + lock.sql() + " (id INTEGER PRIMARY KEY, taken BIGINT NOT NULL)";
}

}  // namespace changevault
