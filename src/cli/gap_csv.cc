#include "cli/csv.h"
#include "cli/gap_report.h"
#include "cli/text.h"
#include "codec/json.h"

namespace changevault {

void print_coverage_csv(Output& out, const Coverage& coverage) {
  CsvRows rows(out, {"hour", "database", "collection", "state", "sealed", "archive", "warehouse", "distinct",
                     "missing", "misplaced", "extra", "duplicate", "repeats", "unreadable", "lost_unknown"});
  for (const GapCell& cell : coverage.cells) {
    const Namespace& ns = coverage.ns(cell);
    const CellNumbers& n = cell.numbers;
    rows.add({{"hour", to_string(cell.hour)},
              {"database", ns.database},
              {"collection", ns.collection},
              {"state", name(cell.state)},
              {"sealed", cell.sealed},
              {"archive", n.archive},
              {"warehouse", n.warehouse},
              {"distinct", n.distinct},
              {"missing", n.missing},
              {"misplaced", cell.misplaced},
              {"extra", n.extra},
              {"duplicate", n.duplicate},
              {"repeats", n.repeats},
              {"unreadable", cell.unreadable},
              {"lost_unknown", cell.lost_unknown}});
  }
  if (coverage.outside.empty()) return;
  out.note("note: rows of the warehouse outside these hours are no cells; see them with: changevault gaps");
}

}  // namespace changevault
