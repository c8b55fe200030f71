#include "cli/record_options.h"

#include "cli/common_options.h"

namespace changevault {

void RecordOptions::add_to(Options& options) {
  options.add_option("--limit", limit_, "stop after this many records")->type_name("N")->whole_number();
  options.add_option("--last", last_, "the newest records, newest first")->type_name("N")->whole_number();
  options.add_flag("--newest-first", newest_first_, "by time, the newest first, not file by file");
  options.add_option("--fields", fields_, "only these fields: event_id,full_document.price")
      ->type_name("LIST");
}

Result<void> RecordOptions::read() {
  if (limit_ && last_)
    return Error(ErrorCode::kUsage, "--limit counts from the beginning, --last from the end", "",
                 "give one of them");
  if (fields_) {
    CV_ASSIGN(selection_, FieldSelection::parse(*fields_));
  }
  return {};
}

ReadingOptions RecordOptions::reading() const {
  ReadingOptions out;
  out.limit = limit();
  out.newest_first = newest_first_ || last_;
  return out;
}

std::string RecordOptions::chosen(std::string_view line) {
  return selection_ ? selection_->select(line) : std::string(line);
}

}  // namespace changevault
