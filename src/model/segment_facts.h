// What the ledger says about one archived file: enough to find, prove and count it without reading it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/hour.h"
#include "model/ids.h"
#include "model/ns.h"

namespace changevault {

// Records per operation type ("insert", …).
using OperationCounts = std::map<std::string, std::int64_t>;

OperationCounts& operator+=(OperationCounts& into, const OperationCounts& more);
std::int64_t total(const OperationCounts& counts);

// Records and the sum mod 2^64 of the leading 64 bits of their event_ids: two sets that agree in both are
// taken for equal, counts alone never are.
struct Digest {
  std::int64_t records = 0;
  std::uint64_t sum = 0;
  bool operator==(const Digest&) const = default;
  Digest& operator+=(const Digest& other) {
    records += other.records;
    sum += other.sum;
    return *this;
  }
};

// A part of a segment that can be inflated alone.
struct BlockFacts {
  std::int64_t byte_offset = 0;  // in the file
  std::int64_t bytes = 0;        // compressed
  std::int64_t text_offset = 0;  // in the inflated text
  std::int64_t text_bytes = 0;
  std::int64_t records = 0;
  Sequence first{};
  Timestamp min_time{};  // enqueued
  Timestamp max_time{};
  std::string sha256;  // hex, of the compressed bytes
  std::uint64_t digest = 0;
  bool operator==(const BlockFacts&) const = default;
};

// A segment or a dead-letter object (then: namespace of the event where one was readable, operations empty,
// distinct 0).
struct SegmentFacts {
  std::string key;  // under the store, root included
  Namespace ns;
  Hour hour;
  PartitionId partition{};
  std::int64_t records = 0;
  OperationCounts operations;
  Sequence first{};
  Sequence last{};
  Timestamp min_time{};  // enqueued
  Timestamp max_time{};
  std::int64_t bytes = 0;
  std::int64_t text_bytes = 0;
  std::string sha256;  // hex, of the file
  std::string md5;     // hex, of the file
  std::uint64_t digest = 0;
  std::int64_t distinct = 0;  // different event_ids
  std::vector<BlockFacts> blocks;
  bool operator==(const SegmentFacts&) const = default;

  Digest counted() const { return {records, digest}; }
};

}  // namespace changevault
