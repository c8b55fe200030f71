// Numbers, sizes, times and tables as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "cli/output.h"

namespace changevault {

std::string with_thousands(std::int64_t number);             // "1,234,567"
std::string human_bytes(std::int64_t bytes);                 // "512 B", "1.2 MiB"
std::string human_duration(Duration duration);               // "45 s", "3 min", "2 h 5 min", "4 d 2 h"
std::string human_time(Timestamp time);                      // "2025-01-15 14:03:07"
std::string counted(std::int64_t n, std::string_view noun);  // "1 segment", "1,200 segments"

// Cells of a terminal that `text` (UTF-8) takes: wide characters two, combining ones none, invalid bytes one
// each.
std::size_t display_width(std::string_view text);

// `text` in at most `width` cells (at least 1): what does not fit is taken from the middle, "…" stands there.
std::string shortened(std::string_view text, std::size_t width);

// One line of text, whatever it is: control characters and bytes that are no UTF-8 as \xNN, other characters
// that steer a terminal or hide in a name as \uXXXX.
std::string printable(std::string_view text);

class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // What is missing at the end of the row stays empty.
  void add(std::vector<std::string> cells);
  // Paints a cell of the row that was added last.
  void paint(std::size_t column, const Output& out, Color color);
  // On a terminal: shortens the cells of this column until the lines fit, but not below ten. REQUIRES: none
  // of them is painted; all rows are added.
  void fit(std::size_t column, const Output& out);
  std::size_t rows() const { return rows_.size(); }
  // Titles, then rows, columns two blanks apart, each line ended by '\n', no blanks at line ends.
  std::string to_string() const;

 private:
  struct Cell {
    std::string text;
    std::string shown;  // the same with its colour; empty: the text
  };
  std::vector<std::size_t> widths() const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace changevault
