#include "model/segment_facts.h"

namespace changevault {

OperationCounts& operator+=(OperationCounts& into, const OperationCounts& more) {
  for (const auto& [operation, count] : more) into[operation] += count;
  return into;
}

std::int64_t total(const OperationCounts& counts) {
  std::int64_t sum = 0;
  for (const auto& [operation, count] : counts) sum += count;
  return sum;
}

}  // namespace changevault
