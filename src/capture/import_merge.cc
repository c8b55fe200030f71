#include "capture/import_merge.h"

namespace changevault {
namespace {

// What is held back at the start of a file while its first time is looked for.
constexpr std::size_t kMaxHeldLines = 10'000;
constexpr std::size_t kMaxHeldBytes = std::size_t{64} << 20;

}  // namespace

Result<bool> ImportFile::advance(ClusterTimeReader& times) {
  if (!timed_) return hold_until_first_time(times);
  if (!held_.empty()) {
    take_held();
    return true;
  }
  CV_ASSIGN(const auto line, next_line());
  if (!line) return false;
  payload_ = *line;
  line_ = lines_->line();
  const auto time = times.read(*line);
  own_time_ = time.has_value();
  if (time) time_ = *time;
  return true;
}

ImportedEvent ImportFile::current() const {
  return {payload_, time_, own_time_, "line " + std::to_string(line_) + " of " + lines_->object()};
}

Result<std::optional<std::string_view>> ImportFile::next_line() {
  while (true) {
    CV_ASSIGN(const auto line, lines_->next());
    if (!line || !line->empty()) return line;
    ++empty_lines_;
  }
}

Result<bool> ImportFile::hold_until_first_time(ClusterTimeReader& times) {
  std::size_t bytes = 0;
  while (held_.size() < kMaxHeldLines && bytes < kMaxHeldBytes) {
    CV_ASSIGN(const auto line, next_line());
    if (!line) break;
    const auto time = times.read(*line);
    bytes += line->size();
    held_.push_back({std::string(*line), time.has_value(), lines_->line()});
    if (!time) continue;
    timed_ = true;
    time_ = *time;
    take_held();
    return true;
  }
  if (held_.empty()) return false;
  return Error(
      ErrorCode::kUsage,
      "none of the first " + std::to_string(held_.size()) + " events has a clusterTime that can be read",
      lines_->object(), "publish the file without --time-from: its events then get the present time");
}

void ImportFile::take_held() {
  taken_ = std::move(held_.front());
  held_.pop_front();
  payload_ = taken_.payload;
  own_time_ = taken_.own_time;
  line_ = taken_.line;
}

Result<ImportMerge> ImportMerge::open(const std::vector<std::string>& paths, const std::stop_token& stop) {
  ImportMerge merge;
  for (const std::string& path : paths) {
    CV_ASSIGN(auto lines, LineReader::open(path, stop));
    merge.files_.emplace_back(std::move(lines));
  }
  for (std::size_t file = 0; file < merge.files_.size(); ++file) CV_TRY(merge.queue_next_of(file));
  return merge;
}

Result<std::optional<ImportedEvent>> ImportMerge::next() {
  // Only now: the event given last pointed into its file's buffer.
  if (given_) {
    const std::size_t file = *given_;
    given_.reset();
    CV_TRY(queue_next_of(file));
  }
  if (turns_.empty()) return std::optional<ImportedEvent>();
  given_ = turns_.top().second;
  turns_.pop();
  return std::optional(files_[*given_].current());
}

std::int64_t ImportMerge::empty_lines() const {
  std::int64_t lines = 0;
  for (const ImportFile& file : files_) lines += file.empty_lines();
  return lines;
}

Result<void> ImportMerge::queue_next_of(std::size_t file) {
  CV_ASSIGN(const bool there, files_[file].advance(times_));
  if (there) turns_.emplace(files_[file].time(), file);
  return {};
}

}  // namespace changevault
