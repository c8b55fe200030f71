// `--output csv`: RFC 4180, a header line first. Columns are the names that the same rows have in JSON.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/output.h"

namespace changevault {

// A cell, quoted where it holds a comma, a quote or a line end, and where it is empty: "" is an empty text,
// nothing at all is null. The text itself is left as it is, also one that a spreadsheet would take for a
// formula.
std::string csv_cell(std::string_view text);

// Lines end with '\n'. Failures of the output are kept for its flush.
class CsvRows {
 public:
  // A column is a field of the rows; "error.message" the field of a field. Writes the header.
  CsvRows(Output& out, std::vector<std::string> columns);
  // Null and absent fields are empty, lists and objects JSON text.
  void add(const Json& row);

 private:
  Output& out_;
  std::vector<std::string> columns_;
};

// For a verb, or a way to use it, whose answer is no table.
Error no_csv(const std::string& what);

}  // namespace changevault
