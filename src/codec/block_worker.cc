#include "codec/block_worker.h"

#include <utility>

#include "base/mutex.h"

namespace changevault {

BlockWorker::BlockWorker(int gzip_level, Mode mode) : compressor_(gzip_level) {
  if (mode == Mode::kBehind) thread_ = std::thread([this] { work(); });
}

BlockWorker::~BlockWorker() {
  drain();
  if (!thread_.joinable()) return;
  {
    const MutexLock lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void BlockWorker::submit(Job job) {
  if (!thread_.joinable()) {
    do_job(job);
    return take_back(job);
  }
  MutexLock lock(mutex_);
  while (jobs_.size() >= kWindow) {
    lock.unlock();
    take_back_oldest();
    lock.lock();
  }
  jobs_.push_back(std::move(job));
  lock.unlock();
  changed_.notify_all();
}

void BlockWorker::drain() {
  MutexLock lock(mutex_);
  while (!jobs_.empty()) {
    lock.unlock();
    take_back_oldest();
    lock.lock();
  }
}

std::string BlockWorker::spare_buffer() {
  return std::exchange(spare_, {});
}

void BlockWorker::take_back_oldest() {
  MutexLock lock(mutex_);
  while (done_ == 0) changed_.wait(mutex_);
  Job job = std::move(jobs_.front());
  jobs_.pop_front();
  --done_;
  lock.unlock();
  take_back(job);
}

void BlockWorker::take_back(Job& job) {
  job.text.clear();
  if (job.text.capacity() > spare_.capacity()) spare_ = std::move(job.text);
  job.taken_back(job);
}

void BlockWorker::do_job(Job& job) {
  job.file.add_block(compressor_, job.text, std::move(job.block));
  job.compressed = job.file.compressed();
  job.file_memory = job.file.memory();
}

void BlockWorker::work() {
  MutexLock lock(mutex_);
  for (;;) {
    while (done_ == jobs_.size() && !ending_) changed_.wait(mutex_);
    if (done_ == jobs_.size()) return;
    Job& job = jobs_[done_];
    lock.unlock();
    do_job(job);
    lock.lock();
    ++done_;
    changed_.notify_all();
  }
}

}  // namespace changevault
