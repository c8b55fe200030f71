#include "recovery/record_file.h"

#include <utility>

#include "archive/segment_feed.h"
#include "recovery/cell_finder.h"

namespace changevault {
namespace {

// What is wrong in a file of the archive is damage; here it is what somebody wrote.
Error refused(Error error, const std::string& key) {
  if (error.code == ErrorCode::kCorrupt) {
    error.code = ErrorCode::kValidation;
    if (error.hint.empty())
      error.hint =
          "each line has to be a whole record, as export and cat write them (docs/formats/record.md)";
  }
  if (error.object.empty()) error.object = key;
  return error;
}

}  // namespace

Result<RecordFile> inspect_record_file(ObjectStore& store, const std::string& key, const Scope& scope,
                                       const std::string& source_id, std::stop_token stop) {
  RecordFile file;
  file.key = key;
  SegmentFeed feed(store, scope, std::move(stop), TextForm::kGzipOrPlain);
  feed.complete_with(source_id);
  FactsCounter counter;
  CellFinder<std::int64_t> cells(file.cells);
  Result<void> read = feed.read({key, {}, {}, {}, 0}, [&](const RecordView& record) -> Result<void> {
    counter.add(record);
    ++cells.of(record);
    return {};
  });
  if (!read) return refused(std::move(read).error(), key);
  file.scan = counter.take();
  file.sha256 = feed.sha256();
  file.bytes = feed.bytes_read();
  file.records = feed.records_read();
  file.gzip_members = feed.gzip_members();
  if (file.records > 0) return file;
  return refused(Error(ErrorCode::kCorrupt, "the file holds no record"), key);
}

}  // namespace changevault
