#include "service/check.h"

#include <algorithm>
#include <filesystem>

#include "service/read_catalog.h"

namespace changevault {
namespace {

constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kTooLittleRoom = 64 * kMiB;
constexpr std::int64_t kLittleRoom = 1024 * kMiB;

// What a check found: fine in words, or fine for now with what will go wrong.
struct Found {
  std::string what;
  std::optional<Error> warning = std::nullopt;
  Found(std::string what_in) : what(std::move(what_in)) {}  // NOLINT: implicit on purpose
  Found(std::string what_in, Error warning_in) : what(std::move(what_in)), warning(std::move(warning_in)) {}
};

Result<Found> check_environment(Parts& parts) {
  const std::vector<std::string>& unknown = parts.configuration().unknown_variables;
  if (unknown.empty()) return Found("every CHANGEVAULT_ variable is a setting");
  std::string names;
  for (const std::string& name : unknown) names += (names.empty() ? "" : ", ") + name;
  return Found("not used: " + names,
               Error(ErrorCode::kUsage, "these variables set nothing", names,
                     "variables are called CHANGEVAULT_SECTION_KEY, as in CHANGEVAULT_HUB_URL"));
}

Result<Found> check_hub(Parts& parts) {
  CV_ASSIGN(Hub* const hub, parts.hub());
  CV_ASSIGN(const HubDescription described, hub->describe());
  CV_ASSIGN(const std::vector<PartitionBounds> bounds, hub->bounds());
  std::int64_t events = 0;
  for (const PartitionBounds& b : bounds) events += b.next.value - b.first.value;
  const std::string what = std::to_string(described.partitions) +
                           (described.partitions == 1 ? " partition, " : " partitions, ") +
                           std::to_string(events) + " events kept";
  CV_ASSIGN(const std::vector<std::string> advice, hub->advice());
  if (advice.empty()) return Found(what);
  std::string words;
  for (const std::string& one : advice) words += (words.empty() ? "" : "; ") + one;
  return Found(what, Error(ErrorCode::kUsage, words, hub->url(), "change the settings of the topic"));
}

// What is written to a store that keeps everything stays there: then one object serves every check.
Result<std::string> probe_name(ObjectStore& store, Random& random) {
  CV_ASSIGN(const StoreTraits traits, store.traits());
  return traits.keeps_everything ? "changevault-check" : "changevault-check-" + random.nonce();
}

// Outside of the archive's root: nothing but the archive lives there.
Result<Found> check_store(Parts& parts) {
  CV_ASSIGN(ObjectStore* const store, parts.store());
  CV_ASSIGN(const std::string key, probe_name(*store, parts.random()));
  const bool kept = !key.starts_with("changevault-check-");
  CV_ASSIGN(const PutOutcome first, store->put_if_absent(key, "changevault"));
  const Result<PutOutcome> second = store->put_if_absent(key, "another");
  const Result<std::string> read = store->get(key);
  const Result<ListPage> listed = store->list(key);
  const Result<void> removed = kept ? Result<void>() : store->remove(key);
  CV_TRY(second);
  CV_TRY(read);
  CV_TRY(listed);
  if ((first != PutOutcome::kCreated && !kept) || *second != PutOutcome::kExists || *read != "changevault") {
    return Error(ErrorCode::kUnreachable, "the store overwrites objects that were to be created only once",
                 store->url(),
                 "use a store (or a mount) that honours create-only writes; the archive relies on it");
  }
  if (listed->objects.size() != 1) {
    return Error(ErrorCode::kUnreachable, "the store does not list an object that was just written",
                 store->url(),
                 "use a store (or a mount) whose listings are complete; the archive relies on it");
  }
  if (kept) return Found("creates, refuses to overwrite, reads and lists; nothing can be removed");
  if (!removed) {
    return Found(
        "creates, refuses to overwrite, reads and lists",
        Error(removed.error().code, "objects cannot be removed: " + removed.error().message, key,
              "fine for a container that keeps everything; leftovers of crashes then stay for ever"));
  }
  return Found("creates, refuses to overwrite, reads, lists and removes");
}

// What the store says of itself; nothing where it is plain.
Result<Found> check_protection(Parts& parts) {
  CV_ASSIGN(ObjectStore* const store, parts.store());
  CV_ASSIGN(const StoreTraits traits, store->traits());
  const auto joined = [](const std::vector<std::string>& sentences) {
    std::string out;
    for (const std::string& one : sentences) out += (out.empty() ? "" : "; ") + one;
    return out;
  };
  const std::string facts = joined(traits.facts);
  if (traits.warnings.empty()) return Found(facts);
  return Found(facts, Error(ErrorCode::kValidation,
                            joined(traits.warnings) + (facts.empty() ? "" : " (" + facts + ")"), store->url(),
                            "see docs/azure.md, \"An account for it\""));
}

Result<Found> check_clock(Parts& parts) {
  CV_ASSIGN(ObjectStore* const store, parts.store());
  CV_ASSIGN(const std::optional<Timestamp> theirs, store->clock());
  if (!theirs) return Found("the store has none of its own");
  const Duration ahead = parts.clock().now() - *theirs;
  if (ahead > seconds(60) || ahead < milliseconds(-60'000)) {
    return Error(ErrorCode::kUnreachable,
                 "the clocks of this machine and of the store differ by more than 60 s", store->url(),
                 "correct this machine's clock (NTP): hours are not sealed until then");
  }
  return Found("within 60 s of the store's");
}

// The file or folder that a part on this machine lives in; empty for parts elsewhere.
std::filesystem::path place_of(const std::string& url) {
  const auto parts = split_url(url);
  const bool local =
      parts && (parts->scheme == "sqlite" || parts->scheme == "file" || parts->scheme == "duckdb");
  if (!local) return {};
  std::filesystem::path place = parts->rest;
  std::error_code error;
  while (place.has_relative_path() && !std::filesystem::exists(place, error)) place = place.parent_path();
  return place;
}

std::string room_words(std::int64_t bytes) {
  constexpr std::int64_t kPlenty = 10 * 1024 * kMiB;
  return bytes < kPlenty ? std::to_string(bytes / kMiB) + " MiB"
                         : std::to_string(bytes / (1024 * kMiB)) + " GiB";
}

Result<Found> check_disk(Parts& parts) {
  const Configuration& c = parts.configuration();
  const std::pair<const char*, std::string> places[] = {
      {"hub", c.hub.url}, {"store", c.store.url}, {"warehouse", c.warehouse.url}};
  std::string what;
  std::string said;  // of the part before
  std::optional<Error> least;
  std::int64_t least_room = kLittleRoom;
  for (const auto& [part, url] : places) {
    const std::filesystem::path place = place_of(url);
    if (place.empty()) continue;
    std::error_code error;
    const auto space = std::filesystem::space(place, error);
    if (error)
      return Error(ErrorCode::kUnreachable, "cannot ask for free disk space: " + error.message(),
                   place.string());
    const auto room = static_cast<std::int64_t>(std::min<std::uintmax_t>(space.available, INT64_MAX));
    const std::string words = room_words(room);
    what += words == said ? ", the " : (what.empty() ? "" : "; ") + words + " free for the ";
    what += part;
    said = words;
    if (room >= least_room) continue;
    least_room = room;
    least = Error(
        ErrorCode::kUnreachable, "only " + words + " are free for the " + std::string(part), place.string(),
        "free some space or move the " + std::string(part) + "; nothing archived is lost when it is full");
  }
  if (what.empty()) return Found("no part is on a disk of this machine");
  if (!least) return Found(what);
  if (least_room < kTooLittleRoom) return *least;
  return Found(what, *least);
}

Result<Catalog> catalog_of(Parts& parts) {
  CV_ASSIGN(ObjectStore* const store, parts.store());
  Result<Catalog> catalog = read_catalog(*store, parts.layout());
  if (catalog || catalog.error().code != ErrorCode::kNotFound) return catalog;
  return Error(ErrorCode::kIndeterminate, "there is no archive yet", store->url(),
               "make one with: changevault init");
}

Result<Found> check_archive(Parts& parts) {
  CV_ASSIGN(const Catalog catalog, catalog_of(parts));
  if (!catalog.problems().empty()) {
    Error error = catalog.problems().front().error;
    error.hint = "see what can be put right with: changevault repair";
    return error;
  }
  if (catalog.hub() == nullptr) {
    return Found("adopted files alone: " + std::to_string(catalog.segments().size()) +
                 " listed, and nothing archives here");
  }
  if (catalog.hub()->group != parts.configuration().hub.group) {
    return Error(ErrorCode::kUsage, "the archive belongs to the consumer group " + catalog.hub()->group,
                 parts.configuration().hub.group, "set hub.group to it");
  }
  return Found(std::to_string(catalog.segments().size()) + " segments listed");
}

std::string of_partition(PartitionId partition) {
  return " of partition " + to_string(partition);
}

// The hub drops old events by its own rule: what it drops before it is archived is lost.
Result<Found> check_retention(Parts& parts) {
  CV_ASSIGN(const Catalog catalog, catalog_of(parts));
  CV_ASSIGN(Hub* const hub, parts.hub());
  CV_ASSIGN(const HubDescription described, hub->describe());
  if (catalog.hub() != nullptr && described.identity != catalog.hub()->identity) {
    return Error(ErrorCode::kValidation, "the archive belongs to another hub than this one", hub->url(),
                 "point hub.url or store.root at the right one; archive will refuse to run");
  }
  CV_ASSIGN(const std::vector<PartitionBounds> bounds, hub->bounds());
  std::int64_t waiting = 0;
  std::optional<Error> close;
  for (const PartitionBounds& b : bounds) {
    const auto state = std::find_if(catalog.partitions().begin(), catalog.partitions().end(),
                                    [&](const PartitionState& p) { return p.partition == b.partition; });
    const Sequence next = state == catalog.partitions().end() ? b.first : state->next.value_or(b.first);
    const std::int64_t gone = b.first.value - next.value;
    const std::int64_t behind = std::max<std::int64_t>(0, b.next.value - std::max(next, b.first).value);
    waiting += behind;
    if (gone > 0) {
      return Error(ErrorCode::kValidation,
                   "the hub dropped " + std::to_string(gone) + " events" + of_partition(b.partition) +
                       " before they were archived",
                   hub->url(),
                   "keep events longer in the hub; archive says how to go on (--accept-loss) and writes the "
                   "loss down");
    }
    const bool drops = b.first > Sequence(0);
    if (drops && behind > -gone) {
      close = Error(ErrorCode::kValidation,
                    std::to_string(behind) + " events" + of_partition(b.partition) + " wait, and only " +
                        std::to_string(-gone) + " archived ones are left before the hub drops them",
                    hub->url(), "archive now (changevault archive), or keep events longer in the hub");
    }
  }
  const std::string what = std::to_string(waiting) + " events wait to be archived, none was dropped before";
  return close ? Found(what, *close) : Found(what);
}

// Every call of a driver first holds the table's columns against those of change events.
Result<Found> check_warehouse(Parts& parts) {
  CV_ASSIGN(Warehouse* const warehouse, parts.warehouse());
  CV_ASSIGN(const auto loads, warehouse->live_loads());
  return Found(std::to_string(loads.size()) + " segments loaded, the table is one of change events");
}

}  // namespace

std::vector<CheckFinding> check_parts(Parts& parts) {
  struct Step {
    const char* part;
    Result<Found> (*check)(Parts&);
    bool needs_store = false;
  };
  constexpr Step kSteps[] = {{"environment", check_environment},
                             {"hub", check_hub},
                             {"store", check_store},
                             {"protection", check_protection, true},
                             {"clock", check_clock, true},
                             {"disk", check_disk},
                             {"archive", check_archive, true},
                             {"retention", check_retention, true},
                             {"warehouse", check_warehouse}};
  std::vector<CheckFinding> findings;
  bool store_is_silent = false;  // nobody waits for it once more in every step
  for (const Step& step : kSteps) {
    if (store_is_silent && step.needs_store) continue;
    Result<Found> found = step.check(parts);
    if (found.has_value()) {
      const bool warning = found->warning.has_value();
      if (found->what.empty() && !warning) continue;  // a part that has nothing to say of it
      findings.push_back({step.part, std::move(found->what), std::move(found->warning), warning});
      continue;
    }
    if (step.check == check_store) store_is_silent = found.error().retryable;
    // A part that does not answer fails every check that needs it: it is named once.
    const bool said = std::any_of(findings.begin(), findings.end(), [&](const CheckFinding& finding) {
      return finding.error == found.error();
    });
    if (!said) findings.push_back({step.part, "", std::move(found).error()});
  }
  return findings;
}

}  // namespace changevault
