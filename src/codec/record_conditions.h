// What a scope asks of the content of records: its document key and its conditions on fields.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/event_parser.h"
#include "codec/json_reader.h"
#include "codec/record_scanner.h"
#include "model/scope.h"

namespace changevault {

// Values are compared as BSON has them, not as text: numbers by value, whichever of 5, 5.0, 5e0 and
// {"$numberLong":"5"} was written, and exactly; dates by their instant; strings by their characters. In an
// object the order of fields counts, as it does for MongoDB. An ObjectId, a UUID and a date are the same as
// their text, as some drivers write only that. `null` is met by null and by what is not there.
//
// Fields of the record's own (event_id to collection_name) are texts, times or, sequence_number, integers.
//
// A document key is met where each of its fields has this value, in whatever order, and whatever other fields
// the record's key has (a shard key's). A value alone stands for {"_id": value}. Here null is null.
//
// Not thread-safe.
class RecordConditions {
 public:
  // kUsage, with a hint, for a field that a record does not have and a value that it cannot have.
  static Result<RecordConditions> of(const Scope& scope);

  bool empty() const { return fronts_.empty() && documents_.empty(); }
  // None of them is about more than what RecordFrontReader reads.
  bool are_of_fronts() const { return documents_.empty(); }

  // REQUIRES: a whole record, that was scanned.
  bool hold(const RecordView& record);

  // Cheaper, of a line whose front was read, and whose rest is known to be as the archiver wrote it. `behind`
  // is what stands behind the front. nullopt: only the whole record tells.
  std::optional<bool> hold_in_line(const RecordView& front, std::string_view behind);

 private:
  struct FrontCondition {
    std::size_t field;                   // index into kRecordFields
    std::optional<std::string> text;     // of a text; nullopt: null
    std::optional<std::int64_t> number;  // of a time (ms) and of an integer; nullopt: null
  };
  struct DocumentCondition {
    std::size_t field;
    std::vector<std::string> path;  // below the document
    std::string expected;           // as comparable_json writes it
    bool absent_too = false;        // met where there is nothing
    std::string reduced;            // of a text that an ObjectId, a UUID or a date may have: what they become
    std::string needle;             // stands in every line that meets it and has no \u escape; or empty
  };

  RecordConditions();
  Result<void> add(const FieldCondition& condition);
  Result<void> add_front(const FieldCondition& condition, std::size_t field);
  Result<void> add_key(const std::string& key);
  void add_document(std::size_t field, std::vector<std::string> path, std::string expected, bool absent_too);
  static bool holds_front(const FrontCondition& condition, const RecordView& record);
  std::optional<bool> holds_in(const DocumentCondition& condition, std::string_view document);
  std::optional<bool> hold_in_document(std::size_t field, std::string_view document);
  bool equals(const DocumentCondition& condition, std::string_view value);
  bool is_complete();
  bool may_hold(std::string_view line) const;

  std::vector<FrontCondition> fronts_;
  std::vector<DocumentCondition> documents_;  // ordered by field
  JsonReader reader_{kMaxEventDepth + 1};
  JsonReader value_reader_{kMaxEventDepth + 1};
  std::string scratch_;
};

// The scope with what its conditions say of time, names and operation said as such, so that the ledger's
// facts choose the files. It takes every record that `scope` takes, and perhaps more.
Scope for_choosing_files(const Scope& scope);

// "FIELD=VALUE" as people write it: VALUE is JSON, and what is no JSON a string. kUsage with a hint.
Result<FieldCondition> read_condition(const std::string& text);

}  // namespace changevault
