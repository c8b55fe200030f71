#include "service/newest_first.h"

#include <algorithm>
#include <limits>
#include <queue>
#include <span>
#include <string>
#include <tuple>

namespace changevault {
namespace {

// A line's place among all: no two share one.
struct Place {
  Timestamp time{};
  std::int32_t partition = 0;
  std::int64_t sequence = 0;
  std::size_t file = 0;
  std::int64_t in_file = 0;
  auto operator<=>(const Place&) const = default;
};

struct Kept {
  Place place;
  std::string line;
};

struct IsNewer {
  bool operator()(const Kept& a, const Kept& b) const { return a.place > b.place; }
};

// What is read at once: a block, or a file whose blocks are not known.
struct Unit {
  const ArchivedFile* file = nullptr;
  const BlockFacts* block = nullptr;
  std::size_t file_index = 0;
  std::int64_t first_in_file = 0;
  Timestamp earliest{INT64_MIN};
  Timestamp latest{};
  bool counted = false;
};

std::vector<Unit> units_of(const std::vector<ArchivedFile>& files) {
  constexpr std::int64_t kBlockStride = std::int64_t{1} << 32;
  std::vector<Unit> units;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const ArchivedFile& file = files[i];
    if (file.blocks.empty() && !file.is_part)
      units.push_back({&file, nullptr, i, 0, Timestamp{INT64_MIN}, file.latest, false});
    std::int64_t at = 0;
    for (const BlockFacts& block : file.blocks)
      units.push_back({&file, &block, i, kBlockStride * at++, block.min_time, block.max_time, false});
  }
  std::ranges::stable_sort(units, [](const Unit& a, const Unit& b) { return a.latest > b.latest; });
  return units;
}

// One pass: the newest lines below `bound` that fit. Lines that do not fit raise the floor: nothing below it
// is kept, so what is kept is all there is above it.
class Pass {
 public:
  Pass(const std::optional<Place>& bound, std::int64_t count, std::int64_t bytes)
      : bound_(bound), count_(count), bytes_(bytes) {}

  bool may_need(const Unit& unit) const {
    if (floor_ && unit.latest < floor_->time) return false;
    return !is_full() || unit.latest >= newest_.top().place.time;
  }

  Result<void> read(const Unit& unit, SegmentFeed& feed, ReadTally& tally) {
    if (bound_ && unit.earliest > bound_->time) return {};
    std::int64_t at = unit.first_in_file;
    const auto take = [&](const RecordView& record) -> Result<void> {
      add({record.enqueued_time, unit.file->segment.partition.value, record.sequence_number.value_or(0),
           unit.file_index, at++},
          record.line);
      return {};
    };
    std::optional<std::span<const BlockFacts>> block;
    if (unit.block != nullptr) block = std::span(unit.block, 1);
    return read_counted(feed, *unit.file, block, take, tally);
  }

  bool is_last() const { return !floor_; }
  std::vector<Kept> take() {
    std::vector<Kept> out;
    out.reserve(newest_.size());
    while (!newest_.empty()) {
      out.push_back(newest_.top());
      newest_.pop();
    }
    std::ranges::reverse(out);
    return out;
  }

 private:
  bool is_full() const { return static_cast<std::int64_t>(newest_.size()) >= count_; }

  void add(const Place& place, std::string_view line) {
    if (bound_ && place >= *bound_) return;
    if (floor_ && place < *floor_) return;
    if (is_full() && place < newest_.top().place) return raise_floor(place);
    held_ += static_cast<std::int64_t>(line.size() + sizeof(Kept));
    newest_.push({place, std::string(line)});
    while (static_cast<std::int64_t>(newest_.size()) > count_ || (held_ > bytes_ && newest_.size() > 1)) {
      const Kept& oldest = newest_.top();
      raise_floor(oldest.place);
      held_ -= static_cast<std::int64_t>(oldest.line.size() + sizeof(Kept));
      newest_.pop();
    }
  }
  void raise_floor(const Place& place) { floor_ = floor_ ? std::max(*floor_, place) : place; }

  const std::optional<Place>& bound_;
  std::int64_t count_;
  std::int64_t bytes_;
  std::priority_queue<Kept, std::vector<Kept>, IsNewer> newest_;  // its top is the oldest
  std::int64_t held_ = 0;
  std::optional<Place> floor_;
};

}  // namespace

Result<ReadTally> read_newest_first(const std::vector<ArchivedFile>& files, SegmentFeed& feed,
                                    const NewestFirstOptions& options,
                                    const std::function<Result<void>(std::string_view line)>& each) {
  std::vector<Unit> units = units_of(files);
  std::int64_t left = options.limit.value_or(std::numeric_limits<std::int64_t>::max());
  std::optional<Place> bound;
  ReadTally tally;
  const std::size_t all = units.size();
  std::size_t read = 0;
  tally.cut_short = all > 0;
  while (left > 0) {
    Pass pass(bound, left, options.lines_in_memory);
    for (Unit& unit : units) {
      if (!pass.may_need(unit)) break;
      ReadTally again;
      CV_TRY(pass.read(unit, feed, unit.counted ? again : tally));
      read += unit.counted ? 0 : 1;
      unit.counted = true;
    }
    const std::vector<Kept> lines = pass.take();
    for (const Kept& kept : lines) CV_TRY(each(kept.line));
    tally.cut_short = read < all;
    if (pass.is_last() || lines.empty()) break;
    left -= static_cast<std::int64_t>(lines.size());
    bound = lines.back().place;
    std::erase_if(units, [&](const Unit& unit) { return unit.earliest > bound->time; });
  }
  return tally;
}

}  // namespace changevault
