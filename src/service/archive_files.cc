#include "service/archive_files.h"

#include "archive/file_listing.h"
#include "archive/sealed_listing.h"
#include "archive/window_listing.h"
#include "codec/record_conditions.h"
#include "service/read_catalog.h"
#include "service/scope_check.h"

namespace changevault {

ArchivedFile file_of(const ListedSegment& listed) {
  const SegmentFacts& facts = listed.facts;
  return {{facts.key, facts.sha256, facts.partition, listed.slot, facts.records},
          facts.ns,
          facts.hour,
          facts.bytes,
          facts.text_bytes,
          facts.max_time,
          listed.listed_at,
          facts.operations,
          {},
          listed.adopted()};
}

namespace {

// Only single blocks where the scope's time leaves some out.
void add_blocks(ArchivedFile& file, const SegmentFacts& facts, const TimeRange& time) {
  for (const BlockFacts& block : facts.blocks) {
    if (time.overlaps(block.min_time, block.max_time)) file.blocks.push_back(block);
  }
  file.is_part = file.blocks.size() < facts.blocks.size();
}

void tell_damage(const Catalog& catalog, const Scope& scope, ArchivedFiles& out) {
  out.problems = catalog.problems();
  out.uncertain = is_uncertain(out.problems, scope);
}

Error no_archive(ObjectStore& store, const Scope& scope, bool any_file) {
  if (any_file) {
    return Error(
        ErrorCode::kIndeterminate, "this archive has no ledger, and no file of that scope", to_string(scope),
        "see what is there with: changevault ls; where folders follow another clock than their records, "
        "changevault gaps finds out");
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

ArchivedFile named_file(const ObjectInfo& object, const SegmentName& name) {
  const PartitionId partition = name.origin ? name.origin->partition : PartitionId();
  ArchivedFile file;
  file.segment = {object.key, {}, partition, {}, 0};
  file.ns = name.ns;
  file.hour = name.hour;
  file.bytes = object.bytes;
  file.latest = name.hour.end() - milliseconds(1);
  file.modified = object.modified;
  file.md5 = object.md5_hex;
  return file;
}

// Whether any archived file is there at all: asked only where none is in the scope.
Result<bool> holds_any_file(ObjectStore& store, const KeyLayout& layout) {
  bool any = false;
  const auto ended =
      for_each_object(store, layout.archive_prefix(), [&](const ObjectInfo& object) -> Result<void> {
        any = layout.parse(object.key).has_value();
        if (!any) return {};
        return Error(ErrorCode::kCancelled, "one is enough");
      });
  if (!ended && !any) return ended.error();
  return any;
}

Result<ArchivedFiles> named_files(ObjectStore& store, const KeyLayout& layout, const Scope& scope) {
  ArchivedFiles out;
  out.by_ledger = false;
  CV_TRY(for_each_named_file(store, layout, scope,
                             [&](const ObjectInfo& object, const SegmentName& name) -> Result<void> {
                               out.files.push_back(named_file(object, name));
                               return {};
                             }));
  if (!out.files.empty()) return out;
  CV_ASSIGN(const bool any, holds_any_file(store, layout));
  return no_archive(store, scope, any);
}

Result<ArchivedFiles> named_dead_letters(ObjectStore& store, const KeyLayout& layout, const Scope& scope) {
  ArchivedFiles out;
  out.by_ledger = false;
  CV_TRY(for_each_object(store, layout.dead_letter_prefix(), [&](const ObjectInfo& object) -> Result<void> {
    const auto name = layout.parse(object.key);
    if (!name || !name->dead_letter) return {};
    if (scope.touches(name_sealed(layout, {object.key, {}}, {}).facts))
      out.files.push_back(named_file(object, *name));
    return {};
  }));
  if (out.files.empty()) return no_archive(store, scope, false);
  return out;
}

}  // namespace

Result<ArchivedFiles> archived_files(ObjectStore& store, const KeyLayout& layout, const Scope& asked,
                                     BlockIndex index) {
  const Scope scope = for_choosing_files(asked);
  ArchivedFiles out;
  const auto add = [&](const ListedSegment& listed) {
    out.files.push_back(file_of(listed));
    if (index == BlockIndex::kTake) add_blocks(out.files.back(), listed.facts, scope.time);
  };
  CV_ASSIGN(const auto window, list_window(store, layout, scope));
  if (window) {
    for (const ListedSegment& listed : *window) add(listed);
    return out;
  }
  const Result<Catalog> catalog = read_catalog(store, layout);
  if (!catalog.has_value()) {
    if (catalog.error().code == ErrorCode::kNotFound) return named_files(store, layout, scope);
    return catalog.error();
  }
  CV_ASSIGN(const ScopeFinding finding, find_scope(*catalog, scope));
  tell_damage(*catalog, scope, out);
  for (const ListedSegment* const listed : finding.segments) add(*listed);
  return out;
}

Result<ArchivedFiles> dead_letter_files(ObjectStore& store, const KeyLayout& layout, const Scope& scope) {
  const Result<Catalog> catalog = read_catalog(store, layout);
  if (!catalog.has_value()) {
    if (catalog.error().code == ErrorCode::kNotFound)
      return named_dead_letters(store, layout, time_and_name(scope));
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
