// How many long rows one transaction may bring.
#pragma once

#include <cstdint>

#include "codec/record_scanner.h"

namespace changevault {

// A database reads and writes a group of rows 2,048 rows at a time and holds all texts of a column of them in
// memory. Rows of one transaction stand in one group, apart from those of others. So where the next 2,048
// would not fit, the transaction has to end earlier.
class RowWindow {
 public:
  // `memory`: what the database may use.
  explicit RowWindow(std::int64_t memory) : room_(memory / kParts) {}

  // True where the transaction must end behind this row. The same rows give the same answers.
  bool add(const RecordView& record) {
    text_ += size(record.raw_event) + size(record.full_document.value_or("")) +
             size(record.update_description.value_or(""));
    ++rows_;
    const bool full = text_ >= room_;
    if (full || rows_ == kVectorRows) text_ = rows_ = 0;
    return full;
  }

 private:
  static std::int64_t size(std::string_view text) { return static_cast<std::int64_t>(text.size()); }
  static constexpr std::int64_t kVectorRows = 2048;
  // Texts are copied on their way: a queue, the threads that insert, the rows as they are compressed.
  static constexpr std::int64_t kParts = 8;
  std::int64_t room_;
  std::int64_t text_ = 0;
  std::int64_t rows_ = 0;
};

}  // namespace changevault
