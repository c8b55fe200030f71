#include "service/archive_files.h"

#include "service/read_catalog.h"
#include "service/scope_check.h"

namespace changevault {
namespace {

ArchivedFile file_of(const ListedSegment& listed) {
  const SegmentFacts& facts = listed.facts;
  return {{facts.key, facts.sha256, facts.partition, listed.slot, facts.records},
          facts.ns,
          facts.hour,
          facts.bytes,
          facts.text_bytes,
          facts.max_time,
          listed.listed_at};
}

// What a name alone tells, in the form that a scope is asked about.
SegmentFacts facts_of(const ObjectInfo& object, const SegmentName& name) {
  SegmentFacts facts;
  facts.key = object.key;
  facts.ns = name.ns;
  facts.hour = name.hour;
  facts.min_time = name.hour.start();
  facts.max_time = name.hour.end() - milliseconds(1);
  return facts;
}

void tell_damage(const Catalog& catalog, const Scope& scope, ArchivedFiles& out) {
  out.problems = catalog.problems();
  out.uncertain = is_uncertain(out.problems, scope);
}

Error no_archive(ObjectStore& store, const Scope& scope, bool any_file) {
  if (any_file) {
    return Error(ErrorCode::kIndeterminate, "this archive has no ledger, and no file of that scope",
                 to_string(scope), "see what is there with: changevault ls");
  }
  return Error(ErrorCode::kIndeterminate, "there is no archive yet", store.url(),
               "make one with: changevault init (or correct store.url and store.root in the configuration)");
}

// What of a scope can be asked of dead letters.
Scope time_and_name(const Scope& scope) {
  Scope out;
  out.time = scope.time;
  out.hours_of_day = scope.hours_of_day;
  out.pattern = scope.pattern;
  return out;
}

Result<ArchivedFiles> listed_files(ObjectStore& store, const KeyLayout& layout, const Scope& scope,
                                   bool dead_letters) {
  ArchivedFiles out;
  out.by_ledger = false;
  bool any_file = false;
  Scope names_only = scope;
  names_only.operations.clear();  // a name does not tell them
  const auto each = [&](const ObjectInfo& object) -> Result<void> {
    const auto name = layout.parse(object.key);
    if (!name || name->dead_letter != dead_letters) return {};
    any_file = true;
    const SegmentFacts facts = facts_of(object, *name);
    if (!names_only.touches(facts)) return {};
    const PartitionId partition = name->origin ? name->origin->partition : PartitionId();
    out.files.push_back({{object.key, {}, partition, {}, 0},
                         name->ns,
                         name->hour,
                         object.bytes,
                         0,
                         facts.max_time,
                         object.modified});
    return {};
  };
  CV_TRY(for_each_object(store, layout.archive_prefix(), each));
  if (out.files.empty()) return no_archive(store, scope, any_file);
  return out;
}

}  // namespace

Result<ArchivedFiles> archived_files(ObjectStore& store, const KeyLayout& layout, const Scope& scope) {
  const Result<Catalog> catalog = read_catalog(store, layout);
  if (!catalog.has_value()) {
    if (catalog.error().code == ErrorCode::kNotFound) return listed_files(store, layout, scope, false);
    return catalog.error();
  }
  CV_ASSIGN(const ScopeFinding finding, find_scope(*catalog, scope));
  ArchivedFiles out;
  tell_damage(*catalog, scope, out);
  for (const ListedSegment* const listed : finding.segments) out.files.push_back(file_of(*listed));
  return out;
}

Result<ArchivedFiles> dead_letter_files(ObjectStore& store, const KeyLayout& layout, const Scope& scope) {
  const Result<Catalog> catalog = read_catalog(store, layout);
  if (!catalog.has_value()) {
    if (catalog.error().code == ErrorCode::kNotFound)
      return listed_files(store, layout, time_and_name(scope), true);
    return catalog.error();
  }
  ArchivedFiles out;
  const Scope asked = time_and_name(scope);
  tell_damage(*catalog, asked, out);
  for (const ListedSegment& listed : catalog->dead_letters()) {
    if (asked.touches(listed.facts)) out.files.push_back(file_of(listed));
  }
  return out;
}

}  // namespace changevault
