#include "hub/batch_builder.h"

#include <array>
#include <charconv>

namespace changevault {

BatchBuilder::BatchBuilder(PartitionId partition, Sequence start, FetchLimits limits)
    : partition_(partition), next_(start), limits_(limits) {}

void BatchBuilder::add(Sequence sequence, Timestamp time, std::string_view payload) {
  // The second event says that this is no lonely one: from here on a whole batch is likely, and growing by
  // doubling would copy it several times.
  if (places_.size() == 1) bytes_->reserve(bytes_->size() + limits_.bytes + limits_.bytes / 8);
  const std::size_t start = bytes_->size();
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), sequence.value).ptr;
  const auto count = static_cast<std::size_t>(end - digits.data());
  bytes_->append(payload);
  bytes_->append(digits.data(), count);
  places_.push_back({sequence, time, start, payload.size(), count});
  next_ = sequence.next();
}

EventBatch BatchBuilder::finish(bool at_end, const HubClock& clock) {
  EventBatch batch;
  batch.partition = partition_;
  batch.events.reserve(places_.size());
  const std::string_view all(*bytes_);
  for (const Place& place : places_) {
    batch.events.push_back({partition_, place.sequence,
                            all.substr(place.payload + place.payload_bytes, place.offset_bytes), place.time,
                            all.substr(place.payload, place.payload_bytes)});
  }
  batch.bytes = std::move(bytes_);
  batch.next = next_;
  batch.at_end = at_end;
  batch.clock = clock;
  return batch;
}

}  // namespace changevault
