#include "service/scope_check.h"

#include <algorithm>

#include "service/suggest.h"

namespace changevault {
namespace {

Error unknown(const std::string& message, const Scope& scope, const std::string& hint) {
  return Error(ErrorCode::kIndeterminate, message, scope == Scope{} ? "" : to_string(scope), hint);
}

// The name in `names` that was probably meant, as a hint; else where to look.
std::string name_hint(const Scope& scope, const std::vector<Namespace>& namespaces) {
  std::vector<std::string> names;
  const bool database_known = std::any_of(namespaces.begin(), namespaces.end(),
                                          [&](const Namespace& ns) { return ns.database == scope.database; });
  for (const Namespace& ns : namespaces) {
    if (!database_known) {
      names.push_back(ns.database);
    } else if (ns.database == scope.database) {
      names.push_back(ns.collection);
    }
  }
  const std::string near = nearest(database_known ? scope.collection : scope.database, names);
  return near.empty() ? "see what is archived with: changevault ls" : "did you mean \"" + near + "\"?";
}

std::string archive_words(Hour first, std::optional<Hour> sealed_to) {
  std::string out = "the archive begins at " + to_string(first);
  return out + (sealed_to ? " and is sealed up to " + to_string(*sealed_to) : " and no hour is sealed yet");
}

// The range that must be sealed for the scope to be proven quiet: what is open at an end counts from or to
// what is archived.
TimeRange asked_range(const Catalog& catalog, const Scope& scope, Hour first, Hour last) {
  TimeRange out = scope.time;
  if (out.from.ms == INT64_MIN) out.from = first.start();
  if (out.to.ms == INT64_MAX) out.to = std::max(last.end(), catalog.sealed_to().value_or(last).start());
  return out;
}

bool loss_touches(const Catalog& catalog, const TimeRange& range) {
  return std::any_of(catalog.lost().begin(), catalog.lost().end(), [&](const LostRange& lost) {
    return range.overlaps(lost.entry.from.value_or(Timestamp{INT64_MIN}),
                          lost.entry.to.value_or(Timestamp{INT64_MAX}));
  });
}

bool knows(const std::vector<Namespace>& known, const Scope& scope) {
  return std::any_of(known.begin(), known.end(), [&](const Namespace& ns) { return scope.matches(ns); });
}

}  // namespace

Error with_near_name(Error error, const Scope& scope, const std::vector<Namespace>& known) {
  if (error.code != ErrorCode::kIndeterminate || known.empty() || knows(known, scope)) return error;
  error.object = to_string(scope);
  error.hint = name_hint(scope, known);
  return error;
}

Result<ScopeFinding> find_scope(const Catalog& catalog, const Scope& scope) {
  ScopeFinding finding{catalog.select(scope)};
  if (!finding.segments.empty()) return finding;

  const auto first = catalog.first_hour();
  const auto last = catalog.last_hour();
  if ((!first || !last) && !catalog.problems().empty()) {
    return unknown("the ledger is damaged (" + catalog.problems().front().error.object +
                       "), and nothing else says what is archived",
                   scope, "see what can be put right with: changevault repair");
  }
  if (!first || !last) {
    return unknown("the archive is empty", scope,
                   "archive what the hub holds with: changevault archive --once");
  }
  const std::vector<Namespace> namespaces = catalog.namespaces();
  if (!knows(namespaces, scope)) {
    return unknown("the archive knows no such database or collection", scope, name_hint(scope, namespaces));
  }
  if (!scope.pattern.empty()) {
    return unknown("no archived file has such a name", scope, "see their names with: changevault ls");
  }
  if (is_uncertain(catalog.problems(), scope)) {
    return unknown("a ledger slot of that time is damaged: " + catalog.problems().front().error.object, scope,
                   "see what can be put right with: changevault repair");
  }
  const TimeRange range = asked_range(catalog, scope, *first, *last);
  const std::string hint = archive_words(*first, catalog.sealed_to());
  if (loss_touches(catalog, range)) {
    return unknown("the hub lost events of that time before they were archived", scope,
                   "see: changevault status");
  }
  const auto from = catalog.sealed_from();
  const auto to = catalog.sealed_to();
  if (range.from < first->start()) return unknown("that time is before the archive begins", scope, hint);
  if (!from || !to || range.to > to->start() || range.from < from->start()) {
    return unknown("nothing of that is archived so far, and the time is not sealed yet", scope, hint);
  }
  return finding;
}

}  // namespace changevault
