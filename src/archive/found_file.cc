#include "archive/found_file.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "archive/segment_feed.h"
#include "base/hash.h"
#include "codec/event_parser.h"
#include "codec/json_reader.h"
#include "codec/record_completer.h"
#include "codec/record_scanner.h"
#include "codec/segment_reader.h"
#include "model/event_id.h"
#include "store/object_source.h"

namespace changevault {
namespace {

// Takes lines into the facts of a file.
class Counter {
 public:
  Counter(FoundFile& file, const std::string& source) : file_(file), completer_(source) {}

  void add(std::string_view text) {
    file_.text_bytes += static_cast<std::int64_t>(text.size()) + 1;
    ++line_;
    const std::string_view line = plain_line(text);
    if (line.empty()) return;
    if (const Result<void> counted = count(line); !counted) {
      if (++file_.bad_records == 1)
        file_.problem = counted.error().message + ", line " + std::to_string(line_);
    }
  }

  void finish() {
    std::sort(ids_.begin(), ids_.end());
    file_.distinct = std::unique(ids_.begin(), ids_.end()) - ids_.begin();
    for (auto& [place, cell] : cells_) file_.cells.push_back(std::move(cell));
  }

 private:
  Result<void> count(std::string_view line) {
    std::string_view value;
    if (!json_.open(line, /*check_escapes=*/true) || !json_.check(value) || !json_.finish())
      return Error(ErrorCode::kCorrupt, "record: not JSON: " + json_.error());
    CV_ASSIGN(RecordView record, scanner_.scan_loosely(line));
    const bool made = record.event_id.empty();
    CV_TRY(completer_.complete(record));
    const Timestamp time = record.enqueued_time;
    file_.min_time = file_.records == 0 ? time : std::min(file_.min_time, time);
    file_.max_time = file_.records == 0 ? time : std::max(file_.max_time, time);
    ++file_.records;
    file_.made_ids += made ? 1 : 0;
    const EventId id = EventId::of_text(record.event_id);
    ids_.push_back(id);
    CellCount& cell = cell_of(hour_of(time), record);
    cell.digest += {1, id.high};
    if (operation_ == nullptr || operation_->first != record.operation_type)
      operation_ = &*cell.operations.try_emplace(std::string(record.operation_type)).first;
    ++operation_->second;
    return {};
  }

  // Records come in runs of one cell.
  CellCount& cell_of(Hour hour, const RecordView& record) {
    const std::string_view database = record.database_name.value_or("");
    const std::string_view collection = record.collection_name.value_or("");
    if (cell_ != nullptr && cell_->hour == hour && cell_->ns.database == database &&
        cell_->ns.collection == collection)
      return *cell_;
    const Namespace ns{std::string(database), std::string(collection)};
    cell_ = &cells_[{hour, ns}];
    cell_->hour = hour;
    cell_->ns = ns;
    operation_ = nullptr;
    return *cell_;
  }

  FoundFile& file_;
  JsonReader json_{kMaxEventDepth + 1};
  RecordScanner scanner_;
  RecordCompleter completer_;
  std::int64_t line_ = 0;
  std::vector<EventId> ids_;
  std::map<std::pair<Hour, Namespace>, CellCount> cells_;
  CellCount* cell_ = nullptr;
  OperationCounts::value_type* operation_ = nullptr;
};

bool is_damage(const Error& error) {
  return error.code == ErrorCode::kCorrupt || error.code == ErrorCode::kNotFound;
}

Result<void> read_lines(SegmentReader& reader, Counter& counter, const std::stop_token& stop) {
  while (true) {
    if (stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped while reading");
    CV_ASSIGN(const std::string_view text, reader.next());
    if (text.empty()) return {};
    CV_TRY(for_each_line(text, [&](std::string_view line) -> Result<void> {
      counter.add(line);
      return {};
    }));
  }
}

// What a file that is just being written looks like from outside.
Result<bool> is_unchanged(ObjectStore& store, const ObjectInfo& before) {
  const Result<ObjectInfo> now = store.head(before.key);
  if (!now && now.error().code != ErrorCode::kNotFound) return now.error();
  return now && now->bytes == before.bytes && now->etag == before.etag;
}

}  // namespace

Result<FoundFile> read_found_file(ObjectStore& store, const ObjectInfo& object, const FoundReading& reading) {
  FoundFile file;
  file.key = object.key;
  file.modified = object.modified;
  Counter counter(file, reading.source_id);
  Hasher sha256(Hasher::Kind::kSha256);
  Hasher md5(Hasher::Kind::kMd5);
  ObjectSource source(store, object.key, [&](std::string_view piece) {
    sha256.update(piece);
    md5.update(piece);
    file.bytes += static_cast<std::int64_t>(piece.size());
    if (reading.on_bytes) reading.on_bytes(static_cast<std::int64_t>(piece.size()));
  });
  SegmentReader reader(source, text_form_of(object.key));
  const Result<void> read = read_lines(reader, counter, reading.stop);
  if (!read && !is_damage(read.error())) return read.error();
  // A record that is none may stand where the damage begins: what the file says of itself comes first.
  if (!read) file.problem = read.error().message;
  counter.finish();
  file.sha256 = sha256.finish_hex();
  file.md5 = md5.finish_hex();
  CV_ASSIGN(const bool unchanged, is_unchanged(store, object));
  if (unchanged) file.etag = object.etag;
  if (!unchanged && file.is_whole()) file.problem = "it changed while it was read";
  return file;
}

}  // namespace changevault
