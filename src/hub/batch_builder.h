// Puts an EventBatch together: drivers append events one by one, the views are made once the bytes stand
// still.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "hub/hub.h"

namespace changevault {

// How much one fetch brings: it ends behind the event that reaches either.
struct FetchLimits {
  std::size_t bytes = std::size_t{4} << 20;
  std::size_t events = 20'000;
};

class BatchBuilder {
 public:
  BatchBuilder(PartitionId partition, Sequence start, FetchLimits limits);

  // The offset is the sequence in decimal, as the embedded hubs name it.
  void add(Sequence sequence, Timestamp time, std::string_view payload);
  bool full() const { return bytes_->size() >= limits_.bytes || places_.size() >= limits_.events; }
  // The position behind what was added.
  Sequence next() const { return next_; }
  // The builder is spent.
  EventBatch finish(bool at_end, const HubClock& clock);

 private:
  struct Place {
    Sequence sequence;
    Timestamp time;
    std::size_t payload;  // where it starts; the offset's digits stand behind it
    std::size_t payload_bytes;
    std::size_t offset_bytes;
  };

  PartitionId partition_;
  Sequence next_;
  FetchLimits limits_;
  std::shared_ptr<std::string> bytes_ = std::make_shared<std::string>();
  std::vector<Place> places_;
};

}  // namespace changevault
