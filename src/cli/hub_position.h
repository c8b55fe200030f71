// Where in the hub, as flags write it: start, end, a time or a sequence number.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "cli/context.h"
#include "hub/hub.h"

namespace changevault {

struct HubPosition {
  enum class Kind { kStart, kEnd, kTime, kSequence } kind = Kind::kStart;
  Timestamp time{};
  Sequence sequence{};
};

// What help says of such a flag.
inline constexpr const char* kHubPositionWords = "start, end, a time (UTC) or a sequence number";

// kUsage naming the flag.
Result<HubPosition> parse_hub_position(const std::string& text, const std::string& flag);

// The position in each partition, or in one. A sequence number outside a partition is its nearest end; a time
// is the first event that came then or later. kUsage where there is no such partition.
Result<GroupPositions> positions_at(Hub& hub, const HubPosition& position,
                                    std::optional<PartitionId> only = std::nullopt);

// Whether a group works for an archive that certainly is not the one in the configured store.
bool belongs_to_another_archive(Context& context, const GroupOwner& owner);

// The archive's own group: the configured one, or the one that the archive's ledger names (where it can be
// read). The ledger says where the archive goes on, so nobody else may read with it, and moving it moves
// nothing. kUsage; `doing` is what was asked for.
Result<void> check_not_archives_group(Context& context, const std::string& group, const std::string& doing,
                                      const std::string& hint);

}  // namespace changevault
