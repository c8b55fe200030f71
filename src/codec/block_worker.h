// Where the blocks of open segments are compressed and hashed: at once, or behind the back of the thread that
// fills them.
//
// Invariants, for kBehind:
// - Jobs are done in the order of `submit`, by one thread, so blocks stand in their file in the order in
// which they were filled.
// - At most kWindow jobs are under way. `submit` takes the oldest back before it hands over one more, however
// fast the worker was:
//   what a writer knows of its finished blocks depends on the events alone, not on the speed of threads.
// - A file belongs to the worker from `submit` until its job was taken back; nobody else looks into it
// meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <thread>

#include "base/mutex.h"
#include "codec/block_compressor.h"
#include "codec/segment_file.h"

namespace changevault {

// One for each thread that fills segments. It outlives their writers. Not thread-safe.
class BlockWorker {
 public:
  enum class Mode { kAtOnce, kBehind };
  explicit BlockWorker(int gzip_level, Mode mode = Mode::kAtOnce);
  ~BlockWorker();  // drains
  BlockWorker(const BlockWorker&) = delete;
  BlockWorker& operator=(const BlockWorker&) = delete;

  struct Job {
    SegmentFile& file;
    std::string text;
    BlockFacts block;
    // Called in the submitting thread, by `submit` or `drain`, when the block stands in the file.
    std::function<void(const Job&)> taken_back;
    std::int64_t compressed = 0;   // of the file, this block included
    std::int64_t file_memory = 0;  // then
  };
  void submit(Job job);
  // Takes back all jobs under way.
  void drain();

  // An empty buffer for the next block, of the size of an earlier one where there was any.
  std::string spare_buffer();

 private:
  static constexpr std::size_t kWindow = 2;

  void work();
  void do_job(Job& job);
  void take_back_oldest();
  void take_back(Job& job);

  BlockCompressor compressor_;
  std::string spare_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<Job> jobs_
      CV_GUARDED_BY(mutex_);  // the oldest first; a job's address stays until it is taken back
  std::size_t done_ CV_GUARDED_BY(mutex_) = 0;  // of the front of `jobs_`
  bool ending_ CV_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace changevault
