// What is in the records that a plan or a stage takes from the archive.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

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

// Adds records to facts. The operation's counter is kept from record to record: they come in runs.
class FactsCounter {
 public:
  void add(const RecordView& record);
  ScanFacts take() { return std::move(facts_); }

 private:
  ScanFacts facts_;
  OperationCounts::value_type* operation_ = nullptr;
};

// Counts the records that pass through a feed, and holds each against the scope. Not thread-safe.
class CountingFeed final : public RecordFeed {
 public:
  // `feed` and `scope` outlive it. `of_files`: of people, not segments of an archive.
  CountingFeed(RecordFeed& feed, const Scope& scope, bool of_files = false)
      : feed_(feed), scope_(scope), of_files_(of_files) {}

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
  bool of_files_;
  std::map<std::string, ScanFacts> segments_;
};

}  // namespace changevault
