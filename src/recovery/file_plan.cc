#include "recovery/file_plan.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "archive/segment_feed.h"
#include "base/hash.h"
#include "codec/event_parser.h"
#include "recovery/record_file.h"
#include "recovery/segment_ids.h"

namespace changevault {
namespace {

using Text = std::optional<std::string_view>;

void add(Hasher& hasher, const Text& text) {
  hasher.update(text ? std::to_string(text->size()) + ":" : std::string("-"));
  if (text) hasher.update(*text);
}

void add(Hasher& hasher, const std::optional<std::int64_t>& number) {
  hasher.update(number ? std::to_string(*number) + ";" : std::string("-"));
}

// What happened; 128 bits.
std::string event_of(const RecordView& record) {
  Hasher hasher(Hasher::Kind::kSha256);
  for (const Text& text : {Text(record.event_id), Text(record.operation_type), record.database_name,
                           record.collection_name, record.document_key, record.full_document,
                           record.update_description, record.cluster_time, Text(record.raw_event)})
    add(hasher, text);
  return hasher.finish_bytes().substr(0, 16);
}

// All that a warehouse gets of a record: the event, and how it came here. The hub may give one event twice.
std::string content_of(const RecordView& record, const std::string& event) {
  Hasher hasher(Hasher::Kind::kSha256);
  hasher.update(event);
  add(hasher, record.processed_timestamp ? std::optional(record.processed_timestamp->ms) : std::nullopt);
  add(hasher, record.partition_id);
  add(hasher, record.offset);
  add(hasher, record.sequence_number);
  add(hasher, std::optional(record.enqueued_time.ms));
  return hasher.finish_bytes().substr(0, 16);
}

// Where in the files a record stands.
struct Place {
  std::uint32_t file = 0;
  std::int64_t line = 0;
  auto operator<=>(const Place&) const = default;
};

enum class Known : std::uint8_t { kUnknown, kChanged, kArchived };

struct Entry {
  std::string event;
  std::string content;
  Place place;
  std::uint32_t cell = 0;
  bool own_id = true;  // the event's own token makes this event_id, or it has none
  Known known = Known::kUnknown;
};

class FilePlanner {
 public:
  FilePlanner(const FilePlanRequest& request, ObjectStore& store, Warehouse& warehouse,
              const PlanProgress& progress)
      : request_(request), store_(store), warehouse_(warehouse), progress_(progress) {}

  Result<RecoveryPlan> run(const SegmentsOf& archive) {
    CV_TRY(inspect());
    std::vector<PlannedCell> asked;
    for (const auto& [place, rows] : places_) {
      PlannedCell cell;
      cell.hour = place.first;
      cell.ns = place.second;
      asked.push_back(std::move(cell));
    }
    std::vector<const ListedSegment*> segments;
    if (!asked.empty()) {
      CV_ASSIGN(segments, archive(asked));
    }
    const std::int64_t passes = rows_ / request_.ids_in_memory + 1;
    steps_ = static_cast<std::int64_t>(files_.size()) * (passes + 1) +
             static_cast<std::int64_t>(segments.size()) * passes;
    for (std::int64_t pass = 0; pass < passes; ++pass) CV_TRY(settle(pass, passes, segments));
    return finish();
  }

 private:
  Result<void> inspect() {
    steps_ = static_cast<std::int64_t>(request_.keys.size()) * 2;
    for (const std::string& key : request_.keys) {
      CV_ASSIGN(RecordFile file,
                inspect_record_file(store_, key, request_.scope, request_.source_id, request_.stop));
      step();
      rows_ += file.scan.rows;
      for (const auto& [place, rows] : file.cells) places_[place] += rows;
      file.cells.clear();
      files_.push_back(std::move(file));
    }
    return {};
  }

  // The ids of one class: what the files say, what the archive says of them, what the warehouse has.
  Result<void> settle(std::int64_t pass, std::int64_t passes,
                      const std::vector<const ListedSegment*>& segments) {
    entries_.clear();
    for (std::uint32_t file = 0; file < files_.size(); ++file) {
      CV_TRY(read_file(file, pass, passes));
      step();
    }
    for (const ListedSegment* const segment : segments) {
      CV_TRY(compare_with(*segment, pass == 0));
      step();
    }
    CV_TRY(judge());
    PlanCells::Ids ids;
    for (const auto& [id, entry] : entries_) ids.add(id, entry.cell);
    return cells_.settle(std::move(ids), warehouse_);
  }

  Result<void> read_file(std::uint32_t file, std::int64_t pass, std::int64_t passes) {
    SegmentFeed feed(store_, request_.scope, request_.stop, TextForm::kGzipOrPlain);
    feed.complete_with(request_.source_id);
    Result<void> read = feed.read(files_[file].reference(), [&](const RecordView& record) -> Result<void> {
      if (pass == 0) cells_.count(record);
      const auto part = static_cast<std::int64_t>(EventId::of_text(record.event_id).low %
                                                  static_cast<std::uint64_t>(passes));
      return part == pass ? take(record, {file, feed.line()}) : Result<void>();
    });
    if (read || read.error().code != ErrorCode::kCorrupt) return read;
    return Error(ErrorCode::kValidation, "the file changed while it was read: " + read.error().message,
                 files_[file].key, "wait until whoever writes it has ended");
  }

  Result<void> take(const RecordView& record, Place place) {
    std::string event = event_of(record);
    const auto [standing, is_new] = entries_.try_emplace(std::string(record.event_id));
    Entry& entry = standing->second;
    if (is_new) {
      entry.content = content_of(record, event);
      entry.event = std::move(event);
      entry.place = place;
      entry.cell = cells_.of(record);
      entry.own_id = is_own_id(record);
      return {};
    }
    if (entry.event == event) return {};
    return Error(ErrorCode::kValidation,
                 "the event_id " + std::string(record.event_id) + " stands with two contents, in " +
                     words(entry.place) + " and in " + words(place),
                 files_[place.file].key, "keep one of the two lines");
  }

  bool is_own_id(const RecordView& record) {
    const auto event = parser_.parse(record.raw_event);
    if (!event || event->token.empty()) return true;
    return to_string(EventId::of_token(request_.source_id, event->token)) == record.event_id;
  }

  Result<void> compare_with(const ListedSegment& segment, bool first) {
    const Scope everything;
    SegmentFeed feed(store_, everything, request_.stop);
    feed.complete_with(request_.source_id);
    std::unordered_map<std::string, Known> found;
    const Result<void> read = feed.read_chosen(
        reference_to(segment),
        [&](const RecordView& facts) { return entries_.contains(std::string(facts.event_id)); },
        [&](const RecordView& record) -> Result<void> {
          const std::string id(record.event_id);
          const bool equal = entries_.at(id).content == content_of(record, event_of(record));
          Known& known = found[id];
          known = std::max(known, equal ? Known::kArchived : Known::kChanged);
          return {};
        });
    if (read) {
      for (const auto& [id, known] : found) entries_.at(id).known = std::max(entries_.at(id).known, known);
      return {};
    }
    const ErrorCode code = read.error().code;
    if (code != ErrorCode::kCorrupt && code != ErrorCode::kNotFound) return read.error();
    proof_.unreadable += first ? 1 : 0;
    return {};
  }

  // The first line that must not go in.
  Result<void> judge() {
    const Entry* changed = nullptr;
    const Entry* wrong = nullptr;
    const auto first = [](const Entry*& kept, const Entry& entry) {
      if (kept == nullptr || entry.place < kept->place) kept = &entry;
    };
    for (const auto& [id, entry] : entries_) {
      proof_.archived += entry.known == Known::kArchived ? 1 : 0;
      proof_.changed += entry.known == Known::kChanged ? 1 : 0;
      proof_.unknown += entry.known == Known::kUnknown ? 1 : 0;
      if (entry.known == Known::kChanged) first(changed, entry);
      if (entry.known == Known::kUnknown && !entry.own_id) first(wrong, entry);
    }
    if (wrong != nullptr) {
      return Error(ErrorCode::kValidation,
                   "the event_id in " + words(wrong->place) +
                       " is not that of its event, and the archive holds none like it there",
                   files_[wrong->place.file].key,
                   "an event_id is made from the event's token and source.id: leave it as it was");
    }
    if (changed == nullptr || request_.accept_changed) return {};
    return Error(
        ErrorCode::kValidation,
        "the archive holds the event of " + words(changed->place) + " with other content",
        files_[changed->place.file].key,
        "what the archive holds, recover SCOPE puts back as it was; if the file is what is right, say "
        "--accept-changed");
  }

  Result<RecoveryPlan> finish() {
    RecoveryPlan plan;
    plan.id = request_.id;
    plan.scope = request_.scope;
    for (const RecordFile& file : files_) {
      if (file.scan.rows == 0) continue;  // it has no part in it
      PlannedSegment segment;
      segment.key = file.key;
      segment.sha256 = file.sha256;
      segment.hour = hour_of(*file.scan.min_time);
      segment.records = file.records;
      segment.bytes = file.bytes;
      plan.segments.push_back(std::move(segment));
      plan.expected += file.scan;
    }
    CV_ASSIGN(plan.cells, cells_.finish(warehouse_));
    plan.sum_cells();
    plan.files = proof_;
    plan.created = request_.now;
    plan.actor = request_.actor;
    return plan;
  }

  std::string words(const Place& place) const {
    return "line " + std::to_string(place.line) +
           (files_.size() > 1 ? " of " + files_[place.file].key : std::string());
  }

  void step() {
    if (progress_) progress_(++done_, steps_);
  }

  const FilePlanRequest& request_;
  ObjectStore& store_;
  Warehouse& warehouse_;
  const PlanProgress& progress_;
  EventParser parser_;
  std::vector<RecordFile> files_;
  std::map<std::pair<Hour, Namespace>, std::int64_t> places_;
  std::unordered_map<std::string, Entry> entries_;
  PlanCells cells_;
  FileProof proof_;
  std::int64_t rows_ = 0;
  std::int64_t steps_ = 0;
  std::int64_t done_ = 0;
};

}  // namespace

Result<RecoveryPlan> plan_from_files(const FilePlanRequest& request, ObjectStore& store,
                                     const SegmentsOf& archive, Warehouse& warehouse,
                                     const PlanProgress& progress) {
  return FilePlanner(request, store, warehouse, progress).run(archive);
}

Result<void> check_files_fit(const RecoveryPlan& plan, ObjectStore& store, std::stop_token stop) {
  for (const PlannedSegment& file : plan.segments) {
    Hasher hasher(Hasher::Kind::kSha256);
    const Result<void> read = store.read(file.key, 0, {}, [&](std::string_view piece) -> Result<void> {
      if (stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped while reading", file.key);
      hasher.update(piece);
      return {};
    });
    const bool gone = !read && read.error().code == ErrorCode::kNotFound;
    if (!read && !gone) return read.error();
    if (!gone && hasher.finish_hex() == file.sha256) continue;
    return Error(ErrorCode::kStalePlan,
                 gone ? "a file of the plan is gone" : "a file changed since the plan was made", file.key,
                 "make the plan anew with: changevault recover --from-files FILE --plan=PLAN");
  }
  return {};
}

}  // namespace changevault
