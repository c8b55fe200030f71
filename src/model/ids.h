// The names of positions: every one its own type.
#pragma once

#include <cstdint>
#include <string>

#include "base/strong.h"

namespace changevault {

// A partition of the hub, from 0.
using PartitionId = Strong<struct PartitionTag, std::int32_t>;
// Position of an event in its partition: Kafka offset = Event Hubs sequence number. The first event has 0.
using Sequence = Strong<struct SequenceTag>;
// Number of a ledger entry in its chain, from 0.
using Slot = Strong<struct SlotTag>;
// Life of a hub: 0, and one more each time the operator says that the hub was replaced.
using Epoch = Strong<struct EpochTag>;

// The partition as records and object names write it: "0", "12" and "000", "012".
inline std::string to_string(PartitionId partition) {
  return std::to_string(partition.value);
}

}  // namespace changevault
