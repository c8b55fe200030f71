#include "archive/found_archive.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>
#include <memory>
#include <thread>
#include <utility>

#include "archive/file_listing.h"
#include "base/mutex.h"

namespace changevault {
namespace {

Timestamp moved(Timestamp time, std::int64_t by_hours) {
  const bool open = time.ms == INT64_MIN || time.ms == INT64_MAX;
  return open ? time : time + hours(by_hours);
}

}  // namespace

class FoundReader {
 public:
  FoundReader(ObjectStore& store, const KeyLayout& layout, const Scope& scope, const FoundOptions& options)
      : store_(store), layout_(layout), scope_(scope), options_(options) {}

  Result<FoundArchive> read() {
    learn_from_memory();
    while (true) {
      CV_ASSIGN(std::vector<ObjectInfo> wanted, list());
      if (wanted.empty()) break;
      CV_TRY(read_all(wanted));
      if (options_.by_folder || (scope_.time == TimeRange{} && !scope_.hours_of_day)) break;
    }
    if (files_.empty() && !left_out_) {
      return Error(ErrorCode::kIndeterminate, "this archive has no ledger, and no file of that scope",
                   to_string(scope_), "see what is there with: changevault ls");
    }
    FoundArchive out;
    for (auto& [key, file] : files_) out.files_.push_back(std::move(file));
    notes_.files = static_cast<std::int64_t>(out.files_.size());
    out.notes_ = notes_;
    out.source_id_ = options_.source_id;
    return out;
  }

 private:
  // How far folders lie from their records is a habit of the program that wrote them.
  void learn_from_memory() {
    if (options_.memory == nullptr) return;
    options_.memory->for_each([&](const FoundFile& file) { learn(file); });
  }

  void learn(const FoundFile& file) {
    const auto name = layout_.parse(file.key);
    if (!name) return;
    for (const CellCount& cell : file.cells) {
      const std::int64_t apart = name->hour.index - cell.hour.index;
      if (std::abs(apart) > kMostApart) continue;
      earliest_ = std::min(earliest_, apart);
      latest_ = std::max(latest_, apart);
    }
  }

  // Files that are not read yet and may hold records of the scope by what is known of the folders' clock.
  Result<std::vector<ObjectInfo>> list() {
    Scope wide = scope_;
    if (!options_.by_folder) {
      wide.hours_of_day.reset();
      wide.time.from = moved(scope_.time.from, earliest_ - 1);
      wide.time.to = moved(scope_.time.to, latest_ + 1);
    }
    std::vector<ObjectInfo> out;
    const auto each = [&](const ObjectInfo& object, const SegmentName& name) -> Result<void> {
      const bool wanted = options_.by_folder || is_near(name.hour);
      if (!wanted || files_.contains(object.key)) return {};
      const bool skipped = options_.leave_out && options_.leave_out(object, name);
      left_out_ = left_out_ || skipped;
      if (!skipped) out.push_back(object);
      return {};
    };
    CV_TRY(for_each_named_file(store_, layout_, wide, each));
    return out;
  }

  bool is_near(Hour folder) const {
    for (std::int64_t apart = earliest_ - 1; apart <= latest_ + 1; ++apart) {
      if (scope_.touches(Hour{folder.index - apart})) return true;
    }
    return false;
  }

  // Files are independent: every core takes the next one.
  Result<void> read_all(const std::vector<ObjectInfo>& wanted) {
    for (const ObjectInfo& object : wanted) {
      ++progress_.files_all;
      progress_.bytes_all += object.bytes;
    }
    std::vector<const ObjectInfo*> unknown;
    for (const ObjectInfo& object : wanted) {
      const FoundFile* known =
          options_.memory == nullptr ? nullptr : options_.memory->find(object, options_.now);
      if (known == nullptr) {
        unknown.push_back(&object);
        continue;
      }
      ++notes_.remembered;
      const MutexLock lock(mutex_);
      progress_.bytes_done += object.bytes;
      take(*known);
    }
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
      for (std::size_t i = next++; i < unknown.size() && !failed(); i = next++) read_one(*unknown[i]);
    };
    {
      const std::size_t workers =
          std::min<std::size_t>(std::max(1U, std::thread::hardware_concurrency()), unknown.size());
      std::vector<std::jthread> threads;
      for (std::size_t i = 1; i < workers; ++i) threads.emplace_back(work);
      work();
    }
    const MutexLock lock(mutex_);
    return error_ ? Result<void>(*error_) : Result<void>();
  }

  bool failed() {
    const MutexLock lock(mutex_);
    return error_.has_value();
  }

  void read_one(const ObjectInfo& object) {
    FoundReading reading{options_.source_id, options_.stop, [&](std::int64_t bytes) {
                           const MutexLock lock(mutex_);
                           notes_.bytes_read += bytes;
                           progress_.bytes_done += bytes;
                           if (options_.on_progress) options_.on_progress(progress_);
                         }};
    Result<FoundFile> file = read_found_file(store_, object, reading);
    const MutexLock lock(mutex_);
    if (!file) {
      if (!error_) error_ = std::move(file).error();
      if (error_->object.empty()) error_->object = object.key;
      return;
    }
    if (options_.memory != nullptr) options_.memory->remember(*file, options_.now);
    take(*file);
  }

  void take(const FoundFile& file) CV_REQUIRES(mutex_) {
    ++progress_.files_done;
    if (options_.on_progress) options_.on_progress(progress_);
    learn(file);
    note(file);
    files_.emplace(file.key, file);
  }

  void note(const FoundFile& file) CV_REQUIRES(mutex_) {
    const auto name = layout_.parse(file.key);
    notes_.records += file.records;
    notes_.made_ids += file.made_ids;
    notes_.damaged += file.is_whole() ? 0 : 1;
    for (const CellCount& cell : file.cells) {
      const std::int64_t apart = name ? name->hour.index - cell.hour.index : 0;
      if (apart != 0) notes_.other_hour += cell.digest.records;
      if (std::abs(apart) > kMostApart) notes_.far += cell.digest.records;
      if (name && name->ns != cell.ns) notes_.other_name += cell.digest.records;
      notes_.earliest = std::min(notes_.earliest, apart);
      notes_.latest = std::max(notes_.latest, apart);
    }
  }

  ObjectStore& store_;
  const KeyLayout& layout_;
  const Scope& scope_;
  const FoundOptions& options_;
  std::int64_t earliest_ = 0;  // hours from a record's hour to its folder's
  std::int64_t latest_ = 0;
  bool left_out_ = false;
  std::map<std::string, FoundFile> files_;
  Mutex mutex_;  // of all that the workers share
  FoundNotes notes_;
  FoundProgress progress_;
  std::optional<Error> error_ CV_GUARDED_BY(mutex_);
};

Result<FoundArchive> FoundArchive::read(ObjectStore& store, const KeyLayout& layout, const Scope& scope,
                                        const FoundOptions& options) {
  return FoundReader(store, layout, scope, options).read();
}

bool may_hold(const FoundFile& file, const KeyLayout& layout, const Scope& scope) {
  if (std::any_of(file.cells.begin(), file.cells.end(),
                  [&](const CellCount& cell) { return scope.matches(cell.ns) && scope.touches(cell.hour); }))
    return true;
  const auto name = layout.parse(file.key);
  return !file.is_whole() && name && scope.matches(name->ns) && scope.touches(name->hour);
}

ListedSegment listing_of(const FoundFile& file, const KeyLayout& layout, const std::string& source_id) {
  ListedSegment listed;
  listed.listed_at = file.modified;
  SegmentFacts& facts = listed.facts;
  facts.key = file.key;
  if (const auto name = layout.parse(file.key)) {
    facts.ns = name->ns;
    facts.hour = name->hour;
    if (name->origin) facts.partition = name->origin->partition;
    if (name->origin) facts.first = name->origin->first;
    if (name->origin) facts.last = name->origin->last;
  }
  facts.records = file.records;
  facts.min_time = file.min_time;
  facts.max_time = file.max_time;
  facts.bytes = file.bytes;
  facts.text_bytes = file.text_bytes;
  facts.sha256 = file.sha256;
  facts.md5 = file.md5;
  facts.distinct = file.distinct;
  for (const CellCount& cell : file.cells) {
    facts.digest += cell.digest.sum;
    facts.operations += cell.operations;
  }
  const bool one_place =
      file.cells.size() == 1 && file.cells[0].hour == facts.hour && file.cells[0].ns == facts.ns;
  auto foreign = std::make_shared<ForeignFacts>();
  foreign->source_id = source_id;
  if (!one_place) foreign->cells = file.cells;
  listed.foreign = std::move(foreign);
  return listed;
}

Catalog FoundArchive::catalog(const KeyLayout& layout, const Scope& scope) const {
  std::vector<ListedSegment> segments;
  for (const FoundFile& file : files_) {
    if (may_hold(file, layout, scope)) segments.push_back(listing_of(file, layout, source_id_));
  }
  return Catalog::of_files(std::move(segments));
}

}  // namespace changevault
