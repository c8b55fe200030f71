#include "service/last_records.h"

#include <algorithm>
#include <queue>
#include <tuple>

namespace changevault {
namespace {

struct Kept {
  Timestamp time{};
  std::int32_t partition = 0;
  std::int64_t sequence = 0;
  std::string line;
};

bool is_newer(const Kept& a, const Kept& b) {
  return std::tie(a.time, a.partition, a.sequence) > std::tie(b.time, b.partition, b.sequence);
}

}  // namespace

Result<std::vector<std::string>> last_records(std::vector<ArchivedFile> files, RecordFeed& feed,
                                              std::int64_t count) {
  std::stable_sort(files.begin(), files.end(),
                   [](const ArchivedFile& a, const ArchivedFile& b) { return a.latest > b.latest; });
  std::priority_queue<Kept, std::vector<Kept>, decltype(&is_newer)> newest(
      is_newer);  // its top is the oldest
  const auto full = [&] { return static_cast<std::int64_t>(newest.size()) >= count; };
  for (const ArchivedFile& file : files) {
    if (count <= 0 || (full() && file.latest < newest.top().time)) break;
    CV_TRY(feed.read(file.segment, [&](const RecordView& record) -> Result<void> {
      Kept kept{record.enqueued_time, file.segment.partition.value, record.sequence_number.value_or(0), {}};
      if (full() && !is_newer(kept, newest.top())) return {};
      kept.line = record.line;
      if (full()) newest.pop();
      newest.push(std::move(kept));
      return {};
    }));
  }
  std::vector<std::string> lines(newest.size());
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    *line = newest.top().line;
    newest.pop();
  }
  return lines;
}

}  // namespace changevault
