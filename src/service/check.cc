#include "service/check.h"

#include "service/read_catalog.h"

namespace changevault {
namespace {

Result<std::string> check_hub(Parts& parts) {
  CV_ASSIGN(Hub* const hub, parts.hub());
  CV_ASSIGN(const HubDescription described, hub->describe());
  CV_ASSIGN(const std::vector<PartitionBounds> bounds, hub->bounds());
  std::int64_t events = 0;
  for (const PartitionBounds& b : bounds) events += b.next.value - b.first.value;
  return std::to_string(described.partitions) + " partitions, " + std::to_string(events) + " events kept";
}

// Outside of the archive's root: nothing but the archive lives there.
Result<std::string> check_store(Parts& parts) {
  CV_ASSIGN(ObjectStore* const store, parts.store());
  const std::string key = "changevault-check-" + parts.random().nonce();
  CV_ASSIGN(const PutOutcome first, store->put_if_absent(key, "changevault"));
  const Result<PutOutcome> second = store->put_if_absent(key, "another");
  const Result<std::string> read = store->get(key);
  CV_TRY(store->remove(key));
  CV_TRY(second);
  CV_TRY(read);
  if (first != PutOutcome::kCreated || *second != PutOutcome::kExists || *read != "changevault") {
    return Error(ErrorCode::kUnreachable, "the store overwrites objects that were to be created only once",
                 store->url(),
                 "use a store (or a mount) that honours create-only writes; the archive relies on it");
  }
  return std::string("creates, refuses to overwrite, reads and removes");
}

Result<std::string> check_clock(Parts& parts) {
  CV_ASSIGN(ObjectStore* const store, parts.store());
  CV_ASSIGN(const std::optional<Timestamp> theirs, store->clock());
  if (!theirs) return std::string("the store has none of its own");
  const Duration ahead = parts.clock().now() - *theirs;
  if (ahead > seconds(60) || ahead < milliseconds(-60'000)) {
    return Error(ErrorCode::kUnreachable,
                 "the clocks of this machine and of the store differ by more than 60 s", store->url(),
                 "correct this machine's clock (NTP): hours are not sealed until then");
  }
  return std::string("within 60 s of the store's");
}

Result<std::string> check_archive(Parts& parts) {
  CV_ASSIGN(ObjectStore* const store, parts.store());
  const Result<Catalog> catalog = read_catalog(*store, parts.layout());
  if (!catalog.has_value()) {
    if (catalog.error().code != ErrorCode::kNotFound) return catalog.error();
    return Error(ErrorCode::kIndeterminate, "there is no archive yet", store->url(),
                 "make one with: changevault init");
  }
  if (catalog->hub().group != parts.configuration().hub.group) {
    return Error(ErrorCode::kUsage, "the archive belongs to the consumer group " + catalog->hub().group,
                 parts.configuration().hub.group, "set hub.group to it");
  }
  return std::to_string(catalog->segments().size()) + " segments listed";
}

Result<std::string> check_warehouse(Parts& parts) {
  CV_ASSIGN(Warehouse* const warehouse, parts.warehouse());
  CV_ASSIGN(const auto loads, warehouse->live_loads());
  return std::to_string(loads.size()) + " segments loaded";
}

}  // namespace

std::vector<CheckFinding> check_parts(Parts& parts) {
  struct Step {
    const char* part;
    Result<std::string> (*check)(Parts&);
  };
  constexpr Step kSteps[] = {{"hub", check_hub},
                             {"store", check_store},
                             {"clock", check_clock},
                             {"archive", check_archive},
                             {"warehouse", check_warehouse}};
  std::vector<CheckFinding> findings;
  for (const Step& step : kSteps) {
    Result<std::string> found = step.check(parts);
    if (found.has_value()) {
      findings.push_back({step.part, std::move(found).value(), std::nullopt});
    } else {
      findings.push_back({step.part, "", std::move(found).error()});
    }
  }
  return findings;
}

}  // namespace changevault
