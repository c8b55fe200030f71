// What is in the records that a plan or a stage takes from the archive.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "model/scope.h"
#include "warehouse/warehouse.h"

namespace changevault {

// Counts of a set of records, comparable with the ledger's and with a side table's.
struct ScanFacts {
  std::int64_t rows = 0;
  std::uint64_t digest = 0;
  OperationCounts operations;
  std::optional<Timestamp> min_time;  // enqueued
  std::optional<Timestamp> max_time;
  bool operator==(const ScanFacts&) const = default;
  ScanFacts& operator+=(const ScanFacts& other);
};

// "1,000 rows (insert 600, update 400), digest 0123…", for messages.
std::string to_string(const ScanFacts& facts);

// Counts the records that pass through a feed, and holds each against the scope. Not thread-safe.
class CountingFeed final : public RecordFeed {
 public:
  // `feed` and `scope` outlive it.
  CountingFeed(RecordFeed& feed, const Scope& scope) : feed_(feed), scope_(scope) {}

  // A segment that cannot be read whole and true is a kValidation error; a record outside the scope too.
  Result<void> read(const SegmentRef& segment, const EachRecord& each) override;
  Result<void> read_facts(const SegmentRef& segment, const EachRecord& each) override;

  // All segments together; one that was read twice counts once.
  ScanFacts total() const;
  const ScanFacts& of(const std::string& key) const { return segments_.at(key); }

 private:
  using Reading = Result<void> (RecordFeed::*)(const SegmentRef&, const EachRecord&);
  Result<void> count(const SegmentRef& segment, const EachRecord& each, Reading reading);

  RecordFeed& feed_;
  const Scope& scope_;
  std::map<std::string, ScanFacts> segments_;
};

}  // namespace changevault
