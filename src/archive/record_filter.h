// Which records of an archived segment are in a scope, with as little of each line parsed as tells it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/event_parser.h"
#include "codec/json_reader.h"
#include "codec/record_completer.h"
#include "codec/record_conditions.h"
#include "codec/record_front.h"
#include "codec/record_scanner.h"
#include "model/scope.h"

namespace changevault {

// Reads the lines of one segment, one behind the other. Not thread-safe.
//
// Of a segment whose bytes the ledger vouches for, a line outside of the scope is passed over as soon as that
// is known: most by their front, others by a text that they would have to hold, the rest by the document that
// was asked about. Of any other file nothing is known, and a warehouse takes the JSON slices as they are:
// each line is checked whole, whether it is in the scope or not.
class RecordFilter {
 public:
  // `scope` outlives it. With a source, what a record lacks is filled in (codec/record_completer.h). kUsage
  // for a key or condition that means nothing.
  static Result<RecordFilter> of(const Scope& scope, bool proven,
                                 const std::optional<std::string>& source = std::nullopt);

  enum class Need : std::uint8_t {
    kFacts,  // what stands before document_key, and the line, is enough
    kWhole,
  };
  // The record, where it is in the scope: whole, or with kFacts perhaps no more than its front. Views live
  // until the next call, or as long as the line. kCorrupt for a line that is no record.
  Result<std::optional<RecordView>> take(std::string_view line, Need need);
  // The record of the line that was just taken, whole.
  Result<RecordView> whole(std::string_view line);

 private:
  RecordFilter(const Scope& scope, bool proven, RecordConditions conditions)
      : scope_(scope), proven_(proven), conditions_(std::move(conditions)) {}
  bool takes_front(const RecordView& record) const;

  const Scope& scope_;
  bool proven_;
  RecordConditions conditions_;
  RecordFrontReader fronts_;
  RecordScanner scanner_;
  JsonReader json_{kMaxEventDepth + 1};
  std::optional<RecordCompleter> completer_;
};

}  // namespace changevault
