#include "cli/hub_position.h"

#include <algorithm>
#include <charconv>

#include "archive/chain.h"
#include "archive/ledger_walk.h"
#include "hub/hub_checks.h"
#include "service/scope_words.h"

namespace changevault {
namespace {

Result<Sequence> resolve(Hub& hub, const HubPosition& position, const PartitionBounds& bounds) {
  switch (position.kind) {
    case HubPosition::Kind::kStart:
      return bounds.first;
    case HubPosition::Kind::kEnd:
      return bounds.next;
    case HubPosition::Kind::kTime:
      return hub.at_time(bounds.partition, position.time);
    case HubPosition::Kind::kSequence:
      break;
  }
  return std::clamp(position.sequence, bounds.first, bounds.next);
}

// The group of the archive in the configured store; nullopt where there is none or it cannot be read now.
// Every life of the hub has the group of the first: another one is refused.
std::optional<std::string> group_in_ledger(Context& context) {
  const Result<ObjectStore*> store = context.parts.store();
  if (!store.has_value()) return std::nullopt;
  Chain seals(**store, context.parts.layout().seal_chain());
  const Result<WalkedEntry> first = read_entry(seals, Slot(0));
  const auto* hub = first.has_value() ? std::get_if<HubEntry>(&first->entry.body) : nullptr;
  return hub == nullptr ? std::nullopt : std::optional(hub->group);
}

// The archive in the configured store; nullopt where it cannot be read now.
std::optional<std::string> id_of_archive(Context& context) {
  const Result<ObjectStore*> store = context.parts.store();
  if (!store.has_value()) return std::nullopt;
  Chain seals(**store, context.parts.layout().seal_chain());
  const Result<WalkedEntry> first = read_entry(seals, Slot(0));
  if (first) return first->sha256;
  return first.error().code == ErrorCode::kNotFound ? std::optional(std::string()) : std::nullopt;
}

}  // namespace

bool belongs_to_another_archive(Context& context, const GroupOwner& owner) {
  if (owner.id.empty()) return false;
  const std::optional<std::string> ours = id_of_archive(context);
  return ours && *ours != owner.id;
}

Result<HubPosition> parse_hub_position(const std::string& text, const std::string& flag) {
  if (text == "start") return HubPosition{HubPosition::Kind::kStart, {}, {}};
  if (text == "end") return HubPosition{HubPosition::Kind::kEnd, {}, {}};
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number >= 0)
    return HubPosition{HubPosition::Kind::kSequence, {}, Sequence(number)};
  if (const auto time = parse_time_word(text)) return HubPosition{HubPosition::Kind::kTime, *time, {}};
  return Error(ErrorCode::kUsage, flag + " is no position in the hub", text,
               "write start, end, a time like 2025-01-15T14:00:00Z or a sequence number");
}

Result<GroupPositions> positions_at(Hub& hub, const HubPosition& position, std::optional<PartitionId> only) {
  CV_ASSIGN(const std::vector<PartitionBounds> all, hub.bounds());
  GroupPositions positions;
  for (const PartitionBounds& bounds : all) {
    if (only && bounds.partition != *only) continue;
    CV_ASSIGN(positions[bounds.partition], resolve(hub, position, bounds));
  }
  if (only && positions.empty())
    return no_such_partition(*only, static_cast<std::int32_t>(all.size()), hub.url());
  return positions;
}

Result<void> check_not_archives_group(Context& context, const std::string& group, const std::string& doing,
                                      const std::string& hint) {
  if (group == context.configuration.hub.group || group == group_in_ledger(context)) {
    return Error(ErrorCode::kUsage, "this group belongs to the archive: " + doing, group, hint);
  }
  return {};
}

}  // namespace changevault
