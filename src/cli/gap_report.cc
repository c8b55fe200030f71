#include "cli/gap_report.h"

#include <algorithm>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "archive/segment_feed.h"
#include "cli/text.h"

namespace changevault {
namespace {

// Above, days on which every hour is as it should be are left out.
constexpr std::size_t kMaxRows = 100;
constexpr std::int64_t kMaxListed = 50;

struct Sign {
  char letter;
  std::optional<Color> color;
  const char* meaning;
};

Sign sign_of(GapState state) {
  switch (state) {
    case GapState::kNotCovered:
      return {'?', Color::kDim, "before the archive begins"};
    case GapState::kAcknowledged:
      return {'A', Color::kBlue, "a gap that was acknowledged"};
    case GapState::kDuplicate:
      return {'D', Color::kRed, "events that the warehouse holds more than once"};
    case GapState::kExtra:
      return {'E', Color::kRed, "rows that the archive does not hold"};
    case GapState::kMissing:
      return {'M', Color::kRed, "the warehouse has none of the events"};
    case GapState::kPartial:
      return {'P', Color::kRed, "the warehouse has some of the events"};
    case GapState::kLost:
      return {'L', Color::kRed, "events that the hub lost before they were archived"};
    case GapState::kPending:
      return {'>', Color::kYellow, "archived just now, loading is still to come"};
    case GapState::kUnsealed:
      return {'~', Color::kBlue, "the hour is not complete yet, all so far is there"};
    case GapState::kOk:
      return {'+', Color::kGreen, "archive and warehouse hold the same events"};
    case GapState::kQuiet:
      return {'.', Color::kDim, "quiet: complete, and there were no events"};
  }
  return {'!', std::nullopt, ""};
}

std::string painted(const Output& out, GapState state, std::string_view text) {
  const Sign sign = sign_of(state);
  return sign.color ? out.paint(*sign.color, text) : std::string(text);
}

std::string day_of(Hour hour) {
  return to_rfc3339(hour.start()).substr(0, 10);
}

bool needs_attention(GapState state) {
  return is_gap(state) || state == GapState::kPending || state == GapState::kAcknowledged;
}

// Cells of one collection and one day, as positions in the coverage.
struct DayRow {
  std::size_t first;
  std::size_t last;  // exclusive
  bool fine;
};

std::vector<DayRow> rows_of(const Coverage& coverage) {
  std::vector<DayRow> rows;
  const auto& cells = coverage.cells;
  for (std::size_t first = 0; first < cells.size();) {
    const std::int64_t day = hour_of(cells[first].hour.start()).index / 24;
    std::size_t last = first;
    bool fine = true;
    while (last < cells.size() && cells[last].ns == cells[first].ns && cells[last].hour.index / 24 == day) {
      const GapState state = cells[last].state;
      fine = fine && (state == GapState::kOk || state == GapState::kQuiet);
      ++last;
    }
    rows.push_back({first, last, fine});
    first = last;
  }
  return rows;
}

std::string hours_of(const Output& out, const Coverage& coverage, const DayRow& row) {
  std::string hours;
  int next = 0;
  const auto gap_between = [&](int hour) {
    if (hour > 0 && hour % 6 == 0) hours += ' ';
  };
  for (std::size_t at = row.first; at < row.last; ++at) {
    const int hour = to_civil(coverage.cells[at].hour.start()).hour;
    for (; next < hour; ++next) {
      gap_between(next);
      hours += ' ';
    }
    gap_between(hour);
    const GapState state = coverage.cells[at].state;
    hours += painted(out, state, std::string(1, sign_of(state).letter));
    next = hour + 1;
  }
  return hours;
}

void print_days(Output& out, const Coverage& coverage) {
  const std::vector<DayRow> rows = rows_of(coverage);
  const bool all = rows.size() <= kMaxRows;
  std::size_t width = 10;
  for (const Namespace& ns : coverage.namespaces)
    width = std::max(width, display_width(printable(to_string(ns))));
  out.print(fmt::format("{:<{}}  {:<10}  00     06     12     18", "collection", width, "day (UTC)"));
  std::int64_t left_out = 0;
  for (const DayRow& row : rows) {
    if (row.fine && !all) {
      ++left_out;
      continue;
    }
    const GapCell& cell = coverage.cells[row.first];
    const std::string ns = printable(to_string(coverage.ns(cell)));
    out.print(fmt::format("{}{:{}}  {}  {}", ns, "", width - display_width(ns), day_of(cell.hour),
                          hours_of(out, coverage, row)));
  }
  if (left_out > 0) {
    out.print(counted(left_out, "day") + " of collections on which every hour is as it should be left out");
  }
}

void print_attention(Output& out, const Coverage& coverage) {
  std::int64_t listed = 0;
  std::int64_t more = 0;
  for (const GapCell& cell : coverage.cells) {
    if (!needs_attention(cell.state)) continue;
    if (listed == kMaxListed) {
      ++more;
      continue;
    }
    if (listed++ == 0) out.print("\nneeds attention:");
    out.print(fmt::format("  {}  {}  {}  {}", human_time(cell.hour.start()).substr(0, 16),
                          printable(to_string(coverage.ns(cell))), painted(out, cell.state, name(cell.state)),
                          explain(cell)));
  }
  if (more > 0) out.print("  and " + counted(more, "more hour") + "; --output json lists all");
}

void print_sum(Output& out, const Coverage& coverage) {
  out.print(fmt::format("\n{} from {} to {} UTC:",
                        counted(static_cast<std::int64_t>(coverage.cells.size()), "hour") + " of collections",
                        human_time(coverage.range.from).substr(0, 16),
                        human_time(coverage.range.to).substr(0, 16)));
  for (const GapState state : kGapStates) {
    const auto found = coverage.summary.find(state);
    if (found == coverage.summary.end()) continue;
    const Sign sign = sign_of(state);
    out.print(fmt::format("  {} {:>10} {}  {}", painted(out, state, std::string(1, sign.letter)),
                          with_thousands(found->second),
                          painted(out, state, fmt::format("{:<12}", name(state))), sign.meaning));
  }
}

bool any_recoverable(const Coverage& coverage) {
  return std::any_of(coverage.summary.begin(), coverage.summary.end(),
                     [](const auto& entry) { return is_recoverable(entry.first); });
}

}  // namespace

Result<Coverage> find_gaps(Context& context, HourCatalog& catalog, const Scope& scope) {
  CV_ASSIGN(ObjectStore* const store, context.parts.store());
  CV_ASSIGN(Warehouse* const warehouse, context.parts.warehouse());
  const Scope everything;
  SegmentFeed feed(*store, everything, context.stop);
  CoverageOptions options;
  options.now = context.parts.clock().now();
  options.load_grace = context.configuration.load.grace;
  return find_gaps(scope, archive_side(catalog), *warehouse, feed, options);
}

void print_coverage(Output& out, const Coverage& coverage) {
  print_days(out, coverage);
  print_attention(out, coverage);
  print_sum(out, coverage);
  if (any_recoverable(coverage)) out.print("\nput back what is missing with: changevault recover --gaps");
}

std::string explain(const GapCell& cell) {
  const CellNumbers& n = cell.numbers;
  switch (cell.state) {
    case GapState::kMissing:
      return "the warehouse has none of " + counted(n.missing, "archived event");
    case GapState::kPartial:
      return with_thousands(n.missing) + " of " + counted(n.archive, "archived event") + " missing";
    case GapState::kDuplicate:
      return counted(n.duplicate, "row") + " too many: event_ids stand more than once among " +
             counted(n.warehouse, "row");
    case GapState::kExtra:
      return counted(n.extra, "row") + " that the archive does not hold";
    case GapState::kLost:
      return "the hub lost events of this hour; " + counted(n.archive, "event") + " archived, all there";
    case GapState::kPending:
      return counted(n.missing, "event") + " archived just now, not loaded yet";
    case GapState::kAcknowledged:
      return "acknowledged";
    default:
      return counted(n.archive, "archived event") + ", " + counted(n.warehouse, "row");
  }
}

}  // namespace changevault
