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
  bool inside = false;
  std::string part;
  const auto add = [&] {
    out += (out.empty() ? "" : ".") + (part.starts_with('"') ? part : quoted(part, '"'));
    part.clear();
  };
  for (const char c : table) {
    if (c == '"') inside = !inside;
    if (c == '.' && !inside) {
      add();
    } else {
      part += c;
    }
  }
  add();
  return out;
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
