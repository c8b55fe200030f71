// Which records of a scope, how many, which of their fields: the same for every verb that gives records.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/field_selection.h"
#include "cli/options.h"
#include "service/record_reading.h"

namespace changevault {

// A member of a verb: `add_to` in add_options, then `read` in run, then the rest.
class RecordOptions {
 public:
  void add_to(Options& options);
  // kUsage for fields that a record does not have, and flags that exclude each other.
  Result<void> read();

  ReadingOptions reading() const;
  std::optional<std::int64_t> limit() const { return last_ ? last_ : limit_; }
  bool has_fields() const { return fields_.has_value(); }
  // The line as it stands, or what was asked for of it.
  std::string chosen(std::string_view line);
  // Flags that mean nothing for lines that are no records.
  bool needs_records() const { return last_ || newest_first_ || fields_; }

 private:
  std::optional<std::int64_t> limit_;
  std::optional<std::int64_t> last_;
  std::optional<std::string> fields_;
  bool newest_first_ = false;
  std::optional<FieldSelection> selection_;
};

}  // namespace changevault
