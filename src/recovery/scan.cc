#include "recovery/scan.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/hash.h"

namespace changevault {
namespace {

// Damage and absence both mean: this segment is not what the ledger says.
Error refused(Error error, const SegmentRef& segment, bool of_files) {
  if (error.code != ErrorCode::kCorrupt && error.code != ErrorCode::kNotFound) return error;
  if (of_files) {
    return Error(ErrorCode::kValidation, "a file is not what it was when this was planned: " + error.message,
                 segment.key, "put it back as it was, or make a new plan with recover --from-files");
  }
  return Error(
      ErrorCode::kValidation,
      (error.code == ErrorCode::kNotFound ? "a segment of the ledger is gone (" : "a segment is damaged (") +
          error.message + ")",
      segment.key,
      "'recover --gaps' with the same scope recovers all the rest; 'changevault repair' shows what can be "
      "put right");
}

}  // namespace

void FactsCounter::add(const RecordView& record) {
  ++facts_.rows;
  facts_.digest += EventId::of_text(record.event_id).high;
  const Timestamp time = record.enqueued_time;
  facts_.min_time = facts_.min_time ? std::min(*facts_.min_time, time) : time;
  facts_.max_time = facts_.max_time ? std::max(*facts_.max_time, time) : time;
  if (operation_ == nullptr || operation_->first != record.operation_type) {
    operation_ = &*facts_.operations.try_emplace(std::string(record.operation_type)).first;
  }
  ++operation_->second;
}

ScanFacts& ScanFacts::operator+=(const ScanFacts& other) {
  rows += other.rows;
  digest += other.digest;
  operations += other.operations;
  if (other.min_time) min_time = min_time ? std::min(*min_time, *other.min_time) : *other.min_time;
  if (other.max_time) max_time = max_time ? std::max(*max_time, *other.max_time) : *other.max_time;
  return *this;
}

std::string to_string(const ScanFacts& facts) {
  std::string operations;
  for (const auto& [operation, count] : facts.operations) {
    operations += fmt::format("{}{} {}", operations.empty() ? "" : ", ", operation, count);
  }
  return fmt::format("{} rows ({}), digest {}", facts.rows, operations.empty() ? "none" : operations,
                     to_hex(facts.digest));
}

Result<void> CountingFeed::read(const SegmentRef& segment, const EachRecord& each) {
  return count(segment, each, &RecordFeed::read);
}

Result<void> CountingFeed::read_facts(const SegmentRef& segment, const EachRecord& each) {
  return count(segment, each, &RecordFeed::read_facts);
}

Result<void> CountingFeed::count(const SegmentRef& segment, const EachRecord& each, Reading reading) {
  FactsCounter counter;
  bool from_consumer = false;  // its errors are not about the segment
  Result<void> read = (feed_.*reading)(segment, [&](const RecordView& record) -> Result<void> {
    if (!scope_.matches_time(record.enqueued_time)) {
      from_consumer = true;
      return Error(ErrorCode::kValidation,
                   "a record lies outside the scope: " + to_rfc3339(record.enqueued_time), segment.key);
    }
    counter.add(record);
    Result<void> taken = each(record);
    from_consumer = !taken.has_value();
    return taken;
  });
  if (!read)
    return from_consumer ? std::move(read).error() : refused(std::move(read).error(), segment, of_files_);
  segments_[segment.key] = counter.take();
  return {};
}

ScanFacts CountingFeed::total() const {
  ScanFacts sum;
  for (const auto& [key, facts] : segments_) sum += facts;
  return sum;
}

}  // namespace changevault
