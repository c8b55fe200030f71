// What a command works on. Empty parts mean "all".
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/hour.h"
#include "model/ns.h"
#include "model/segment_facts.h"

namespace changevault {

// A value that a field of a record must have.
struct FieldCondition {
  std::string field;  // a path into a record: names with dots between them, "full_document.items.0.sku"
  std::string value;  // JSON text; null also means: not there
  bool operator==(const FieldCondition&) const = default;
};

struct Scope {
  std::string database;                             // a name or a glob ("*", "inv*"); empty: all
  std::string collection;                           // the same
  TimeRange time;                                   // by enqueued time
  std::optional<std::pair<int, int>> hours_of_day;  // both inclusive, UTC
  std::set<std::string> operations;
  std::string key;                    // document key, JSON text; empty: all
  std::vector<FieldCondition> where;  // all of them hold
  std::string pattern;  // glob over object names: the file name, or with a slash the path under the root
  bool operator==(const Scope&) const = default;

  bool matches(const Namespace& ns) const;
  bool touches(Hour hour) const;
  // May hold records of the scope, by what the ledger says of it.
  bool touches(const SegmentFacts& segment) const;
  // Every record of a segment that `touches` is in the scope: no look inside is needed.
  bool takes_whole(const SegmentFacts& segment) const;
  bool matches_time(Timestamp enqueued) const;
  bool matches_operation(const std::string& operation) const;
  // The scope names whole hours and namespaces only, so that counts per hour answer it.
  bool is_whole_hours() const;
  // What stands in a record's documents decides, so that no count tells how many records are in the scope.
  bool asks_content() const { return !key.empty() || !where.empty(); }
};

// "inventory_db/products/2025/01/15/14-….jsonl.gz" of an object's key, whatever folders the root has: its
// last six parts, of dead letters the five from `_deadletter` on. A shorter key is given back whole.
std::string_view path_under_root(std::string_view key);

// Shell glob: '*' (any text, '/' included), '?', '[a-z]'; '\\' makes the next character plain.
bool glob_matches(const std::string& pattern, const std::string& text);
// The glob that matches this text and no other.
std::string glob_of(const std::string& text);

// "inventory_db.products 2025-01-15T14:00:00Z..15:00:00Z insert,delete", for people and audit records.
std::string to_string(const Scope& scope);

}  // namespace changevault
