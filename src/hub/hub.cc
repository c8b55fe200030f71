#include "hub/hub.h"

#include <algorithm>

namespace changevault {

// Of a hub without gaps in its numbers.
Result<std::optional<EventBatch>> Hub::read_from(PartitionId partition, Sequence at) {
  CV_ASSIGN(const std::vector<PartitionBounds> all, bounds());
  for (const PartitionBounds& one : all) {
    if (one.partition == partition) return read(partition, std::max(at, one.first));
  }
  return read(partition, at);
}

}  // namespace changevault
