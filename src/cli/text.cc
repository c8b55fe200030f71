#include "cli/text.h"

#include <algorithm>
#include <array>
#include <numeric>

#include <fmt/format.h>

#include "cli/characters.h"

namespace changevault {

std::string with_thousands(std::int64_t number) {
  std::string digits = std::to_string(number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

std::string human_bytes(std::int64_t bytes) {
  constexpr std::array<const char*, 6> kUnits{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  // 1023.95 would be printed as 1024.0 of the smaller unit.
  while (value >= 1023.95 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string human_duration(Duration duration) {
  const std::int64_t s = duration.ms / 1000;
  if (duration.ms < 1000) return fmt::format("{} ms", duration.ms);
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{} min", s / 60);
  const auto two = [](std::int64_t a, const char* unit_a, std::int64_t b, const char* unit_b) {
    return b == 0 ? fmt::format("{} {}", a, unit_a) : fmt::format("{} {} {} {}", a, unit_a, b, unit_b);
  };
  if (s < 86'400) return two(s / 3600, "h", s / 60 % 60, "min");
  return two(s / 86'400, "d", s / 3600 % 24, "h");
}

std::string human_time(Timestamp time) {
  std::string text = to_rfc3339(time).substr(0, 19);
  text[10] = ' ';
  return text;
}

std::string counted(std::int64_t n, std::string_view noun) {
  return with_thousands(n) + " " + std::string(noun) + (n == 1 ? "" : "s");
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const Character c = first_character(text);
    width += c.code < 0 ? 1 : cells_of(c.code);
    text.remove_prefix(c.bytes);
  }
  return width;
}

std::string shortened(std::string_view text, std::size_t width) {
  if (display_width(text) <= width) return std::string(text);
  std::vector<std::string_view> characters;
  for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(characters.back().size()))
    characters.push_back(rest.substr(0, first_character(rest).bytes));
  std::string front;
  std::string back;
  std::size_t room = width > 0 ? width - 1 : 0;
  std::size_t first = 0;
  std::size_t last = characters.size();
  for (bool at_front = true; first < last; at_front = !at_front) {
    const std::string_view next = at_front ? characters[first] : characters[last - 1];
    const std::size_t cells = display_width(next);
    if (cells > room) break;
    room -= cells;
    if (at_front) {
      front += next;
      ++first;
    } else {
      back.insert(0, next);
      --last;
    }
  }
  return front + "…" + back;
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Character c = first_character(text);
    if (c.code < 0x20 || c.code == 0x7F) {
      out += fmt::format("\\x{:02X}", static_cast<unsigned char>(text[0]));
    } else if (steers_terminal(c.code)) {
      out += harmless(text.substr(0, c.bytes));
    } else {
      out += text.substr(0, c.bytes);
    }
    text.remove_prefix(c.bytes);
  }
  return out;
}

void Table::add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  std::vector<Cell> row;
  row.reserve(cells.size());
  for (const std::string& cell : cells) row.push_back({printable(cell), {}});
  rows_.push_back(std::move(row));
}

void Table::paint(std::size_t column, const Output& out, Color color) {
  Cell& cell = rows_.back()[column];
  cell.shown = out.paint(color, cell.text);
}

std::vector<std::size_t> Table::widths() const {
  std::vector<std::size_t> out;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    std::size_t width = display_width(columns_[c].title);
    for (const auto& row : rows_) width = std::max(width, display_width(row[c].text));
    out.push_back(width);
  }
  return out;
}

void Table::fit(std::size_t column, const Output& out) {
  constexpr std::size_t kShortest = 10;
  if (!out.terminal().out) return;
  const std::vector<std::size_t> all = widths();
  const std::size_t line = std::accumulate(all.begin(), all.end(), 2 * (all.size() - 1));
  const auto screen = static_cast<std::size_t>(std::max(0, out.terminal().width));
  if (line <= screen) return;
  const std::size_t others = line - all[column];
  const std::size_t left = screen > others ? screen - others : 0;
  for (auto& row : rows_) row[column].text = shortened(row[column].text, std::max(kShortest, left));
}

std::string Table::to_string() const {
  const std::vector<std::size_t> widths = this->widths();
  std::vector<Cell> titles;
  for (const Column& column : columns_) titles.push_back({column.title, {}});
  std::string out;
  const auto add_line = [&](const std::vector<Cell>& cells) {
    std::string line;
    for (std::size_t c = 0; c < cells.size(); ++c) {
      const std::string pad(widths[c] - display_width(cells[c].text), ' ');
      const std::string& shown = cells[c].shown.empty() ? cells[c].text : cells[c].shown;
      if (c > 0) line += "  ";
      line += columns_[c].align == Align::kRight ? pad + shown : shown + pad;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };
  add_line(titles);
  for (const auto& row : rows_) add_line(row);
  return out;
}

}  // namespace changevault
