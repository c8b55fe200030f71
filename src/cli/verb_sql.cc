#include <algorithm>
#include <array>
#include <charconv>

#include "cli/csv.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "codec/json.h"

namespace changevault {
namespace {

bool is_integer_type(const std::string& type) {
  constexpr std::array<std::string_view, 10> kTypes{"TINYINT", "SMALLINT", "INTEGER",   "BIGINT",
                                                    "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER",
                                                    "UBIGINT", "UHUGEINT"};
  return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

// Whole numbers and booleans as such, everything else as the warehouse's text: nothing is rounded on the way.
Json json_of(const std::optional<std::string>& cell, const std::string& type) {
  if (!cell) return nullptr;
  if (type == "BOOLEAN") return *cell == "true";
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(cell->data(), cell->data() + cell->size(), number);
  const bool whole = error == std::errc() && end == cell->data() + cell->size();
  if (is_integer_type(type) && whole) return number;
  return *cell;
}

Json json_of(const SqlTable& table) {
  Json columns = Json::array();
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    columns.push_back({{"name", table.columns[c]}, {"type", table.types[c]}});
  }
  Json rows = Json::array();
  for (const auto& row : table.rows) {
    Json cells = Json::array();
    for (std::size_t c = 0; c < row.size(); ++c) cells.push_back(json_of(row[c], table.types[c]));
    rows.push_back(std::move(cells));
  }
  Json out = {{"columns", std::move(columns)}, {"rows", std::move(rows)}};
  if (table.rows_changed >= 0) out["rows_changed"] = table.rows_changed;
  return out;
}

// NULL is nothing between the commas.
std::string csv_of(const SqlTable& table) {
  std::string out;
  for (std::size_t c = 0; c < table.columns.size(); ++c)
    out += (c == 0 ? "" : ",") + csv_cell(table.columns[c]);
  out += "\n";
  for (const auto& row : table.rows) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (c > 0) out += ",";
      if (row[c]) out += csv_cell(*row[c]);
    }
    out += "\n";
  }
  return out;
}

std::string text_of(const SqlTable& table) {
  if (table.rows_changed >= 0) return counted(table.rows_changed, "row") + " changed\n";
  if (table.columns.empty()) return "done\n";
  std::vector<Table::Column> columns;
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    columns.push_back(
        {table.columns[c], is_integer_type(table.types[c]) ? Table::Align::kRight : Table::Align::kLeft});
  }
  Table out(std::move(columns));
  for (const auto& row : table.rows) {
    std::vector<std::string> cells;
    for (const auto& cell : row) cells.push_back(cell.value_or("NULL"));
    out.add(std::move(cells));
  }
  return out.to_string() + "(" + counted(static_cast<std::int64_t>(table.rows.size()), "row") + ")\n";
}

class SqlVerb final : public Verb {
 public:
  std::string name() const override { return "sql"; }
  std::string summary() const override { return "a statement on the warehouse, as table, JSON or CSV"; }
  std::string usage() const override { return "STATEMENT [--output table|json|csv]"; }
  std::string examples() const override {
    return "changevault sql \"select operation_type, count(*) from mongodb_changes group by all\"\n"
           "changevault sql --output csv \"select * from changevault_loads\" > loads.csv";
  }
  bool takes_csv() const override { return true; }
  void add_options(Options& options) override { options.add_position("STATEMENT", statement_); }
  Result<int> run(Context& context) override {
    if (statement_.empty()) {
      return Error(ErrorCode::kUsage, "no statement is given", "",
                   "write it in quotes: changevault sql \"select 1\"");
    }
    CV_ASSIGN(Warehouse* const warehouse, context.parts.warehouse());
    CV_ASSIGN(const SqlTable table, warehouse->sql(statement_));
    switch (context.out.mode()) {
      case OutputMode::kJson:
        context.out.print_json(json_of(table));
        break;
      case OutputMode::kCsv:
        CV_TRY(context.out.write(csv_of(table)));
        break;
      case OutputMode::kTable:
        CV_TRY(context.out.write(text_of(table)));
        break;
    }
    return kExitDone;
  }

 private:
  std::string statement_;
};

}  // namespace

std::unique_ptr<Verb> make_sql_verb() {
  return std::make_unique<SqlVerb>();
}

}  // namespace changevault
