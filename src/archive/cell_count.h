// What a file holds of one hour of one collection.
#pragma once

#include "model/hour.h"
#include "model/ns.h"
#include "model/segment_facts.h"

namespace changevault {

struct CellCount {
  Hour hour;
  Namespace ns;
  Digest digest;
  OperationCounts operations;
  bool operator==(const CellCount&) const = default;
};

}  // namespace changevault
