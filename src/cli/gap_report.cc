#include "cli/gap_report.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "cli/gap_outside.h"
#include "cli/gap_signs.h"
#include "cli/progress.h"
#include "cli/scope_text.h"
#include "cli/text.h"

namespace changevault {
namespace {

// Above, rows without anything to say are folded into one line.
constexpr std::size_t kUnfolded = 40;
// Above, those of days that the archive does not reach.
constexpr std::size_t kUnfoldedUnknown = 10;
constexpr std::size_t kMostRows = 200;
constexpr std::size_t kMostLines = 50;
// What a row takes beside the collection's name: two times two blanks, the day, 24 hours in four groups.
constexpr std::size_t kBesideName = 2 + 10 + 2 + 27;
constexpr std::size_t kShortestName = 10;
// In lines of text, where nothing else cuts them.
constexpr std::size_t kLongestName = 80;

constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

// Cells of one collection and one day, as positions in the coverage.
struct DayRow {
  std::size_t first = 0;
  std::size_t last = 0;  // exclusive
  bool worth_saying = false;
  bool unknown = true;  // the archive does not reach that day, and there is no row of it either
};

bool worth_saying(GapState state) {
  return is_gap(state) || state == GapState::kPending || state == GapState::kAcknowledged;
}

bool is_unknown(const GapCell& cell) {
  return cell.state == GapState::kNotCovered ||
         (cell.state == GapState::kUnsealed && cell.numbers.archive == 0 && cell.numbers.warehouse == 0);
}

std::vector<DayRow> rows_of(const Coverage& coverage) {
  std::vector<DayRow> rows;
  const auto& cells = coverage.cells;
  const auto day_of = [](Hour hour) { return to_rfc3339(hour.start()).substr(0, 10); };
  for (std::size_t first = 0; first < cells.size();) {
    const Hour midnight = hour_of(*parse_rfc3339(day_of(cells[first].hour) + "T00:00:00Z"));
    DayRow row{first, first, false, true};
    for (; row.last < cells.size() && cells[row.last].ns == cells[first].ns &&
           cells[row.last].hour.index < midnight.index + 24;
         ++row.last) {
      row.worth_saying = row.worth_saying || worth_saying(cells[row.last].state);
      row.unknown = row.unknown && is_unknown(cells[row.last]);
    }
    rows.push_back(row);
    first = row.last;
  }
  return rows;
}

// The signs of a day, hours that are not asked for blank, painted in runs of one state.
std::string signs_of(const Output& out, const Coverage& coverage, const DayRow& row) {
  std::vector<std::optional<GapState>> day(24);
  for (std::size_t at = row.first; at < row.last; ++at)
    day[static_cast<std::size_t>(to_civil(coverage.cells[at].hour.start()).hour)] = coverage.cells[at].state;
  std::string text;
  for (std::size_t hour = 0; hour < day.size();) {
    if (hour > 0 && hour % 6 == 0) text += ' ';
    std::size_t end = hour + 1;
    while (end % 6 != 0 && end < day.size() && day[end] == day[hour]) ++end;
    text += day[hour] ? painted(out, *day[hour], std::string(end - hour, letter(*day[hour])))
                      : std::string(end - hour, ' ');
    hour = end;
  }
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

std::size_t name_width(const Output& out, const Coverage& coverage, const std::vector<DayRow>& shown) {
  std::size_t width = kShortestName;
  std::set<std::uint32_t> seen;
  for (const DayRow& row : shown) {
    const GapCell& cell = coverage.cells[row.first];
    if (seen.insert(cell.ns).second)
      width = std::max(width, display_width(printable(to_string(coverage.ns(cell)))));
  }
  if (!out.terminal().out) return width;  // a file has room for the whole name
  const auto screen = static_cast<std::size_t>(std::max(0, out.terminal().width));
  return std::clamp(screen > kBesideName ? screen - kBesideName : 0, kShortestName, width);
}

void print_days(Output& out, const Coverage& coverage, bool all) {
  const std::vector<DayRow> rows = rows_of(coverage);
  std::vector<DayRow> shown = rows;
  if (!all && rows.size() > kUnfoldedUnknown && rows.size() <= kUnfolded)
    std::erase_if(shown, [](const DayRow& row) { return row.unknown; });
  if (shown.empty()) shown = rows;
  const std::size_t unknown = rows.size() - shown.size();
  if (!all && rows.size() > kUnfolded)
    std::erase_if(shown, [](const DayRow& row) { return !row.worth_saying; });
  const auto folded = static_cast<std::int64_t>(rows.size() - unknown - shown.size());
  const std::size_t most = all ? kAll : kMostRows;
  const auto more = static_cast<std::int64_t>(shown.size() > most ? shown.size() - most : 0);
  if (more > 0) shown.resize(most);
  if (!shown.empty()) {
    const std::size_t width = name_width(out, coverage, shown);
    out.print(fmt::format("{:<{}}  {:<10}  00     06     12     18", "collection", width, "day (UTC)"));
    for (const DayRow& row : shown) {
      const GapCell& cell = coverage.cells[row.first];
      const std::string ns = shortened(printable(to_string(coverage.ns(cell))), width);
      out.print(fmt::format("{}{:{}}  {}  {}", ns, "", width - display_width(ns),
                            to_rfc3339(cell.hour.start()).substr(0, 10), signs_of(out, coverage, row)));
    }
  }
  if (more > 0)
    out.print("… and " + counted(more, "more row") + ": narrow the scope, or see them with --all");
  if (unknown > 0)
    out.print(counted(static_cast<std::int64_t>(unknown), "row") +
              " of days that the archive does not reach left out; --all shows every day");
  if (folded > 0) out.print(counted(folded, "row") + " without a gap left out; --all shows every day");
  if (!shown.empty() || folded > 0) out.print("");
}

void print_sum(Output& out, const Coverage& coverage) {
  out.print(fmt::format(
      "{} from {} to {} UTC", counted(static_cast<std::int64_t>(coverage.namespaces.size()), "collection"),
      human_time(coverage.range.from).substr(0, 16), human_time(coverage.range.to).substr(0, 16)));
  for (const GapState state : kGapStates) {
    const auto found = coverage.summary.find(state);
    if (found == coverage.summary.end()) continue;
    out.print(fmt::format("  {} {:>10} {}  {}", painted(out, state, std::string(1, letter(state))),
                          with_thousands(found->second),
                          painted(out, state, fmt::format("{:<12}", name(state))), meaning(state)));
  }
}

// Hours of one collection and one state that follow each other.
struct Run {
  std::uint32_t ns = 0;
  GapState state = GapState::kMissing;
  Hour first;
  Hour last;
  CellNumbers numbers;
  std::int64_t lost = 0;
  bool lost_unknown = false;
  std::int64_t misplaced = 0;
};

std::vector<Run> runs_of(const std::vector<FoundGap>& gaps) {
  std::vector<Run> runs;
  for (const FoundGap& gap : gaps) {
    const bool goes_on = !runs.empty() && runs.back().ns == gap.ns && runs.back().state == gap.state &&
                         runs.back().last.next() == gap.hour;
    if (!goes_on) runs.push_back({gap.ns, gap.state, gap.hour, gap.hour, {}, 0, false, 0});
    Run& run = runs.back();
    run.last = gap.hour;
    const CellNumbers& n = gap.evidence.numbers;
    run.numbers.archive += n.archive;
    run.numbers.warehouse += n.warehouse;
    run.numbers.distinct += n.distinct;
    run.numbers.missing += n.missing;
    run.numbers.extra += n.extra;
    run.numbers.duplicate += n.duplicate;
    run.misplaced += gap.misplaced;
    run.lost = std::max(run.lost, gap.evidence.lost);
    run.lost_unknown = run.lost_unknown || gap.lost_unknown;
  }
  return runs;
}

// Where missing events are, if not where they belong.
std::string explain_misplaced(const Run& run) {
  if (run.misplaced == 0) return {};
  const std::string which =
      run.misplaced == run.numbers.missing ? "" : with_thousands(run.misplaced) + " of them ";
  return "; " + which + "under another hour or collection";
}

std::string explain(const Run& run) {
  const CellNumbers& n = run.numbers;
  switch (run.state) {
    case GapState::kMissing:
      return (n.missing == 1 ? "the only archived event missing"
                             : "all " + counted(n.missing, "archived event") + " missing") +
             explain_misplaced(run);
    case GapState::kPartial:
      return with_thousands(n.missing) + " of " + counted(n.archive, "archived event") + " missing" +
             explain_misplaced(run);
    case GapState::kDuplicate:
      return counted(n.duplicate, "row") + " too many among " + with_thousands(n.warehouse) +
             (n.missing > 0 ? "; " + counted(n.missing, "event") + " missing" : "");
    case GapState::kExtra:
      return counted(n.extra, "row") + " that the archive does not hold there" +
             (n.missing > 0 ? "; " + counted(n.missing, "event") + " missing" : "");
    case GapState::kLost:
      return (run.lost_unknown ? std::string("an unknown number of events")
                               : "up to " + counted(run.lost, "event")) +
             " lost by the hub; " +
             (n.archive == 0   ? "none was archived"
              : n.archive == 1 ? "the archived one is there"
                               : "all " + with_thousands(n.archive) + " archived ones are there");
    default:
      return counted(n.archive, "archived event") + ", " + counted(n.warehouse, "row");
  }
}

std::string name_of(const Coverage& coverage, const Run& run) {
  return shortened(printable(to_string(coverage.namespaces[run.ns])), kLongestName);
}

std::string hours_of(const Run& run) {
  const std::string from = human_time(run.first.start()).substr(0, 16);
  const std::string to = human_time(run.last.end()).substr(0, 16);
  return from + " to " + (from.substr(0, 10) == to.substr(0, 10) ? to.substr(11) : to);
}

std::string accepted_by(const Acks::Given& ack) {
  return printable(ack.what.actor.user + "@" + ack.what.actor.host) + " at " +
         human_time(ack.time).substr(0, 16) + ": " + printable(ack.what.reason);
}

void print_acknowledged(Output& out, const GapFinding& found) {
  std::map<Slot, std::vector<FoundGap>> by_ack;
  for (const FoundGap& gap : found.gaps) {
    if (gap.ack) by_ack[*gap.ack].push_back(gap);
  }
  for (const auto& [id, gaps] : by_ack) {
    const Acks::Given* const ack = found.acks.find(id);
    if (ack == nullptr) continue;
    out.print("\nacknowledged, " + std::to_string(id.value) + " by " + accepted_by(*ack));
    print_gap_lines(out, found.coverage, gaps, kMostLines);
  }
}

void print_next(Output& out, const Coverage& coverage, const CoverageView& view) {
  const auto count = [&](GapState state) {
    const auto found = coverage.summary.find(state);
    return found == coverage.summary.end() ? std::int64_t{0} : found->second;
  };
  const std::string words = command_words(view.scope);
  std::vector<std::pair<std::string, std::string>> steps = steps_for_misplaced(coverage, view.table);
  if (std::ranges::any_of(coverage.cells, &GapCell::can_be_put_back))
    steps.emplace_back("put back what is missing", "changevault recover --gaps" + words);
  if (count(GapState::kPending) > 0) steps.emplace_back("load what is archived", "changevault load --once");
  if (count(GapState::kDuplicate) > 0)
    steps.emplace_back("remove rows that stand twice", "changevault recover --remove-duplicates" + words);
  if (count(GapState::kDuplicate) + count(GapState::kExtra) > 0)
    steps.emplace_back("see where a row came from", "changevault audit --event EVENT_ID");
  if (coverage.gaps() > coverage.gaps_outside())
    steps.emplace_back(
        "accept what cannot be put back",
        "changevault ack" + (words.empty() ? " DB COLLECTION DATE" : words) + " --reason \"…\"");
  if (steps.empty()) return;
  out.print("\nnext");
  std::size_t width = 0;
  for (const auto& [what, command] : steps) width = std::max(width, what.size());
  for (const auto& [what, command] : steps) out.print(fmt::format("  {:<{}}  {}", what, width, command));
}

}  // namespace

Result<GapFinding> find_watched_gaps(Context& context, KnownArchive& archive, const Scope& scope) {
  Progress progress(context.out, context.parts.clock());
  progress.begin("comparing archive and warehouse");
  return find_all_gaps(context.parts, archive, scope,
                       {context.stop, [&](std::int64_t done, std::int64_t all) {
                          progress.show([&] {
                            return "comparing: " + with_thousands(done) + " of " + counted(all, "hour") +
                                   " that differ" + progress.remaining(done, all);
                          });
                        }});
}

Result<Coverage> find_gaps(Context& context, KnownArchive& archive, const Scope& scope) {
  CV_ASSIGN(GapFinding found, find_watched_gaps(context, archive, scope));
  complain_of_damage(context.out, found.acks);
  return std::move(found.coverage);
}

void print_gap_lines(Output& out, const Coverage& coverage, const std::vector<FoundGap>& gaps,
                     std::size_t most) {
  const std::vector<Run> runs = runs_of(gaps);
  const std::size_t shown = std::min(runs.size(), most);
  std::size_t width = 0;
  std::size_t hours_width = 0;
  for (std::size_t i = 0; i < shown; ++i) {
    width = std::max(width, display_width(name_of(coverage, runs[i])));
    hours_width = std::max(hours_width, hours_of(runs[i]).size());
  }
  for (std::size_t i = 0; i < shown; ++i) {
    const Run& run = runs[i];
    const std::string ns = name_of(coverage, run);
    out.print(fmt::format("  {}{:{}}  {:<{}}  {}  {}", ns, "", width - display_width(ns), hours_of(run),
                          hours_width, painted(out, run.state, fmt::format("{:<9}", name(run.state))),
                          explain(run)));
  }
  if (shown < runs.size()) {
    out.print("  … and " + with_thousands(static_cast<std::int64_t>(runs.size() - shown)) +
              " more: narrow the scope or use --output json");
  }
}

void print_coverage(Output& out, const GapFinding& found, const CoverageView& view) {
  const Coverage& coverage = found.coverage;
  print_days(out, coverage, view.all);
  print_sum(out, coverage);
  std::vector<FoundGap> open = found.gaps;
  std::erase_if(open, [](const FoundGap& gap) { return gap.ack.has_value(); });
  if (coverage.gaps() == 0 && (coverage.uncertain() || found.by_reading)) {
    out.print("\n" + out.paint(Color::kYellow, "no gaps in what could be checked"));
  } else if (coverage.gaps() == 0) {
    out.print("\n" + out.paint(Color::kGreen, "no gaps"));
  } else {
    out.print("\n" + counted(coverage.gaps(), "gap"));
    print_gap_lines(out, coverage, open, view.all ? kAll : kMostLines);
  }
  print_outside(out, coverage);
  if (view.acknowledged) print_acknowledged(out, found);
  print_next(out, coverage, view);
}

void complain_of_damage(Output& out, const Acks& acks) {
  for (const Error& error : acks.damage()) {
    out.complain("note: " + printable(error.to_string()) +
                 "; acknowledgements up to it do not count any more (see: changevault ack --list)");
  }
}

}  // namespace changevault
