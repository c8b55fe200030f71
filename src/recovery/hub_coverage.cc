#include "recovery/hub_coverage.h"

#include <algorithm>
#include <utility>

#include "codec/json.h"

namespace changevault {
namespace {

HubState state_of(const HubPartition& partition) {
  const HubPartitionFacts& facts = partition.facts;
  if (facts.replaced) return HubState::kReplaced;
  if (facts.unreadable) return HubState::kUnknown;
  if (partition.lost > 0) return HubState::kLost;
  if (!facts.archived) return HubState::kUnclaimed;
  return partition.pending > 0 ? HubState::kPending : HubState::kOk;
}

template <typename Number>
std::int64_t sum(const std::vector<HubPartition>& partitions, Number&& number) {
  std::int64_t all = 0;
  for (const HubPartition& partition : partitions) all += number(partition);
  return all;
}

Json position(const std::optional<Sequence>& sequence) {
  return sequence ? Json(sequence->value) : Json(nullptr);
}

Json to_json(const HubPartition& p) {
  const HubPartitionFacts& facts = p.facts;
  const bool known = p.state != HubState::kReplaced && p.state != HubState::kUnknown;
  const auto number = [&](std::int64_t n) { return known ? Json(n) : Json(nullptr); };
  Json out = {{"partition", facts.partition.value},
              {"state", name(p.state)},
              {"first", facts.first.value},
              {"next", facts.next.value},
              {"archived", position(facts.archived)},
              {"pending", number(p.pending)},
              {"lost", number(p.lost)},
              {"at_risk", p.at_risk},
              {"recorded_lost", facts.recorded_lost},
              {"recorded_lost_ranges", facts.recorded_ranges}};
  out["oldest_pending_time"] =
      p.oldest_pending_time ? Json(to_rfc3339(*p.oldest_pending_time)) : Json(nullptr);
  out["oldest_pending_seconds"] =
      p.oldest_pending_age ? Json(p.oldest_pending_age->ms / 1000) : Json(nullptr);
  if (facts.replaced) out["problem"] = *facts.replaced;
  if (facts.unreadable) out["problem"] = facts.unreadable->to_string();
  return out;
}

}  // namespace

const char* name(HubState state) {
  switch (state) {
    case HubState::kOk:
      return "OK";
    case HubState::kPending:
      return "PENDING";
    case HubState::kUnclaimed:
      return "UNCLAIMED";
    case HubState::kLost:
      return "LOST";
    case HubState::kReplaced:
      return "REPLACED";
    case HubState::kUnknown:
      return "UNKNOWN";
  }
  return "UNKNOWN";
}

HubPartition judge(HubPartitionFacts facts) {
  HubPartition out;
  if (!facts.replaced && !facts.unreadable) {
    const Sequence position = facts.archived.value_or(facts.begin.value_or(facts.first));
    const Sequence oldest = std::max(position, facts.first);
    out.lost = std::max<std::int64_t>(0, facts.first.value - position.value);
    out.pending = std::max<std::int64_t>(0, facts.next.value - oldest.value);
    if (out.pending > 0) out.oldest_pending = oldest;
    const std::int64_t archived_before = oldest.value - facts.first.value;
    out.at_risk = facts.first > Sequence(0) && out.pending > archived_before;
  }
  out.facts = std::move(facts);
  out.state = state_of(out);
  return out;
}

void nothing_waits(HubPartition& partition) {
  partition.pending = 0;
  partition.oldest_pending.reset();
  partition.at_risk = false;
  partition.state = state_of(partition);
}

std::int64_t HubCoverage::pending() const {
  return sum(partitions, [](const HubPartition& p) { return p.pending; });
}

std::int64_t HubCoverage::lost() const {
  return sum(partitions, [](const HubPartition& p) { return p.lost; });
}

std::int64_t HubCoverage::recorded_ranges() const {
  return sum(partitions, [](const HubPartition& p) { return p.facts.recorded_ranges; });
}

std::int64_t HubCoverage::recorded_lost() const {
  return sum(partitions, [](const HubPartition& p) { return p.facts.recorded_lost; });
}

bool HubCoverage::at_risk() const {
  return std::any_of(partitions.begin(), partitions.end(), [](const HubPartition& p) { return p.at_risk; });
}

std::optional<Duration> HubCoverage::oldest_pending_age() const {
  std::optional<Duration> oldest;
  for (const HubPartition& p : partitions) oldest = std::max(oldest, p.oldest_pending_age);
  return oldest;
}

bool HubCoverage::uncertain() const {
  return std::any_of(partitions.begin(), partitions.end(),
                     [](const HubPartition& p) { return p.state == HubState::kUnknown; });
}

Json to_json(const HubCoverage& hub) {
  Json partitions = Json::array();
  for (const HubPartition& partition : hub.partitions) partitions.push_back(to_json(partition));
  return {{"url", hub.url},
          {"identity_matches", hub.identity_matches},
          {"replaced", hub.replaced ? Json(hub.replaced->message) : Json(nullptr)},
          {"partitions", std::move(partitions)},
          {"pending", hub.pending()},
          {"lost", hub.lost()},
          {"recorded_lost", hub.recorded_lost()},
          {"recorded_lost_ranges", hub.recorded_ranges()}};
}

}  // namespace changevault
