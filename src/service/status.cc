#include "service/status.h"

#include <algorithm>

#include "service/read_catalog.h"

namespace changevault {
namespace {

ArchiveStatus archive_status(const Catalog& catalog) {
  ArchiveStatus out;
  out.first_hour = catalog.first_hour();
  out.last_hour = catalog.last_hour();
  out.sealed_to = catalog.sealed_to();
  for (const ListedSegment& listed : catalog.segments()) {
    ++out.segments;
    out.records += listed.facts.records;
    out.bytes += listed.facts.bytes;
  }
  for (const ListedSegment& listed : catalog.dead_letters()) out.dead_letters += listed.facts.records;
  out.collections = static_cast<std::int64_t>(catalog.namespaces().size());
  out.lost_ranges = static_cast<std::int64_t>(catalog.lost().size());
  return out;
}

Result<std::vector<PartitionStatus>> partition_status(Hub& hub, const Catalog& catalog) {
  CV_ASSIGN(const HubDescription described, hub.describe());
  // The positions of one hub say nothing about another.
  if (described.identity != catalog.hub().identity) {
    return Error(ErrorCode::kValidation, "the archive belongs to another hub than this one", hub.url(),
                 "the hub was replaced, or hub.url or store.root is wrong; archive will refuse to run");
  }
  CV_ASSIGN(const std::vector<PartitionBounds> bounds, hub.bounds());
  std::vector<PartitionStatus> out;
  for (const PartitionBounds& b : bounds) {
    PartitionStatus status;
    status.partition = b.partition;
    Sequence next = b.first;
    for (const PartitionState& state : catalog.partitions()) {
      if (state.partition != b.partition) continue;
      status.archived = state.events;
      status.watermark = state.watermark;
      next = std::max(next, state.next.value_or(b.first));
    }
    status.behind = std::max<std::int64_t>(0, b.next.value - next.value);
    out.push_back(status);
  }
  return out;
}

Result<WarehouseStatus> warehouse_status(Warehouse& warehouse, const Catalog& catalog) {
  CV_ASSIGN(const std::vector<LoadRecord> records, warehouse.load_records());
  WarehouseStatus out;
  std::vector<std::string> loaded;
  for (const LoadRecord& record : records) {
    std::optional<LoadRecord>& last = record.live ? out.last_load : out.last_recovery;
    if (!last || last->time < record.time) last = record;
    if (record.live) loaded.push_back(record.segment.key);
  }
  std::sort(loaded.begin(), loaded.end());
  out.loaded = static_cast<std::int64_t>(loaded.size());
  for (const ListedSegment& listed : catalog.segments()) {
    if (!std::binary_search(loaded.begin(), loaded.end(), listed.facts.key)) ++out.waiting;
  }
  return out;
}

template <typename T>
void keep(Result<T> result, std::optional<T>& into, std::vector<Error>& failures) {
  if (result.has_value()) {
    into = std::move(result).value();
  } else {
    failures.push_back(std::move(result).error());
  }
}

void add_attention(Status& status) {
  const auto say = [&](std::string words) { status.attention.push_back(std::move(words)); };
  if (status.archive && status.archive->dead_letters > 0) {
    say("messages that are no change events are kept as dead letters; see them with: changevault ls "
        "--dead-letters");
  }
  if (status.archive && status.archive->lost_ranges > 0) {
    say("the hub lost events before they were archived; see the hours with: changevault gaps");
  }
  std::int64_t behind = 0;
  for (const PartitionStatus& p : status.partitions.value_or(std::vector<PartitionStatus>()))
    behind += p.behind;
  if (behind > 0) say("events wait in the hub; archive them with: changevault archive (or changevault run)");
  if (status.warehouse && status.warehouse->waiting > 0) {
    say("archived segments wait to be loaded; load them with: changevault load (or changevault run)");
  }
}

}  // namespace

Status read_status(Parts& parts) {
  Status status;
  std::optional<Catalog> catalog;
  const auto read = [&]() -> Result<Catalog> {
    CV_ASSIGN(ObjectStore* const store, parts.store());
    Result<Catalog> found = read_catalog(*store, parts.layout());
    if (found.has_value() || found.error().code != ErrorCode::kNotFound) return found;
    return Error(ErrorCode::kIndeterminate, "there is no archive yet", store->url(),
                 "make one with: changevault init");
  };
  keep(read(), catalog, status.failures);
  if (!catalog) return status;
  status.archive = archive_status(*catalog);
  const auto read_partitions = [&]() -> Result<std::vector<PartitionStatus>> {
    CV_ASSIGN(Hub* const hub, parts.hub());
    return partition_status(*hub, *catalog);
  };
  keep(read_partitions(), status.partitions, status.failures);
  const auto read_warehouse = [&]() -> Result<WarehouseStatus> {
    CV_ASSIGN(Warehouse* const warehouse, parts.warehouse());
    return warehouse_status(*warehouse, *catalog);
  };
  keep(read_warehouse(), status.warehouse, status.failures);
  add_attention(status);
  return status;
}

}  // namespace changevault
