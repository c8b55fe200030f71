// Several files of history as one stream in the order of time.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <queue>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "capture/cluster_time.h"
#include "capture/line_reader.h"

namespace changevault {

struct ImportedEvent {
  std::string_view payload;  // until the next call
  Timestamp time{};
  bool own_time =
      true;  // false: it has none and took the one before it in its file (at the start, the first one)
  std::string where;  // "line 17 of FILE", for errors
};

// One file of an import. Its lines without a clusterTime take the time before them; those at its start take
// the first time of the file, for which they are held back, up to a limit. Not thread-safe.
class ImportFile {
 public:
  explicit ImportFile(std::unique_ptr<LineReader> lines) : lines_(std::move(lines)) {}

  // False at the end. kUsage where no line of the file's start has a time.
  Result<bool> advance(ClusterTimeReader& times);
  // REQUIRES: the last `advance` said true.
  ImportedEvent current() const;
  Timestamp time() const { return time_; }
  std::int64_t empty_lines() const { return empty_lines_; }

 private:
  struct Held {
    std::string payload;
    bool own_time;
    std::int64_t line;
  };
  Result<std::optional<std::string_view>> next_line();
  Result<bool> hold_until_first_time(ClusterTimeReader& times);
  void take_held();

  std::unique_ptr<LineReader> lines_;
  std::deque<Held> held_;
  Held taken_{};  // owns `payload_` where that was held back
  std::string_view payload_;
  Timestamp time_{};
  bool own_time_ = false;
  std::int64_t line_ = 0;
  bool timed_ = false;  // a time was found
  std::int64_t empty_lines_ = 0;
};

// Each file is taken to be in order; where it is not, its events keep their order within the file. Not
// thread-safe.
class ImportMerge {
 public:
  static Result<ImportMerge> open(const std::vector<std::string>& paths, const std::stop_token& stop);
  // nullopt at the end of all files.
  Result<std::optional<ImportedEvent>> next();
  std::int64_t empty_lines() const;

 private:
  using Turn = std::pair<Timestamp, std::size_t>;  // equal times: the file named first
  Result<void> queue_next_of(std::size_t file);

  ClusterTimeReader times_;
  std::vector<ImportFile> files_;
  std::priority_queue<Turn, std::vector<Turn>, std::greater<>> turns_;
  std::optional<std::size_t> given_;  // the file whose event was given last
};

}  // namespace changevault
