#include "service/warehouse_rows.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace changevault {
namespace {

std::string quoted(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  return out + quote;
}

// Of "schema.name", where a part may stand in double quotes.
std::vector<std::string> parts_of(const std::string& table) {
  std::vector<std::string> out(1);
  bool inside = false;
  for (const char c : table) {
    if (c == '"') inside = !inside;
    if (c == '.' && !inside) {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

std::string unquoted(const std::string& part) {
  if (!part.starts_with('"') || part.size() < 2) return part;
  std::string out;
  for (std::size_t i = 1; i + 1 < part.size(); ++i) {
    out += part[i];
    if (part[i] == '"') ++i;  // a doubled one
  }
  return out;
}

// Warehouses print a time without a zone, meaning UTC.
std::optional<Timestamp> time_of(std::string text) {
  if (text.find_first_of("Zz+", 10) == std::string::npos) text += "Z";
  return parse_rfc3339(text);
}

class Row {
 public:
  Row(const std::vector<std::string>& columns, const std::vector<std::optional<std::string>>& values)
      : columns_(columns), values_(values) {}

  std::optional<std::string> text(std::string_view column) const {
    const auto found = std::find(columns_.begin(), columns_.end(), column);
    return found == columns_.end() ? std::nullopt
                                   : values_[static_cast<std::size_t>(found - columns_.begin())];
  }
  std::optional<Timestamp> time(std::string_view column) const {
    const auto found = text(column);
    return found ? time_of(*found) : std::nullopt;
  }
  std::optional<std::int64_t> number(std::string_view column) const {
    const auto found = text(column);
    if (!found) return std::nullopt;
    std::int64_t value = 0;
    const auto [end, failed] = std::from_chars(found->data(), found->data() + found->size(), value);
    return failed == std::errc() ? std::optional(value) : std::nullopt;
  }

 private:
  const std::vector<std::string>& columns_;
  const std::vector<std::optional<std::string>>& values_;
};

}  // namespace

std::string sql_name(const std::string& table) {
  std::string out;
  for (const std::string& part : parts_of(table))
    out += (out.empty() ? "" : ".") + (part.starts_with('"') ? part : quoted(part, '"'));
  return out;
}

Result<std::optional<LoadRecord>> newest_load(Warehouse& warehouse, const std::string& table, bool live) {
  const std::vector<std::string> parts = parts_of(table);
  std::string loads;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) loads += sql_name(parts[i]) + ".";
  CV_ASSIGN(
      const SqlTable answer,
      warehouse.sql("SELECT segment, loaded_at, rows_inserted, rows_already_present, recovery_id FROM " +
                    loads + "changevault_loads WHERE table_name = " + quoted(unquoted(parts.back()), '\'') +
                    " AND kind = " + (live ? "'live'" : "'recovery'") +
                    " ORDER BY loaded_at DESC, segment LIMIT 1"));
  if (answer.rows.empty()) return std::optional<LoadRecord>();
  const Row row(answer.columns, answer.rows.front());
  LoadRecord out;
  out.live = live;
  out.segment.key = row.text("segment").value_or("");
  out.time = row.time("loaded_at").value_or(Timestamp{});
  out.inserted = row.number("rows_inserted").value_or(0);
  out.already_present = row.number("rows_already_present").value_or(0);
  out.recovery_id = row.text("recovery_id").value_or("");
  return std::optional(out);
}

Result<std::vector<EventRow>> rows_of_event(Warehouse& warehouse, const std::string& table,
                                            const std::string& event_id) {
  CV_ASSIGN(const SqlTable answer, warehouse.sql("SELECT * FROM " + sql_name(table) +
                                                 " WHERE event_id = " + quoted(event_id, '\'')));
  std::vector<EventRow> rows;
  for (const auto& values : answer.rows) {
    const Row row(answer.columns, values);
    EventRow out;
    out.partition = row.text("partition_id").value_or("");
    out.sequence = row.number("sequence_number");
    out.enqueued = row.time("enqueued_time");
    out.database = row.text("database_name").value_or("");
    out.collection = row.text("collection_name").value_or("");
    out.operation = row.text("operation_type").value_or("");
    out.ingested = row.time("_snowflake_ingested_at");
    if (!out.ingested) out.ingested = row.time("_ingested_at");
    rows.push_back(std::move(out));
  }
  return rows;
}

}  // namespace changevault
