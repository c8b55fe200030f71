// `--fields a,b.c`: some fields of a record, as they stand in it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/event_parser.h"
#include "codec/json_reader.h"

namespace changevault {

// Values are slices of the record: no number is converted, nothing is written anew. Not thread-safe.
class FieldSelection {
 public:
  // A list of paths into the record: names with dots between them, a number for an item of an array. kUsage
  // for an empty path, and for one that does not begin with a field of a record.
  static Result<FieldSelection> parse(const std::string& list);

  // {"a":…,"b.c":…} with null for what is not there. REQUIRES: a record that was scanned.
  std::string select(std::string_view record);

 private:
  FieldSelection() = default;

  std::vector<std::vector<std::string>> paths_;
  JsonReader reader_{kMaxEventDepth + 8};
  std::string scratch_;
};

}  // namespace changevault
