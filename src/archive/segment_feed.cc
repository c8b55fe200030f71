#include "archive/segment_feed.h"

#include <optional>
#include <string>
#include <utility>

#include "base/hash.h"
#include "codec/document_key.h"
#include "codec/event_parser.h"
#include "codec/json_reader.h"
#include "codec/record_front.h"
#include "codec/segment_reader.h"
#include "store/object_source.h"

namespace changevault {
namespace {

// Whether records are in a scope, by what stands in them; which segments to read is the caller's choice.
class RecordFilter {
 public:
  static Result<RecordFilter> of(const Scope& scope) {
    RecordFilter filter(scope);
    if (scope.key.empty()) return filter;
    filter.key_ = normal_document_key(scope.key);
    if (filter.key_) return filter;
    return Error(ErrorCode::kUsage, "the document key is not JSON", scope.key, R"(for example {"_id":42})");
  }

  bool needs_documents() const { return key_.has_value(); }

  bool takes(const RecordView& record) {
    if (!scope_.matches_time(record.enqueued_time)) return false;
    if (!scope_.operations.empty() && !scope_.matches_operation(std::string(record.operation_type)))
      return false;
    if (!scope_.database.empty() || !scope_.collection.empty()) {
      const Namespace ns{std::string(record.database_name.value_or("")),
                         std::string(record.collection_name.value_or(""))};
      if (!scope_.matches(ns)) return false;
    }
    return !key_ || (record.document_key && normal_document_key(*record.document_key) == key_);
  }

 private:
  explicit RecordFilter(const Scope& scope) : scope_(scope) {}
  const Scope& scope_;
  std::optional<std::string> key_;
};

// Lines into records, with what is wrong placed by line.
class LineScanner {
 public:
  // The records of a ledger's segment were proven when they were archived, and the bytes are compared with
  // its sha256. Without one nothing is known about them, and a warehouse takes the JSON slices as they are:
  // so all of the line is checked.
  explicit LineScanner(const SegmentRef& segment) : key_(segment.key), proven_(!segment.sha256.empty()) {}

  Result<RecordView> scan(std::string_view line) {
    ++number_;
    return again(line);
  }

  // What stands before the documents, where that is enough to know it; else the whole.
  Result<RecordView> facts(std::string_view line) {
    if (proven_) {
      if (const auto front = fronts_.read(line)) {
        ++number_;
        return *front;
      }
    }
    return scan(line);
  }

  // The line just taken, whole.
  Result<RecordView> again(std::string_view line) {
    if (!proven_ && !is_json(line)) {
      return placed(Error(ErrorCode::kCorrupt, "record: not JSON: " + json_.error()));
    }
    Result<RecordView> record = scanner_.scan(line);
    if (!record) return placed(std::move(record).error());
    return record;
  }

 private:
  bool is_json(std::string_view line) {
    std::string_view value;
    return json_.open(line, /*check_escapes=*/true) && json_.check(value) && json_.finish();
  }

  Error placed(Error error) const {
    error.message += ", line " + std::to_string(number_);
    error.object = key_;
    return error;
  }

  const std::string& key_;
  bool proven_;
  RecordFrontReader fronts_;
  RecordScanner scanner_;
  JsonReader json_{kMaxEventDepth + 1};
  std::int64_t number_ = 0;
};

// What a reader of the archive is told: which file, and how to see all that is damaged.
Error placed_error(Error error, const SegmentRef& segment) {
  const bool listed = !segment.sha256.empty();
  if (error.object.empty()) error.object = segment.key;
  if (error.code == ErrorCode::kNotFound && listed && error.object == segment.key) {
    error.code = ErrorCode::kCorrupt;
    error.message = "a segment that the ledger lists is gone";
  }
  if (error.code == ErrorCode::kCorrupt && error.hint.empty()) {
    error.hint = "'changevault verify' names all that is damaged; a narrower scope leaves this file out";
  }
  return error;
}

}  // namespace

SegmentFeed::SegmentFeed(ObjectStore& store, const Scope& scope, std::stop_token stop)
    : store_(store), scope_(scope), stop_(std::move(stop)) {}

Result<void> SegmentFeed::read(const SegmentRef& segment, const EachRecord& each) {
  CV_ASSIGN(RecordFilter filter, RecordFilter::of(scope_));
  LineScanner scanner(segment);
  return read_lines(segment, [&](std::string_view line) -> Result<void> {
    CV_ASSIGN(const RecordView record, scanner.scan(line));
    return filter.takes(record) ? each(record) : Result<void>();
  });
}

Result<void> SegmentFeed::read_facts(const SegmentRef& segment, const EachRecord& each) {
  CV_ASSIGN(RecordFilter filter, RecordFilter::of(scope_));
  LineScanner scanner(segment);
  return read_lines(segment, [&](std::string_view line) -> Result<void> {
    CV_ASSIGN(const RecordView record, filter.needs_documents() ? scanner.scan(line) : scanner.facts(line));
    return filter.takes(record) ? each(record) : Result<void>();
  });
}

Result<void> SegmentFeed::read_chosen(const SegmentRef& segment, const Choose& choose,
                                      const EachRecord& each) {
  CV_ASSIGN(RecordFilter filter, RecordFilter::of(scope_));
  LineScanner scanner(segment);
  return read_lines(segment, [&](std::string_view line) -> Result<void> {
    CV_ASSIGN(const RecordView facts, filter.needs_documents() ? scanner.scan(line) : scanner.facts(line));
    if (!filter.takes(facts) || !choose(facts)) return {};
    if (!facts.raw_event.empty()) return each(facts);
    CV_ASSIGN(const RecordView record, scanner.again(line));
    return each(record);
  });
}

Result<void> SegmentFeed::read_lines(const SegmentRef& segment, const EachLine& each) {
  Hasher hasher(Hasher::Kind::kSha256);
  ObjectSource source(store_, segment.key, [&](std::string_view piece) {
    hasher.update(piece);
    bytes_read_ += static_cast<std::int64_t>(piece.size());
  });
  SegmentReader reader(source);
  const auto each_line = [&](std::string_view line) -> Result<void> {
    ++records_read_;
    return each(line);
  };
  while (true) {
    if (stop_.stop_requested()) return Error(ErrorCode::kCancelled, "stopped while reading", segment.key);
    Result<std::string_view> text = reader.next();
    if (!text) return placed_error(std::move(text).error(), segment);
    if (text->empty()) break;
    CV_TRY(for_each_line(*text, each_line));
  }
  const std::string found = hasher.finish_hex();
  if (segment.sha256.empty() || segment.sha256 == found) return {};
  const std::string what = "the segment's sha256 is " + found + ", the ledger says " + segment.sha256;
  return placed_error(Error(ErrorCode::kCorrupt, what), segment);
}

}  // namespace changevault
