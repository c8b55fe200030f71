#include "cli/audit_event.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "archive/segment_feed.h"
#include "cli/progress.h"
#include "cli/scope_text.h"
#include "cli/text.h"
#include "cli/verb.h"
#include "codec/json.h"
#include "recovery/event_trail.h"
#include "service/warehouse_rows.h"

namespace changevault {
namespace {

struct Trail {
  std::string id;
  std::vector<EventRow> rows;
  std::vector<EventPlace> places;
  std::vector<LoadRecord> loads;  // of the segments that hold it
  std::int64_t read = 0;          // segments that were searched
  bool everywhere = false;        // all of the scope was
};

// Ids of ours are lower-case hex; pasted ones may not be.
std::string normal_id(std::string id) {
  const bool hex = id.size() == 32 && id.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
  if (hex)
    std::transform(id.begin(), id.end(), id.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return id;
}

std::optional<PartitionId> partition_of(const std::string& text) {
  std::int32_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return PartitionId(value);
}

// A row says at which place of the hub its event stood, and the ledger which segments hold that place.
std::vector<const ListedSegment*> segments_of_rows(const Catalog& catalog,
                                                   const std::vector<EventRow>& rows) {
  std::set<const ListedSegment*> found;
  for (const EventRow& row : rows) {
    const auto partition = partition_of(row.partition);
    if (!partition || !row.sequence) continue;
    for (const ListedSegment* const segment : segments_at(catalog, *partition, Sequence(*row.sequence)))
      found.insert(segment);
  }
  return {found.begin(), found.end()};
}

Result<std::vector<EventPlace>> search(Context& context, const std::vector<const ListedSegment*>& segments,
                                       const std::string& id) {
  CV_ASSIGN(ObjectStore* const store, context.parts.store());
  const Scope everything;
  SegmentFeed feed(*store, everything, context.stop);
  feed.complete_with(context.configuration.source.id);
  Progress progress(context.out, context.parts.clock());
  return find_event(segments, feed, id, [&](std::int64_t done, std::int64_t all) {
    progress.show([&] {
      return "searching: " + with_thousands(done) + " of " + counted(all, "segment") +
             progress.remaining(done, all);
    });
  });
}

Result<Trail> follow(Context& context, const Catalog& catalog, const std::string& id, const Scope& scope) {
  Trail trail;
  trail.id = id;
  CV_ASSIGN(Warehouse* const warehouse, context.parts.warehouse());
  CV_ASSIGN(trail.rows, rows_of_event(*warehouse, context.configuration.warehouse.table, id));
  std::vector<const ListedSegment*> segments = segments_of_rows(catalog, trail.rows);
  CV_ASSIGN(trail.places, search(context, segments, id));
  if (trail.places.empty()) {
    segments = catalog.select(scope);
    trail.everywhere = true;
    CV_ASSIGN(trail.places, search(context, segments, id));
  }
  trail.read = static_cast<std::int64_t>(segments.size());
  CV_ASSIGN(const std::vector<LoadRecord> loads, warehouse->load_records());
  for (const LoadRecord& load : loads) {
    if (std::any_of(trail.places.begin(), trail.places.end(),
                    [&](const EventPlace& place) { return place.segment->facts.key == load.segment.key; }))
      trail.loads.push_back(load);
  }
  return trail;
}

// The row carries the time of the transaction that inserted it, and so does that one's load record.
bool inserted(const LoadRecord& load, const Trail& trail) {
  return std::any_of(trail.rows.begin(), trail.rows.end(), [&](const EventRow& row) {
    return row.ingested && *row.ingested == load.time && load.inserted > 0;
  });
}

Json to_json(const std::optional<Timestamp>& time) {
  return time ? Json(to_rfc3339(*time)) : Json(nullptr);
}

Json to_json(const EventPlace& place) {
  const SegmentFacts& facts = place.segment->facts;
  return {{"key", facts.key},
          {"line", place.line},
          {"block", place.block ? Json(*place.block) : Json(nullptr)},
          {"partition", facts.partition.value},
          {"sequence", place.sequence.value},
          {"offset", place.offset},
          {"epoch", place.segment->epoch.value},
          {"database", place.ns.database},
          {"collection", place.ns.collection},
          {"operation", place.operation},
          {"enqueued_time", to_rfc3339(place.enqueued)},
          {"slot", place.segment->slot.value},
          {"listed", to_rfc3339(place.segment->listed_at)}};
}

Json to_json(const EventRow& row) {
  return {
      {"partition", row.partition},       {"sequence", row.sequence ? Json(*row.sequence) : Json(nullptr)},
      {"database", row.database},         {"collection", row.collection},
      {"operation", row.operation},       {"enqueued_time", to_json(row.enqueued)},
      {"ingested", to_json(row.ingested)}};
}

void print_json(Output& out, const Trail& trail) {
  Json archive = Json::array();
  for (const EventPlace& place : trail.places) archive.push_back(to_json(place));
  Json warehouse = Json::array();
  for (const EventRow& row : trail.rows) warehouse.push_back(to_json(row));
  Json loads = Json::array();
  for (const LoadRecord& load : trail.loads) {
    loads.push_back({{"segment", load.segment.key},
                     {"time", to_rfc3339(load.time)},
                     {"kind", load.live ? "live" : "recovery"},
                     {"recovery_id", load.live ? Json(nullptr) : Json(load.recovery_id)},
                     {"inserted_this_event", inserted(load, trail)}});
  }
  out.print_json({{"event_id", trail.id},
                  {"archive", std::move(archive)},
                  {"warehouse", std::move(warehouse)},
                  {"loads", std::move(loads)},
                  {"searched", {{"segments", trail.read}, {"everywhere", trail.everywhere}}}});
}

void print_place(Output& out, const EventPlace& place) {
  const SegmentFacts& facts = place.segment->facts;
  out.print("hub        partition " + to_string(facts.partition) + ", sequence " +
            std::to_string(place.sequence.value) + ", epoch " + std::to_string(place.segment->epoch.value) +
            ", " + human_time(place.enqueued) + " UTC");
  out.print("event      " + printable(place.operation) + " in " + printable(to_string(place.ns)));
  out.print("archive    " + printable(facts.key));
  out.print("           line " + with_thousands(place.line) + " of " + with_thousands(facts.records) +
            (place.block ? ", block " + std::to_string(*place.block) : std::string()) + "; listed in slot " +
            std::to_string(place.segment->slot.value) + " at " + human_time(place.segment->listed_at) +
            " UTC");
}

// What a person should make of it, and type next.
std::string conclusion(const Trail& trail) {
  if (trail.places.empty()) {
    return "the archive does not hold this event (" + counted(trail.read, "segment") +
           " read): the row was put there by somebody else";
  }
  if (trail.rows.empty()) {
    const SegmentFacts& facts = trail.places.front().segment->facts;
    Scope hour;
    hour.database = glob_of(facts.ns.database);
    hour.collection = glob_of(facts.ns.collection);
    hour.time = {facts.hour.start(), facts.hour.end()};
    return "the warehouse does not have it; put its hour back with: changevault recover" +
           command_words(hour);
  }
  if (trail.rows.size() > 1)
    return "the warehouse has it " + with_thousands(static_cast<std::int64_t>(trail.rows.size())) +
           " times; look for more and reduce them to one with: changevault recover --remove-duplicates";
  return "archived and in the warehouse once";
}

void print(Output& out, const Trail& trail) {
  for (const EventPlace& place : trail.places) print_place(out, place);
  for (const EventRow& row : trail.rows) {
    out.print("warehouse  a row of " + printable(row.database + "." + row.collection) +
              (row.ingested ? ", ingested " + human_time(*row.ingested) + " UTC" : std::string()));
  }
  for (const LoadRecord& load : trail.loads) {
    out.print((load.live ? "load       " : "recovery   ") + human_time(load.time) + " UTC" +
              (load.live ? std::string() : ", " + load.recovery_id) +
              (inserted(load, trail) ? ": inserted it" : ": took its segment"));
  }
  out.print(conclusion(trail));
}

}  // namespace

Result<int> audit_event(Context& context, const std::string& event_id, const Scope& scope) {
  CV_ASSIGN(const Catalog catalog, context.catalog());
  CV_ASSIGN(const Trail trail, follow(context, catalog, normal_id(event_id), scope));
  if (trail.places.empty() && trail.rows.empty()) {
    return Error(ErrorCode::kIndeterminate,
                 "neither the archive (" + counted(trail.read, "segment") +
                     " read) nor the warehouse knows this event",
                 trail.id,
                 "an event_id is what cat prints in that field; check it, and the scope where one was given");
  }
  if (context.out.json_wanted()) {
    print_json(context.out, trail);
  } else {
    print(context.out, trail);
  }
  return kExitDone;
}

}  // namespace changevault
