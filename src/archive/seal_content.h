// What a seal says of the hours it is about, computed from what the commits list: by the one who writes it
// and by the one who verifies it alike.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "archive/ledger.h"

namespace changevault {

class SealContent {
 public:
  // Only what lies in [from, to) is taken.
  SealContent(Hour from, Hour to) : from_(from), to_(to) {}
  void add_segment(const SegmentFacts& facts);
  void add_dead_letters(const SegmentFacts& facts);

  // In the order that seals have: by hour, then namespace; objects by key. The content is spent.
  std::vector<SealedCell> take_cells();
  std::vector<SealedDeadLetters> take_dead_letters();

 private:
  bool is_inside(Hour hour) const { return from_ <= hour && hour < to_; }

  Hour from_;
  Hour to_;
  std::map<std::pair<Hour, Namespace>, SealedCell> cells_;
  std::map<Hour, SealedDeadLetters> dead_letters_;
};

}  // namespace changevault
